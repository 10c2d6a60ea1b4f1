package clock

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/schedule"
)

// fakeStore keeps states in memory and breaks on demand.
type fakeStore struct {
	outcomes   int                              // batches of them that are yet to be copied
	soon       int                              // those that can be made ready, each in 10 ms
	foreseen   []time.Time                      // when they were
	offset     func(at time.Time) time.Duration // of the store's time against this process's; nil: none
	mu         sync.Mutex                       // holds schedules
	schedules  []*fakeSchedule
	calls      int
	away       func(at time.Time) bool // the database does not answer
	refuse     map[int64]error         // a commit with this schedule fails for its content
	wake       chan func()
	takes      time.Duration             // a commit, for each schedule
	looks      int                       // for what is due
	readings   int                       // of the time
	asked      int                       // when the next is due
	waiting    func()                    // what looking for waits that are over does; may be nil
	groups     map[string]schedule.Group // of every batch
	rehearsing time.Duration             // a rehearsal, besides what a commit takes, unless it is called off
	unwilling  int                       // how often the database goes away when time is to be set back

	fired     []firing
	rehearsed []rehearsed
	failed    map[int64]string
	commits   []int // the number of schedules of each commit
	decided   int   // in all of them, whether they held or not
	rewinds   int
	retimed   int
	lastTick  time.Time
}

type fakeSchedule struct {
	one     *schedule.Schedule
	state   schedule.State
	version int64
}

type firing struct {
	key         string
	nominal, at time.Time
	skipped     schedule.Reason
}

type rehearsed struct {
	key     string
	at, now time.Time // when, and as of when
}

var errAway, errContent = errors.New("the database is away"), errors.New("value out of range")

func newFakeStore(t *testing.T, whens map[string]string) *fakeStore {
	t.Helper()
	f := &fakeStore{refuse: map[int64]error{}, failed: map[int64]string{}, wake: make(chan func(), 1)}
	keys := make([]string, 0, len(whens))
	for key := range whens {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for i, key := range keys {
		f.add(t, int64(i+1), key, whens[key])
	}
	return f
}

// crowdOf is as many whens that are alike.
func crowdOf(n int, when string) map[string]string {
	whens := map[string]string{}
	for i := range n {
		whens[fmt.Sprintf("s-%04d", i)] = when
	}
	return whens
}

// decidedWithin wants everything decided when it was due, or so much later at most.
func (f *fakeStore) decidedWithin(t *testing.T, most time.Duration) {
	t.Helper()
	for _, fired := range f.fired {
		if late := fired.at.Sub(fired.nominal); late < 0 || late > most {
			t.Errorf("%s: %v was decided %v after it was due", fired.key, fired.nominal, late)
		}
	}
}

func (f *fakeStore) add(t *testing.T, id int64, key, when string) {
	t.Helper()
	now := time.Now()
	policies := schedule.DefaultPolicies()
	policies.Overlap = schedule.OverlapAllow
	one := &schedule.Schedule{ID: id, CreatedAt: now, Declaration: schedule.Declaration{Key: key, Policies: policies}}
	var err error
	one.Timeline, err = schedule.NewTimeline([]schedule.Definition{{From: now, When: calendar.When{Expressions: []string{when}}, Seed: key}})
	if err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.schedules = append(f.schedules, &fakeSchedule{one, schedule.NextState(one.Timeline, schedule.State{Cursor: now}), 1})
}

func (f *fakeStore) now() time.Time {
	at := time.Now()
	if f.offset != nil {
		return at.Add(f.offset(at))
	}
	return at
}

func (f *fakeStore) call() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.called()
}

func (f *fakeStore) called() error {
	f.calls++
	if f.away != nil && f.away(time.Now()) {
		return errAway
	}
	return nil
}

func (f *fakeStore) Now(context.Context) (time.Time, error) {
	f.mu.Lock()
	f.readings++
	f.mu.Unlock()
	return f.now(), f.call()
}

