package database

import (
	"errors"
	"net"
	"syscall"

	sqlitedriver "modernc.org/sqlite"
	sqlitecodes "modernc.org/sqlite/lib"
)

// ErrAddress says that an address names no database, whatever is there.
var ErrAddress = errors.New("the address is not one of a database")

// addressError is one in words of its own.
type addressError struct{ text string }

func (e *addressError) Error() string        { return e.text }
func (e *addressError) Is(target error) bool { return target == ErrAddress }

// explained is an error of a driver in words. The driver's own, with its number,
// tells a user nothing; the error itself stays for who asks what it is.
type explained struct {
	words string
	err   error
}

func (e *explained) Error() string { return e.words }
func (e *explained) Unwrap() error { return e.err }

// inWords says what is wrong with a file, and what to do, instead of a driver's
// message with a number.
func inWords(err error) error {
	said, advice := sqliteFault(err)
	if said == "" {
		return err
	}
	return &explained{words: said + "; " + advice, err: err}
}

// Advice is what to do about an error that came from the database while it was
// in use; empty where there is nothing to say, or it has been said.
func Advice(err error) string {
	if _, said := errors.AsType[*explained](err); said {
		return ""
	}
	if _, advice := sqliteFault(err); advice != "" {
		return advice
	}
	var network *net.OpError
	if errors.As(err, &network) {
		return "is the server running, and reachable from here?"
	}
	return ""
}

// sqliteFault is a condition of a file in words, with advice.
func sqliteFault(err error) (said, advice string) {
	var fault *sqlitedriver.Error
	if !errors.As(err, &fault) {
		return "", ""
	}
	switch fault.Code() & 0xff {
	case sqlitecodes.SQLITE_CANTOPEN:
		return "the file cannot be opened or made", "the file and its directory have to be readable and writable for the user that runs punctual, and the file no directory"
	case sqlitecodes.SQLITE_NOTADB:
		return "the file is no database of SQLite", "name another file, or move this one away: punctual apply makes a new one"
	case sqlitecodes.SQLITE_READONLY, sqlitecodes.SQLITE_PERM:
		return "the file cannot be written", "the file, and the directory it is in, have to be writable for the user that runs punctual, also for commands that only look"
	case sqlitecodes.SQLITE_FULL:
		return "the disk is full", "make room on the disk that the file is on"
	case sqlitecodes.SQLITE_IOERR:
		return "the disk or its file system reports a fault", "look at the disk; SQLite does not work on network file systems"
	case sqlitecodes.SQLITE_CORRUPT:
		return "the file is damaged", "stop what uses it, and restore it from a backup, or try sqlite3 FILE .recover"
	case sqlitecodes.SQLITE_BUSY, sqlitecodes.SQLITE_LOCKED:
		return "another process holds the file", "try again; if it stays so, look for who has it open"
	}
	return "", ""
}

// networkWords says why nobody answered, without the names of system calls.
func networkWords(err error) error {
	var lookup *net.DNSError
	words := ""
	switch {
	case errors.As(err, &lookup) && lookup.IsNotFound:
		words = "there is no host " + lookup.Name
	case errors.Is(err, syscall.ECONNREFUSED):
		words = "nothing listens there (connection refused)"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		words = "there is no way to that host (unreachable)"
	case errors.Is(err, syscall.ENOENT):
		words = "there is no such socket"
	default:
		return err
	}
	return &explained{words: words, err: err}
}
