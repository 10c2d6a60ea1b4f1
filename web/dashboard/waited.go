package dashboard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// What a run waited for, when what it waited for is over: it is read from the runs
// and the processes of that time, and said only where they tell.

// explainPause tells which pauses a run was skipped in, and what it waited for if
// it was due before them.
func (s *site) explainPause(ctx context.Context, v *runView, policies *schedule.Policies, now time.Time) error {
	pauses, err := s.Store.PausesBetween(ctx, v.Schedule, v.Due, v.DecidedAt)
	if err != nil || len(pauses) == 0 {
		return err
	}
	v.Verdict.Why = dueInPause
	if pauses[0].From.After(v.Due) {
		if v.Verdict.Why, err = s.waitedBeforePause(ctx, v, policies, pauses[0].From); err != nil {
			return err
		}
	}
	for _, pause := range pauses {
		resumed, err := s.Store.WhoResumed(ctx, pause)
		if err != nil {
			return err
		}
		v.addWhy(pauseStory(pause, resumed, now))
		if pause.Origin == "environment" && pause.Until.IsZero() {
			v.Verdict.Next = "" // it is not meant to run there, also not by a backfill
		}
	}
	v.addWhy("What falls due in a pause is not made up for.")
	return nil
}

// waitedBeforePause says what a run waited for that was due before the pause in
// which it was skipped, and adds the runs that were in its way.
func (s *site) waitedBeforePause(ctx context.Context, v *runView, policies *schedule.Policies, paused time.Time) (string, error) {
	const ends = " when the schedule was paused: that skips what waits."
	own, err := s.Store.InTheWayOf(ctx, v.Run, "", paused, mostInTheWay)
	if err != nil {
		return "", err
	}
	if len(own) > 0 && (policies == nil || policies.Overlap != schedule.OverlapAllow) {
		first := own[len(own)-1] // the one that was there before the others
		v.Blocked = &first
		text := fmt.Sprintf("It waited for the run of %s to finish", runRow{Run: first}.Nom().UTC().Format("15:04:05 UTC"))
		// What overlap is now may not be what it was then.
		if policies != nil && policies.Overlap != schedule.OverlapSkip {
			text += fmt.Sprintf(" (overlap: %s)", policies.Overlap)
		}
		return text + ends, nil
	}
	if policies != nil && policies.Limit != "" {
		if v.InTheWay, err = s.Store.InTheWayOf(ctx, v.Run, policies.Limit, paused, mostInTheWay); err != nil {
			return "", err
		}
		if len(v.InTheWay) > 0 {
			return "It waited for a free place in its limit, " + policies.Limit + "," + ends, nil
		}
	}
	from, until, err := s.Store.ClocksAway(ctx, v.Due)
	if err == nil && !from.IsZero() {
		return fmt.Sprintf("No clock was heard from between %s and %s, so it was not decided yet%s", utc(from), utc(until), ends), nil
	}
	return "It waited" + ends, err
}

// brokenOf are the attempts of a job that ended with their workers.
func (s *site) brokenOf(ctx context.Context, r store.Run, takes []string, failures []failedAttempt, hand []store.Activity) ([]brokenAttempt, error) {
	if len(takes) == 0 {
		return nil, nil
	}
	processes, err := s.Store.Processes(ctx)
	if err != nil {
		return nil, err
	}
	return brokenOff(r, takes, failures, hand, processes), nil
}

// backSince is since when a job has been in its queue: since it was queued, or was
// given back or retried, as far as that is known.
func backSince(r store.Run, broken []brokenAttempt, hand []store.Activity) time.Time {
	since := r.DecidedAt
	if n := len(broken); n > 0 && broken[n-1].At.After(since) {
		since = broken[n-1].At
	}
	for _, one := range hand {
		if one.Action == "retry" && one.At.After(since) {
			since = one.At
		}
	}
	return since
}

