// Package script tells why a file that may be executed cannot be: the kernel says
// no more than "no such file" or "exec format error", of files that are there.
package script

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
)

// Fault is what keeps the file at a path from being executed as a program, and
// what to do about it; both are empty where nothing is seen.
func Fault(path string) (problem, advice string) {
	first, ok := firstLine(path)
	if !ok {
		return "", ""
	}
	interpreter, named := bytes.CutPrefix(first, []byte("#!"))
	switch {
	case !named && ofMachine(first):
		return "", ""
	case !named:
		return NoLine, noInterpreter
	case bytes.HasSuffix(interpreter, []byte("\r")):
		return fmt.Sprintf("its lines end as in Windows, so that it names the interpreter %s", strconv.Quote(string(bytes.TrimLeft(interpreter, " \t")))), plainEnds
	}
	fields := bytes.Fields(interpreter)
	if len(fields) == 0 {
		return "its #! line names no interpreter", noInterpreter
	}
	if _, err := os.Stat(string(fields[0])); os.IsNotExist(err) {
		return fmt.Sprintf("there is no interpreter %s, which its first line names", fields[0]), "install it, or name another"
	}
	return "", ""
}

// NoLine is the problem of a file that a shell would read itself, and nothing else
// executes.
const NoLine = "the file has no #! line"

const (
	noInterpreter = "let its first line be #!/bin/sh, or name what else reads it"
	plainEnds     = "dos2unix, or sed -i 's/\\r$//', takes the \\r away"
)

// firstLine is the first line of a file, as far as the kernel reads it, without
// its end.
func firstLine(path string) (line []byte, ok bool) {
	const enough = 256
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return nil, false // a pipe would have us wait
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	head := make([]byte, enough)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, false
	}
	line, _, _ = bytes.Cut(head[:n], []byte("\n"))
	return line, true
}

// ofMachine says whether a file begins as programs do that no interpreter reads:
// those of Linux, of macOS and of Windows. Which machine they are for is not asked.
func ofMachine(head []byte) bool {
	for _, magic := range []string{"\x7fELF", "\xcf\xfa\xed\xfe", "\xce\xfa\xed\xfe", "\xca\xfe\xba\xbe", "MZ"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	return false
}
