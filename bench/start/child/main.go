// Command child writes down when it began, and when its occurrence was due. It is
// small, since its own beginnings are in what is measured.
package main

import (
	"os"
	"strconv"
	"time"
)

func main() {
	now := time.Now().UnixNano()
	file, err := os.OpenFile(os.Args[1], os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		println(err.Error())
		os.Exit(1)
	}
	_, err = file.WriteString(strconv.FormatInt(now, 10) + " " + os.Getenv("PUNCTUAL_DUE") + "\n")
	if err != nil {
		println(err.Error())
		os.Exit(1)
	}
}
