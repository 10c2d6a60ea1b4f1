package dashboard

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// explain adds to the verdict on a run what its row does not know: who paused it,
// what made it give way, what its attempts, its queue and its worker are at.
func (s *site) explain(ctx context.Context, v *runView, policies *schedule.Policies, now time.Time) error {
	away, err := s.clocksAway(ctx, v.Run)
	if err != nil {
		return err
	}
	switch reason := schedule.Reason(v.Reason); {
	case v.State == "skipped" && reason == schedule.ReasonPaused:
		return s.explainPause(ctx, v, policies, now)
	case v.State == "skipped" && reason == schedule.ReasonMissed && policies != nil:
		v.addWhy(away)
		return s.explainMissed(ctx, v, *policies)
	case v.State == "skipped" && (reason == schedule.ReasonMissed || reason == schedule.ReasonBeyondCatchUp || reason == schedule.ReasonDeleted):
		v.addWhy(away)
		return nil
	case v.State == "skipped" && reason == schedule.ReasonCoalesced:
		v.addWhy(away)
		return s.explainLeft(ctx, v)
	case v.State == "skipped" && reason == schedule.ReasonByHand && v.Author == "":
		asked, err := s.Store.WhoSkips(ctx, v.Schedule, v.Nominal, v.DecidedAt)
		if asked != nil {
			v.Verdict.Why = fmt.Sprintf("%s asked at %s that it be skipped (skip the next).", asked.Author, utc(asked.At))
		}
		return err
	case v.State == "skipped" && reason == schedule.ReasonByHand:
		v.Verdict.Why = fmt.Sprintf("%s said at %s, when it was due and not decided yet, that it is to be skipped (skip what is due).", v.Author, utc(v.DecidedAt))
		v.addWhy(away)
		return nil
	case v.State == "skipped" && reason == schedule.ReasonSuperseded, v.State == "superseded":
		return s.explainNewer(ctx, v, v.ended())
	case v.State == "expired" && v.Job != nil:
		v.addWhy(away)
		return s.explainExpired(ctx, v)
	case v.State == "cancelled":
		return s.explainCancel(ctx, v, policies)
	case v.State == "skipped" && v.Blocked != nil && v.DecidedWith(*v.Blocked):
		v.Verdict.Why += " Both were decided at the same moment, by a clock that had been away."
		v.addWhy(away)
		v.Verdict.Next = afterAll
		return nil
	case v.State == "skipped" && v.Blocked != nil:
		v.addWhy(sentence(v.EndedUnnoticed(*v.Blocked)))
		return nil
	case v.Job == nil:
		return nil
	}
	v.explainTimes(away)
	waited, err := s.waitedAgain(ctx, v)
	if err != nil {
		return err
	}
	v.explainAttempts(waited, now)
	why, err := s.whyOpen(ctx, v.Run, openJob{v.Job.Queue, v.Job.Works, v.Job.Worker, v.Back}, now)
	if why != "" {
		v.Verdict.Why += " " + why
	}
	if why != "" && v.State != "retryable" {
		v.Verdict.Next = ""
	}
	return err
}

// addWhy adds a sentence, if there is one.
func (v *runView) addWhy(text string) { v.Verdict.Why = strings.TrimSpace(v.Verdict.Why + " " + text) }

// clocksAway says in which time no clock ran, if a run was decided so late that it
// matters; empty: one ran, or it is not known.
func (s *site) clocksAway(ctx context.Context, r store.Run) (string, error) {
	due := r.LastDue()
	if r.DecidedAt.Sub(due) < lateAfter || r.Origin != "clock" {
		return "", nil
	}
	from, until, err := s.Store.ClocksAway(ctx, due)
	if err != nil || from.IsZero() {
		return "", err
	}
	return fmt.Sprintf("No clock was heard from between %s and %s.", utc(from), utc(until)), nil
}

// ended is when it was decided that nothing more comes of a run.
func (v *runView) ended() time.Time {
	if v.FinishedAt.IsZero() {
		return v.DecidedAt
	}
	return v.FinishedAt
}

// explainLeft adds the run that a coalesced one was left to, and what became of that
// if it was no job.
func (s *site) explainLeft(ctx context.Context, v *runView) error {
	later, err := s.Store.LeftTo(ctx, v.Run)
	if later == nil || later.Decision != "enqueued" {
		v.addWhy(sentence(store.LeftToInWords(later)))
	}
	v.GaveWay = later
	return err
}

// explainMissed adds what became of the newest of those that were missed, where it
// was that which might run.
func (s *site) explainMissed(ctx context.Context, v *runView, policies schedule.Policies) error {
	newest, err := s.Store.NewestMissed(ctx, v.Run, policies)
	if newest != nil {
		v.addWhy(sentence(store.LeftToInWords(newest)))
	}
	return err
}

