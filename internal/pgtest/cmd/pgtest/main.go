// Command pgtest starts a throwaway PostgreSQL server for scripts. It prints the
// server's URL as one line and runs until it gets SIGINT or SIGTERM; however it
// ends, the server ends with it.
//
//	go build -o /tmp/pgtest ./internal/pgtest/cmd/pgtest
//	/tmp/pgtest --port 5439 &
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/punctual-dev/punctual/internal/pgtest"
)

func main() {
	dir := flag.String("dir", "", "keep the server's files in this `directory` and continue with them next time (default: throw them away)")
	port := flag.Int("port", 0, "listen on this `port` of 127.0.0.1 (default: a free one)")
	durable := flag.Bool("durable", false, "sync every commit to the disk")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "pgtest: it takes no argument, but got %q; see --help\n", flag.Args())
		os.Exit(2)
	}
	change := []pgtest.Option{pgtest.Dir(*dir), pgtest.Port(*port)}
	if *durable {
		change = append(change, pgtest.Durable())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := pgtest.Run(ctx, os.Stdout, change...); err != nil {
		fmt.Fprintf(os.Stderr, "pgtest: %v\n", err)
		os.Exit(1)
	}
}