func (f *fakeStore) Due(_ context.Context, w schedule.Wanted) (schedule.Batch, error) {
	b := schedule.Batch{Now: w.Now, Groups: f.groups}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.looks++
	if b.Now.IsZero() {
		b.Now = f.now()
	}
	if err := f.called(); err != nil || w.Lane == schedule.LaneLate {
		return b, err
	}
	inOrder := slices.SortedStableFunc(slices.Values(f.schedules), func(a, b *fakeSchedule) int { return a.state.NextDue.Compare(b.state.NextDue) })
	for _, s := range inOrder {
		next := s.state.NextDue
		place := schedule.Place{Due: next, ID: s.one.ID}
		switch {
		case place.Due.Before(w.Behind.Due) || place.Due.Equal(w.Behind.Due) && place.ID <= w.Behind.ID:
		case next.IsZero() || next.After(b.Now.Add(-w.Since)) || len(b.Candidates) == w.Limit || !w.Share.Has(s.one.ID):
		default:
			b.Candidates = append(b.Candidates, schedule.Candidate{Schedule: s.one, State: s.state, Version: s.version, Facts: schedule.Facts{Now: b.Now}})
			b.Last = place
		}
	}
	return b, nil
}

func (f *fakeStore) Waiting(context.Context, int) (schedule.Batch, error) {
	if f.waiting != nil {
		f.mu.Lock()
		f.waiting()
		f.mu.Unlock()
	}
	return schedule.Batch{Now: f.now()}, f.call()
}

func (f *fakeStore) Commit(_ context.Context, b schedule.Batch, decided []schedule.Decided) (schedule.Committed, error) {
	if err := f.call(); err != nil {
		return schedule.Committed{}, err
	}
	for _, d := range decided {
		if err := f.refuse[d.Schedule.ID]; err != nil {
			return schedule.Committed{}, err
		}
	}
	time.Sleep(time.Duration(len(decided)) * f.takes)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.commits, f.decided = append(f.commits, len(decided)), f.decided+len(decided)
	for _, d := range decided {
		s := f.schedules[d.Schedule.ID-1]
		if d.Version != s.version {
			continue
		}
		for _, row := range d.Rows {
			f.fired = append(f.fired, firing{d.Schedule.Key, row.Nominal, f.now(), row.Skipped})
		}
		s.state, s.version = d.State(), s.version+1
	}
	return schedule.Committed{Schedules: len(decided)}, nil
}

func (f *fakeStore) Pace() schedule.Pace {
	return schedule.Pace{Hands: 2, Between: 2 * time.Millisecond, Pause: 10 * time.Millisecond}
}

func (f *fakeStore) Fail(_ context.Context, id int64, now time.Time, reason string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed[id] = reason
	s := f.schedules[id-1]
	s.state.NextDue, s.version = now.Add(time.Minute), s.version+1
	return f.called()
}

func (f *fakeStore) NextDue(context.Context) (time.Time, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	return f.next(), f.called()
}

func (f *fakeStore) next() (next time.Time) {
	for _, s := range f.schedules {
		if due := s.state.NextDue; !due.IsZero() && (next.IsZero() || due.Before(next)) {
			next = due
		}
	}
	return next
}

func (f *fakeStore) Foresee(context.Context, time.Time) (more bool, err error) {
	if f.soon == 0 {
		return false, f.call()
	}
	f.soon--
	f.foreseen = append(f.foreseen, f.now())
	time.Sleep(10 * time.Millisecond)
	return f.soon > 0, f.call()
}

func (f *fakeStore) Rehearse(ctx context.Context, b schedule.Batch, decided []schedule.Decided) error {
	f.mu.Lock()
	for _, d := range decided {
		f.rehearsed = append(f.rehearsed, rehearsed{d.Schedule.Key, f.now(), b.Now})
	}
	f.mu.Unlock()
	select {
	case <-time.After(f.rehearsing + time.Duration(len(decided))*f.takes):
		return f.call()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *fakeStore) Wakeups(ctx context.Context, wake func()) error {
	select {
	case f.wake <- wake:
	default:
	}
	<-ctx.Done()
	return ctx.Err()
}

func (f *fakeStore) Transient(err error) bool { return errors.Is(err, errAway) }

func (f *fakeStore) Retime(context.Context) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.retimed++
	return 0, f.called()
}

func (f *fakeStore) Rewind(context.Context) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rewinds == 1 && f.unwilling > 0 { // behind the one at the start
		f.unwilling--
		return 0, errAway
	}
	f.rewinds++
	return 0, f.called()
}

func (f *fakeStore) LastTick(context.Context) (time.Time, error) { return f.lastTick, f.call() }

func (f *fakeStore) CopyOutcomes(context.Context) (int64, error) {
	if f.outcomes == 0 {
		return 0, f.call()
	}
	f.outcomes--
	time.Sleep(40 * time.Millisecond)
	return 2000, f.call()
}

func (f *fakeStore) StepBackfills(context.Context) (int, error)    { return 0, f.call() }
func (f *fakeStore) Rank(context.Context) (rank, n int, err error) { return 0, 1, f.call() }