// explainNewer adds the run that a run gave way to.
func (s *site) explainNewer(ctx context.Context, v *runView, by time.Time) error {
	newer, err := s.Store.NewerThan(ctx, v.Run, by)
	v.GaveWay = newer
	if n := len(v.Failures); v.State == "superseded" && n > 0 {
		v.Verdict.Why = "It failed: " + stopped(lastLine(v.Failures[n-1].Error)) + " It waited for a retry when a newer occurrence came due and took its place: what only waits for a retry gives way."
	}
	if v.State == "superseded" && v.Job != nil && len(v.Failures) == 0 {
		v.Verdict.Answer, v.Verdict.Why = "It did not run.", "It waited to be started when a newer occurrence came due and took its place (overlap: cancel)."
	}
	return err
}

// explainCancel says who cancelled a job, or what did.
func (s *site) explainCancel(ctx context.Context, v *runView, policies *schedule.Policies) error {
	for _, one := range slices.Backward(v.ByHand) {
		if one.Action == "cancel" {
			v.CancelledBy = " by " + one.Author
			v.Verdict.Why = stopped(strings.TrimSuffix(v.Verdict.Why, ".") + fmt.Sprintf(", by %s at %s", one.Author, utc(one.At)))
			return nil
		}
	}
	deleted, err := s.Store.ActivitiesOf(ctx, v.Schedule, "delete", 1)
	if err != nil {
		return err
	}
	if len(deleted) > 0 && !deleted[0].At.Before(v.DecidedAt) && !deleted[0].At.After(v.ended()) {
		v.CancelledBy = fmt.Sprintf(" when %s deleted the schedule", deleted[0].Author)
		v.Verdict.Why = stopped(strings.TrimSuffix(v.Verdict.Why, ".") + fmt.Sprintf(", when %s deleted the schedule at %s", deleted[0].Author, utc(deleted[0].At)))
		return nil
	}
	if policies == nil || policies.Overlap != schedule.OverlapCancel {
		return nil
	}
	if v.GaveWay, err = s.Store.NewerThan(ctx, v.Run, v.ended()); v.GaveWay != nil {
		v.CancelledBy = fmt.Sprintf(" by a newer occurrence, %s (overlap: cancel)", v.GaveWay.Occurrence)
		v.Verdict.Why = fmt.Sprintf("A newer occurrence of the schedule came due at %s while this one ran, and cancelled it (overlap: cancel). Nobody did so by hand.", utc(v.GaveWay.Due))
	}
	return err
}

// nameWhoCancelled says of attempts that were told to stop who did so, or what.
func (v *runView) nameWhoCancelled() {
	v.Error = strings.ReplaceAll(v.Error, queue.Cancelled, queue.Cancelled+v.CancelledBy)
	for i := range v.Failures {
		by := ""
		if i == len(v.Failures)-1 {
			by = v.CancelledBy // of one that was retried since, it is not known
		}
		v.Failures[i].Error = strings.ReplaceAll(v.Failures[i].Error, queue.Cancelled, queue.Cancelled+by)
	}
}

// pauseStory says who paused, from when to when, and why. resumed is who ended it;
// it may be unknown.
func pauseStory(p store.PauseInForce, resumed string, now time.Time) string {
	what := "The schedule"
	switch p.Scope {
	case "tag":
		what = "The tag " + p.Tag
	case "all":
		what = "Everything"
	}
	who, note := by(p.Author), ""
	if p.Note != "" {
		note = ", with the note “" + p.Note + "”"
	}
	if p.Origin == "environment" {
		who, note = "", ", by the environment: "+p.Note
	}
	switch {
	case p.Until.IsZero() && p.Origin == "environment":
		return fmt.Sprintf("%s is paused since %s%s. It does not run there, and a resume does not change that.", what, utc(p.From), note)
	case p.Until.IsZero():
		return fmt.Sprintf("%s is paused%s since %s%s. It is paused still, until somebody resumes it.", what, who, utc(p.From), note)
	case p.Until.After(now):
		return fmt.Sprintf("%s is paused%s since %s, until %s%s.", what, who, utc(p.From), utc(p.Until), note)
	}
	text := fmt.Sprintf("%s was paused%s from %s to %s%s.", what, who, utc(p.From), utc(p.Until), note)
	if resumed != "" {
		text += " " + resumed + " resumed it then."
	}
	return text
}

// brokenAttempt is an attempt that a worker began and gave back, or was lost with.
type brokenAttempt struct {
	At   time.Time // when the job was given back
	Name string
	Why  string
}

// began says when an attempt began, after a comma before it and behind it; empty:
// it is not known.
func began(f failedAttempt) string {
	if f.Began.IsZero() {
		return ""
	}
	return fmt.Sprintf(", begun at %s,", utc(f.Began))
}