// backOf is that of a job which was not looked at yet.
func (s *site) backOf(ctx context.Context, r store.Run) (time.Time, error) {
	job, err := s.Store.Queue().Get(ctx, r.JobID)
	if errors.Is(err, queue.ErrNoJob) {
		return r.DecidedAt, nil
	}
	if err != nil {
		return r.DecidedAt, err
	}
	hand, err := s.Store.JobActivities(ctx, r.JobID)
	if err != nil {
		return r.DecidedAt, err
	}
	var failures []failedAttempt
	for _, failed := range job.Errors {
		failures = append(failures, failureOf(failed.Attempt, failed.At, failed.Error))
	}
	broken, err := s.brokenOf(ctx, r, job.AttemptedBy, failures, hand)
	return backSince(r, broken, hand), err
}

// waitedAgain says what a run waited for between its last two attempts, if the
// first of them ended with its worker; empty: it did not, or not for long.
func (s *site) waitedAgain(ctx context.Context, v *runView) (string, error) {
	if len(v.Broken) == 0 || v.StartedAt.IsZero() {
		return "", nil
	}
	from, until := v.Broken[len(v.Broken)-1].At, v.StartedAt
	// A failure in between is no time in the queue.
	failed := func(f failedAttempt) bool { return !f.Lost() && f.At.After(from) && f.At.Before(until) }
	if until.Sub(from) < time.Second || slices.ContainsFunc(v.Failures, failed) {
		return "", nil
	}
	text := fmt.Sprintf("Then it waited %s for a worker of its queue, %s", took(until.Sub(from)), v.Job.Queue)
	spells, known, err := s.Store.Worked(ctx, v.Job.Queue, v.Job.Works, from, until)
	if gap := unworked(spells, known, from, until); gap != "" {
		text += ": " + gap
	}
	return text + ".", err
}

// unworked says for how long no worker was alive after an instant; empty: one was,
// or it is not known.
func unworked(spells []store.Spell, known bool, from, until time.Time) string {
	switch {
	case !known || until.Sub(from) < time.Second:
		return ""
	case len(spells) == 0:
		return "none was alive"
	case spells[0].From.Sub(from) >= time.Second:
		return "none was alive until " + utc(spells[0].From)
	}
	return ""
}

// unworkedSince says since when nobody works the queue that a job waits in.
func (s *site) unworkedSince(ctx context.Context, r store.Run, job openJob, now time.Time) (string, error) {
	const then = ": punctual start, or punctual worker, starts one."
	spells, known, err := s.Store.Worked(ctx, job.Queue, job.Kind, job.Since, now)
	switch {
	case err != nil:
		return "", err
	case !known:
		return "No worker works its queue, " + job.Queue + then, nil
	case len(spells) == 0 && job.Since.After(r.DecidedAt):
		return fmt.Sprintf("No worker has worked its queue, %s, since it was given back to it%s", job.Queue, then), nil
	case len(spells) == 0:
		return fmt.Sprintf("No worker has worked its queue, %s, since it was queued%s", job.Queue, then), nil
	}
	last := slices.MaxFunc(spells, func(a, b store.Spell) int { return a.Until.Compare(b.Until) })
	return fmt.Sprintf("No worker has worked its queue, %s, since the last one, %s, ended at %s%s", job.Queue, last.Worker, utc(last.Until), then), nil
}

// explainExpired says what the workers of its queue did until a job expired.
func (s *site) explainExpired(ctx context.Context, v *runView) error {
	const looked = 50
	from, until := v.DecidedAt, v.ended()
	runs, err := s.Store.Meanwhile(ctx, v.Job.Queue, v.ID, from, until, looked)
	if err != nil {
		return err
	}
	v.Meanwhile = runs[:min(len(runs), mostInTheWay)]
	spells, known, err := s.Store.Worked(ctx, v.Job.Queue, v.Job.Works, from, until)
	if err != nil || !known {
		return err
	}
	if gap := unworked(spells, known, from, until); gap != "" {
		v.addWhy(fmt.Sprintf("Of the workers of its queue, %s, %s.", v.Job.Queue, gap))
		return nil
	}
	places := 0
	for _, one := range spells {
		if one.From.After(from) || one.Until.Before(until) {
			return nil // how many there were changed
		}
		places += one.Places
	}
	switch {
	case places == 0 || !allTaken(runs, places, from, until):
	case places == 1:
		v.Full = "The one place that the workers of its queue, " + v.Job.Queue + ", had meanwhile was taken by"
	default:
		v.Full = fmt.Sprintf("All %s that the workers of its queue, %s, had meanwhile were taken by", counted(places, "place"), v.Job.Queue)
	}
	return nil
}

