package batch_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/punctual-dev/punctual/internal/batch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errBad = errors.New("bad question")

// slowly answers with the double, takes a second, and keeps what it was asked.
type slowly struct{ calls [][]int }

func (s *slowly) do(ctx context.Context, questions []int) (answers []int, err error) {
	s.calls = append(s.calls, slices.Clone(questions))
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for _, q := range questions {
		if q < 0 {
			return nil, errBad
		}
		answers = append(answers, 2*q)
	}
	return answers, nil
}

// askAll asks everything at once, in order, and returns what came.
func askAll(b *batch.Batcher[int, int], questions ...int) []string {
	said := make([]string, len(questions))
	var wg sync.WaitGroup
	for i, q := range questions {
		wg.Go(func() {
			answer, err := b.Ask(context.Background(), q)
			if said[i] = fmt.Sprint(answer); err != nil {
				said[i] = err.Error()
			}
		})
		synctest.Wait()
	}
	wg.Wait()
	return said
}

func TestWhatIsAskedMeanwhileGoesIntoTheNextCallTogether(t *testing.T) {
	for _, c := range []struct {
		name      string
		questions []int
		calls     string
		answers   string
	}{
		{"one", []int{1}, "[[1]]", "[2]"},
		{"the first goes alone, and nobody waits for more", []int{1, 2, 3}, "[[1] [2 3]]", "[2 4 6]"},
		{"a call takes only so many", []int{1, 2, 3, 4, 5, 6}, "[[1] [2 3 4] [5 6]]", "[2 4 6 8 10 12]"},
		{"who is to blame alone gets the blame", []int{1, 2, -3, 4}, "[[1] [2 -3 4] [2] [-3] [4]]", "[2 4 bad question 8]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &slowly{}
				b := batch.New(3, time.Minute, func(err error) bool { return errors.Is(err, errBad) }, s.do)
				answers := askAll(b, c.questions...)
				if got := fmt.Sprint(s.calls); got != c.calls {
					t.Errorf("the calls were %s, want %s", got, c.calls)
				}
				if got := fmt.Sprint(answers); got != c.answers {
					t.Errorf("the answers were %s, want %s", got, c.answers)
				}
			})
		})
	}
}

func TestAFailureThatNobodyIsToBlameForIsEverybodys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slowly{}
		b := batch.New(3, time.Millisecond, func(error) bool { return false }, s.do)
		answers := askAll(b, 1, 2, 3)
		if got := fmt.Sprint(answers); got != fmt.Sprint(slices.Repeat([]string{context.DeadlineExceeded.Error()}, 3)) {
			t.Errorf("the answers were %s", got)
		}
		if len(s.calls) != 2 {
			t.Errorf("the calls were %v", s.calls)
		}
	})
}

func TestWhoGivesUpLeavesTheOthersTheirAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slowly{}
		b := batch.New(3, time.Minute, func(error) bool { return false }, s.do)
		impatient, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := b.Ask(impatient, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if got := askAll(b, 2, 3); fmt.Sprint(got) != "[4 6]" || fmt.Sprint(s.calls) != "[[1] [2 3]]" {
			t.Errorf("the others got %s of %v", got, s.calls)
		}
	})
}