// brokenOff are the attempts of a job that ended with their workers, the earliest
// first. A worker that stops in good order leaves no error behind: that it had the
// job is known as it took it, and that it stopped, as it said so.
func brokenOff(r store.Run, takes []string, failures []failedAttempt, hand []store.Activity, processes []store.Process) (all []brokenAttempt) {
	for _, one := range failures {
		if one.Lost() {
			all = append(all, brokenAttempt{one.At, "worker lost", fmt.Sprintf("An attempt%s was lost with its worker, as was found at %s.", began(one), utc(one.At))})
		}
	}
	if (r.State == "running" || r.State == "succeeded") && len(takes) > 0 {
		takes = takes[:len(takes)-1]
	}
	again := slices.ContainsFunc(hand, func(a store.Activity) bool { return a.Action == "retry" })
	unknown := len(takes) - len(failures)
	if r.State == "expired" || again {
		unknown = 0 // what came of the takes is not on record
	}
	for _, worker := range slices.Backward(takes) {
		i := slices.IndexFunc(processes, func(p store.Process) bool {
			return p.ID == worker && !p.StoppedAt.IsZero() && p.StoppedAt.After(r.DecidedAt)
		})
		if unknown <= 0 || i < 0 {
			continue
		}
		unknown--
		at := processes[i].StoppedAt
		all = append(all, brokenAttempt{at, "worker stopped", fmt.Sprintf("An attempt was interrupted when its worker, %s, was stopped at %s; what it had not finished was given back.", worker, utc(at))})
	}
	slices.SortStableFunc(all, func(a, b brokenAttempt) int { return a.At.Compare(b.At) })
	return all
}

// refused is an answer that says that the request is at fault.
var refused = regexp.MustCompile(`answered 4\d\d`)

// explainTimes says why a job was queued later than its nominal, where the verdict
// does not.
func (v *runView) explainTimes(away string) {
	if moved := v.Due.Sub(v.Nominal); !v.Nominal.IsZero() && moved >= time.Second {
		v.Verdict.Why += fmt.Sprintf(" Jitter moved it by %s, the same each time: it was due only at %s.", took(moved), utc(v.Due))
	}
	if lateness(v.Run, onTime) == "" {
		v.addWhy(lateness(v.Run, lateAfter))
	}
	if away != "" {
		v.Verdict.Why = strings.Replace(v.Verdict.Why, unsureWhyLate, ". "+strings.TrimSuffix(away, "."), 1)
	}
}

// explainAttempts says what became of earlier attempts, and why there are no more.
// waited says what the last of them waited for, where it began again.
func (v *runView) explainAttempts(waited string, now time.Time) {
	if broken := v.brokenInWords(); broken != "" && v.State == "available" {
		v.Verdict.Answer = "It began, and waits for another worker."
		v.Verdict.Why = fmt.Sprintf("It began at %s. %s Since then, for %s, it waits for another worker.", utc(v.StartedAt), broken, roughly(now.Sub(v.Broken[len(v.Broken)-1].At)))
	} else if broken != "" && (v.State != "failed" || !lost(v.Run)) {
		v.addWhy(broken)
		v.addWhy(waited)
		v.addWhy("Then it began again from the start, so that part of it ran twice.")
	} else if v.State == "available" && v.Back.After(v.DecidedAt) {
		v.Verdict.Why = fmt.Sprintf("It was retried by hand at %s, and has been in the queue again for %s.", utc(v.Back), roughly(now.Sub(v.Back)))
	}
	if at := v.Job.NextAttempt; !at.IsZero() {
		which := fmt.Sprintf("attempt %d of %d", v.Attempts+1, v.Job.MaxAttempts)
		if exitOf(v.Run) == exitLater {
			which = fmt.Sprintf("attempt %d", v.Attempts+1) // how many there may be moves with it
		}
		v.Verdict.Next = fmt.Sprintf("It is tried again at %s, %s: %s.", utc(at), fromNow(at.Sub(now)), which)
	}
	if v.State == "failed" && v.Job.MaxAttempts == 1 && !lost(v.Run) {
		v.Verdict.Why += " It is not tried again by itself: its retries are 0."
	}
	unused := v.Job.MaxAttempts - v.Attempts
	if v.State != "failed" || v.Attempts == 0 || unused <= 0 || lost(v.Run) {
		return
	}
	left := "Its retries were not used: "
	if v.Attempts > 1 {
		left = "The retries that were left were not used: "
	}
	if refused.MatchString(v.Error) {
		left += "an answer from 400 to 499, other than 408, 425 and 429, says that the request is at fault, and it is tried again only where retry_codes names it."
	} else {
		left += "another attempt would have failed likewise."
	}
	v.Verdict.Why += " " + left
}

// brokenInWords tells of the attempts that ended with their workers.
func (v *runView) brokenInWords() string {
	const most = 3
	if len(v.Broken) > most {
		return fmt.Sprintf("%s attempts ended with their workers, the last one at %s.", grouped(len(v.Broken)), utc(v.Broken[len(v.Broken)-1].At))
	}
	words := make([]string, len(v.Broken))
	for i, one := range v.Broken {
		words[i] = one.Why
	}
	return strings.Join(words, " ")
}
