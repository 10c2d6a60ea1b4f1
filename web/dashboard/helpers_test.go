package dashboard

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestAPageDoesAllOfItsTasksWithTheHelpersThatAreFree(t *testing.T) {
	for _, busy := range []int{0, 1, 2} {
		synctest.Test(t, func(t *testing.T) {
			h := make(helpers, 2)
			for range busy {
				h <- struct{}{}
			}
			var done, atOnce, most atomic.Int64
			tasks := make([]func(context.Context) error, 12)
			for i := range tasks {
				tasks[i] = func(context.Context) error {
					most.Store(max(most.Load(), atOnce.Add(1)))
					time.Sleep(time.Second)
					atOnce.Add(-1)
					done.Add(1)
					return nil
				}
			}
			if err := h.share(t.Context(), tasks...); err != nil {
				t.Fatal(err)
			}
			if done.Load() != 12 || most.Load() != int64(3-busy) {
				t.Errorf("with %d helpers busy: %d tasks were done, %d at once", busy, done.Load(), most.Load())
			}
			if len(h) != busy {
				t.Errorf("%d helpers were not given back", len(h)-busy)
			}
		})
	}
}

func TestAPageWithoutHelpersDoesItsTasksOneAfterTheOther(t *testing.T) {
	var done []int
	tasks := make([]func(context.Context) error, 3)
	for i := range tasks {
		tasks[i] = func(context.Context) error { done = append(done, i); return nil }
	}
	if err := helpers(nil).share(t.Context(), tasks...); err != nil || !slices.Equal(done, []int{0, 1, 2}) {
		t.Errorf("it did %d (%v)", done, err)
	}
}

func TestManyPagesAtOnceHaveNoMoreHelpersThanThereAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := make(helpers, 2)
		var atOnce, most atomic.Int64
		task := func(context.Context) error {
			most.Store(max(most.Load(), atOnce.Add(1)))
			time.Sleep(time.Second)
			atOnce.Add(-1)
			return nil
		}
		var pages sync.WaitGroup
		for range 10 {
			pages.Go(func() {
				if err := h.share(t.Context(), task, task, task, task); err != nil {
					t.Error(err)
				}
			})
		}
		pages.Wait()
		if most.Load() != 12 {
			t.Errorf("10 pages with 2 helpers did %d tasks at once", most.Load())
		}
	})
}

func TestATaskThatFailsEndsThoseUnderWayAndLeavesTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := make(helpers, 2)
		broken := errors.New("the database is gone")
		var begun, ended atomic.Int64
		slow := func(ctx context.Context) error {
			begun.Add(1)
			<-ctx.Done()
			ended.Add(1)
			return ctx.Err()
		}
		err := h.share(t.Context(), slow, slow, func(context.Context) error { return broken }, slow, slow, slow)
		if !errors.Is(err, broken) {
			t.Errorf("the error is %v", err)
		}
		if begun.Load() != 2 || ended.Load() != 2 {
			t.Errorf("%d tasks were begun and %d ended", begun.Load(), ended.Load())
		}
	})
}

func TestATaskEndsWhenWhoAskedHasGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		wait := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		err := make(helpers, 2).share(ctx, wait, wait, wait, wait)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestATaskThatPanicsDoesSoWhereTheRequestIsAnswered(t *testing.T) {
	for _, culprit := range []int{0, 1, 2} {
		synctest.Test(t, func(t *testing.T) {
			h := make(helpers, 2)
			var under atomic.Int64
			tasks := make([]func(context.Context) error, 3)
			for i := range tasks {
				tasks[i] = func(ctx context.Context) error {
					under.Add(1)
					defer under.Add(-1)
					time.Sleep(time.Second)
					if i == culprit {
						panic("an index out of range")
					}
					<-ctx.Done()
					return ctx.Err()
				}
			}
			defer func() {
				failure := recover()
				if err, ok := failure.(error); ok {
					failure = err.Error()
				}
				if text, _ := failure.(string); !strings.Contains(text, "an index out of range") {
					t.Errorf("what was recovered is %v", failure)
				}
				if under.Load() != 0 || len(h) != 0 {
					t.Errorf("%d tasks go on, %d helpers are not back", under.Load(), len(h))
				}
			}()
			_ = h.share(t.Context(), tasks...)
		})
	}
}
