package queue

import (
	"context"
	"testing"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
)

func jobsFrom(first, n int64) (jobs []*rivertype.JobRow) {
	for i := range n {
		jobs = append(jobs, &rivertype.JobRow{ID: first + i})
	}
	return jobs
}

func TestPlacesAreNeverGivenTwiceAndAllComeBack(t *testing.T) {
	now := time.Now()
	p := newPlaces(5, time.Second)
	if got := p.take("a", 3, now); got != 3 {
		t.Fatalf("%d places were given, want 3", got)
	}
	p.taken("a", 3, jobsFrom(1, 3), false)
	if got := p.take("b", 10, now); got != 2 {
		t.Fatalf("%d of the two places left were given", got)
	}
	if got := p.take("c", 1, now); got != 0 {
		t.Fatalf("%d places were given where none was free", got)
	}
	p.taken("b", 2, jobsFrom(4, 1), false) // the other found no job
	if got := p.take("c", 10, now); got != 1 {
		t.Fatalf("%d places were given, want the one that came back", got)
	}
	p.taken("c", 1, nil, true) // the query failed
	for range 2 {
		for id := range int64(9) { // some that never had one, and each twice
			p.release(id)
		}
	}
	if p.free != 5 || len(p.held) > 0 {
		t.Errorf("%d of 5 places came back, %d are held", p.free, len(p.held))
	}
}

func TestADatabaseIsAskedOnlyWhereThereMayBeJobs(t *testing.T) {
	now := time.Now()
	p := newPlaces(5, time.Second)
	asks := func(after time.Duration, jobs int64, failed bool) bool {
		n := p.take("a", 5, now.Add(after))
		p.taken("a", n, jobsFrom(1, jobs), failed)
		for id := range int64(9) {
			p.release(id)
		}
		return n > 0
	}
	for _, step := range []struct {
		name   string
		before func()
		after  time.Duration
		jobs   int64
		failed bool
		want   bool
	}{
		{name: "at first", want: true},
		{name: "again, since nothing came", after: 40 * time.Millisecond},
		{name: "after a notification", before: func() { p.inserted("a") }, after: 100 * time.Millisecond, jobs: 2, want: true},
		{name: "after some came", after: 150 * time.Millisecond, want: true},
		{name: "after none came", after: 200 * time.Millisecond},
		{name: "after a while", after: 1200 * time.Millisecond, failed: true, want: true},
		{name: "after a failure", after: 1250 * time.Millisecond, want: true},
		{name: "of a paused queue", before: func() { p.setPaused(map[string]bool{"a": true}) }, after: time.Minute},
		{name: "of one resumed", before: func() { p.setPaused(nil) }, after: time.Minute, want: true},
	} {
		if step.before != nil {
			step.before()
		}
		if got := asks(step.after, step.jobs, step.failed); got != step.want {
			t.Errorf("%s the database was asked: %t, want %t", step.name, got, step.want)
		}
	}
}

// rested is a database in which every queue is paused.
type rested struct{ riverdriver.Executor }

func (rested) QueueCreateOrSetUpdatedAt(_ context.Context, params *riverdriver.QueueCreateOrSetUpdatedAtParams) (*rivertype.Queue, error) {
	since := time.Now()
	return &rivertype.Queue{Name: params.Name, PausedAt: &since}, nil
}

func TestAQueueThatIsPausedWhenAWorkerBeginsIsPausedByUsWhoSeeItsEndAndNotByRiver(t *testing.T) {
	e := boundedExecutor{rested{}, newPlaces(2, 0), nil}
	queue, err := e.QueueCreateOrSetUpdatedAt(t.Context(), &riverdriver.QueueCreateOrSetUpdatedAtParams{Name: "a"})
	if err != nil || queue.PausedAt != nil {
		t.Errorf("River is told %v (%v): it would hear of the end a minute later", queue.PausedAt, err)
	}
	now := time.Now()
	if got := e.places.take("a", 1, now); got != 0 {
		t.Errorf("%d places are given to jobs of a queue that is paused", got)
	}
	e.places.setPaused(nil)
	if got := e.places.take("a", 1, now); got != 1 {
		t.Errorf("%d places are given when it goes on, want 1", got)
	}
}
