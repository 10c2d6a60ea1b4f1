package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	sqlitedriver "modernc.org/sqlite"
	sqlitecodes "modernc.org/sqlite/lib"
)

// Transient says that an error is about the database and not about what was
// asked of it: the same call may go through later.
func Transient(err error) bool {
	if err == nil {
		return false
	}
	var postgresError *pgconn.PgError
	if errors.As(err, &postgresError) {
		// A plan prepared before a migration fails once and is made anew.
		return transientState(postgresError.Code) || strings.Contains(postgresError.Message, "cached plan")
	}
	var sqliteError *sqlitedriver.Error
	if errors.As(err, &sqliteError) {
		switch sqliteError.Code() & 0xff {
		case sqlitecodes.SQLITE_BUSY, sqlitecodes.SQLITE_LOCKED, sqlitecodes.SQLITE_IOERR,
			sqlitecodes.SQLITE_FULL, sqlitecodes.SQLITE_CANTOPEN, sqlitecodes.SQLITE_INTERRUPT,
			sqlitecodes.SQLITE_NOMEM, sqlitecodes.SQLITE_READONLY:
			return true
		}
		return false
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		pgconn.SafeToRetry(err) || strings.Contains(err.Error(), "conn closed") || strings.Contains(err.Error(), "closed pool")
}

// transientState is true for the SQLSTATE classes that speak of the server's
// condition: connection, resources, operator, system, and contention; for a
// transaction that stood idle too long, and for a server that only reads, as
// one does that is about to take over from another.
func transientState(state string) bool {
	for _, class := range []string{"08", readOnly, "25P03", "40", "53", "55", "57", "58", "XX"} {
		if strings.HasPrefix(state, class) {
			return true
		}
	}
	return false
}

// Contended says that a transaction gave way to others, and may be run again at
// once: a deadlock, or a lock that was not to be had in time.
func Contended(err error) bool {
	var postgresError *pgconn.PgError
	if errors.As(err, &postgresError) {
		switch postgresError.Code {
		case "40001", "40P01", "55P03":
			return true
		}
		return false
	}
	var sqliteError *sqlitedriver.Error
	return errors.As(err, &sqliteError) && sqliteError.Code()&0xff == sqlitecodes.SQLITE_BUSY
}

// Told says that an error was told by the database itself, about a statement.
func Told(err error) bool {
	var postgresError *pgconn.PgError
	var sqliteError *sqlitedriver.Error
	return errors.As(err, &postgresError) || errors.As(err, &sqliteError)
}

// refusesToWrite says that a database that answers does not take what is written, and
// not that it is just being stopped or gives up sessions.
func refusesToWrite(err error) bool {
	var postgresError *pgconn.PgError
	if errors.As(err, &postgresError) {
		return postgresError.Code == readOnly || !transientState(postgresError.Code)
	}
	return Told(err)
}

// readOnly is the SQLSTATE of a server or a role that only reads.
const readOnly = "25006"

// UniqueViolation says that a row stands already where one was to be added.
func UniqueViolation(err error) bool {
	var postgresError *pgconn.PgError
	if errors.As(err, &postgresError) {
		return postgresError.Code == "23505"
	}
	var sqliteError *sqlitedriver.Error
	return errors.As(err, &sqliteError) &&
		(sqliteError.Code() == sqlitecodes.SQLITE_CONSTRAINT_UNIQUE || sqliteError.Code() == sqlitecodes.SQLITE_CONSTRAINT_PRIMARYKEY)
}
