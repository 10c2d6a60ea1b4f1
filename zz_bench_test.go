package punctual_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/punctual-dev/punctual"
	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
)

func TestZZThroughput(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		for _, queues := range [][]string{{"a"}, {"a", "b", "c"}} {
			p := open(t, address, punctual.Concurrency(10), punctual.Queues(queues...))
			done := make(chan bool, 10000)
			punctual.AddWorker(p, river.WorkFunc(func(ctx context.Context, job *river.Job[Task]) error { time.Sleep(20*time.Millisecond); done <- true; return nil }))
			const n = 1500
			_ = p.Store().Database().Transaction(t.Context(), func(tx database.Tx) error {
				var jobs []queue.Job
				for i := range n {
					jobs = append(jobs, queue.Job{Queue: queues[i%len(queues)], Priority: 2, MaxAttempts: 1, Work: &schedule.Work{Kind: "task"}})
				}
				_, err := p.Store().Queue().InsertTx(t.Context(), tx, jobs)
				return err
			})
			began := time.Now()
			stop := run(t, p.RunWorker)
			for range n { receive(t, done) }
			fmt.Printf("%s %d queues: %d jobs of 20ms, 10 at once: %s (ideal 3s)\n", p.Store().Database().Kind, len(queues), n, time.Since(began))
			stop()
		}
	})
}

func TestZZLatency(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		p := open(t, address)
		started := make(chan time.Time, 1)
		punctual.AddWorker(p, river.WorkFunc(func(ctx context.Context, job *river.Job[Task]) error { started <- time.Now(); return nil }))
		p.Schedule("x", never, Task{}, punctual.Overlap(schedule.OverlapAllow))
		trigger(t, p, "x")
		stop := run(t, p.RunWorker)
		defer stop()
		receive(t, started)
		var sum, most time.Duration
		for range 40 {
			time.Sleep(37*time.Millisecond)
			trigger(t, p, "x")
			at := time.Now()
			d := receive(t, started).Sub(at)
			sum += d; most = max(most, d)
		}
		fmt.Printf("%s start after insert: mean %s, worst %s\n", p.Store().Database().Kind, sum/40, most)
	})
}
