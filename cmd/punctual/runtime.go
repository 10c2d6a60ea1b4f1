package main

import (
	"os"
	"runtime"
)

// suitStarts suits Go's runtime to a process that starts others all the time. What
// the environment says (GOMAXPROCS) stands.
//
// While a command is being started, and in each short call of the system besides,
// a goroutine keeps what it needs to compute (a P) without using a processor. With
// one for each processor, a tenth of the machine stood idle while jobs waited.
func suitStarts() {
	const each = 4 // for a processor
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(each * runtime.GOMAXPROCS(0))
	}
}

// How many bytes a process may throw away, besides as many as it keeps, before the
// collector runs.
const (
	// A worker throws away 30 kB for each job and keeps little: the collector came to
	// see every 4 MB.
	workerBallast = 16 << 20
	// A clock, alone or beside others in one process, throws away 7 kB for each schedule
	// of a herd, and the collector had two fifths of what it computed. At rest so much
	// comes together only in minutes, and the collector runs every other minute anyhow.
	clockBallast = 32 << 20
)

// ballast counts as memory in use and is never touched, and so takes none of the
// machine's: the collector waits until as much again has been thrown away, which does.
// (A share, GOGC, that does the same for little would let much grow to a multiple.)
// What the environment says of the collector stands, and then there is none. The
// function that is returned lets go of it.
func ballast(size int) (done func()) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	weight := make([]byte, size)
	return func() { runtime.KeepAlive(weight) }
}
