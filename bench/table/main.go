// Command table prints in one table what all measurements found last.
//
//	go run .
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/punctual-dev/punctual/bench/figure"
)

func main() {
	if err := show(); err != nil {
		fmt.Fprintf(os.Stderr, "table: %v\n", err)
		os.Exit(1)
	}
}

func show() error {
	files, err := filepath.Glob(filepath.Join("..", "results", "*.json"))
	if err != nil {
		return err
	}
	var all []figure.Figure
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		var r figure.Results
		if err := json.Unmarshal(text, &r); err != nil {
			return fmt.Errorf("reading %s: %w", file, err)
		}
		fmt.Printf("%s: %s, %s, %d CPUs\n", filepath.Base(file), r.At.Format(time.DateTime), r.Go, r.CPUs)
		all = append(all, r.Figures...)
	}
	return figure.Print(os.Stdout, all)
}