// allTaken says that runs had so many places all the time from an instant to
// another, but for what a worker takes to look for its next job.
func allTaken(runs []store.Run, places int, from, until time.Time) bool {
	const between = time.Second
	type change struct {
		at time.Time
		by int
	}
	changes := []change{{until, 0}}
	for _, r := range runs {
		changes = append(changes, change{r.StartedAt, 1})
		if !r.FinishedAt.IsZero() {
			changes = append(changes, change{r.FinishedAt, -1})
		}
	}
	slices.SortStableFunc(changes, func(a, b change) int { return a.at.Compare(b.at) })
	taken, free := 0, from // since when fewer than all have been taken
	for _, one := range changes {
		at := one.at
		if at.After(until) {
			at = until
		}
		if taken < places && at.Sub(free) > between {
			return false
		}
		if taken >= places && taken+one.by < places {
			free = at
		}
		taken += one.by
	}
	return true
}

// mostSharpened is how many rows of a page are looked at once more.
const mostSharpened = 10

// sharpen says in rows of the ledger what their own columns leave open: whether
// one was due before the pause it was skipped in, and since when one is in the
// queue again that began before.
func (s *site) sharpen(ctx context.Context, rows []runRow, now time.Time) error {
	if err := s.sharpenPaused(ctx, rows); err != nil {
		return err
	}
	looked := 0
	for i := range rows {
		r := &rows[i]
		if r.State != "available" || r.StartedAt.IsZero() || looked == mostSharpened {
			continue
		}
		looked++
		since, err := s.backOf(ctx, r.Run)
		if err != nil {
			return err
		}
		if since.After(r.DecidedAt) {
			r.Words = strings.Replace(r.Words, againUnsure(r.Run), againSince(since, now), 1)
		}
	}
	return nil
}

// sharpenPaused says of the rows skipped in a pause which of two it was, where the
// pauses are on record.
func (s *site) sharpenPaused(ctx context.Context, rows []runRow) error {
	var keys []string
	var from, until time.Time
	for _, r := range rows {
		if schedule.Reason(r.Reason) != schedule.ReasonPaused {
			continue
		}
		keys = append(keys, r.Schedule)
		if from.IsZero() || r.Due.Before(from) {
			from = r.Due
		}
		if r.DecidedAt.After(until) {
			until = r.DecidedAt
		}
	}
	if len(keys) == 0 {
		return nil
	}
	pauses, err := s.Store.PausesAmong(ctx, slices.Compact(slices.Sorted(slices.Values(keys))), from, until)
	if err != nil {
		return err
	}
	for i := range rows {
		r := &rows[i]
		if sure := pausedBy(r.Run, pauses[r.Schedule]); sure != "" && schedule.Reason(r.Reason) == schedule.ReasonPaused {
			r.Words = strings.Replace(r.Words, unsurePaused, sure, 1)
		}
	}
	return nil
}

// pausedBy says whether a run fell due in a pause or before it; empty: none of the
// pauses held then.
func pausedBy(r store.Run, pauses []store.PauseInForce) (text string) {
	for _, p := range pauses {
		switch {
		case p.From.After(r.DecidedAt) || !p.Until.IsZero() && !p.Until.After(r.Due):
		case !p.From.After(r.Due):
			return dueInPause
		default:
			text = dueBeforePause
		}
	}
	return text
}
