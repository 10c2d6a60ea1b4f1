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
//
// And a worker keeps little but throws away 30 kB for each job, of which the
// collector came to see every 4 MB. So there is a ballast that has it run when some 20
// MB are to be had. It is never touched, and so takes no memory of the machine's. (A
// share, GOGC, that does the same for little would let much grow to a multiple.) The
// function that is returned lets go of it.
func suitStarts() (done func()) {
	const each = 4 // for a processor
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(each * runtime.GOMAXPROCS(0))
	}
	ballast := make([]byte, 16<<20)
	return func() { runtime.KeepAlive(ballast) }
}
