package dashboard

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// The words of decisions, states and reasons. Everything here is pure. "Did it
// run, and if not, why not?" is answered by verdictOf.

// look is how a run is drawn: its colour and its shape.
type look string

const (
	lookOK      look = "ok"
	lookFailed  look = "failed"
	lookRunning look = "running"
	lookWaiting look = "waiting" // for a worker, for a retry, for a turn
	lookSkipped look = "skipped" // on purpose: overlap, by hand, superseded
	lookMissed  look = "missed"  // the clock was away
	lookPaused  look = "paused"
	lookEnded   look = "ended" // cancelled, deleted, unknown
)

// lookOf says how a run is drawn.
func lookOf(r store.Run) look {
	switch r.State {
	case "succeeded":
		return lookOK
	case "failed", "expired":
		return lookFailed
	case "running":
		return lookRunning
	case "available", "scheduled", "pending", "retryable":
		return lookWaiting
	case "superseded":
		return lookSkipped
	case "skipped":
		switch schedule.Reason(r.Reason) {
		case schedule.ReasonMissed, schedule.ReasonBeyondCatchUp, schedule.ReasonCoalesced:
			return lookMissed
		case schedule.ReasonPaused:
			return lookPaused
		case schedule.ReasonDeleted:
			return lookEnded
		}
		return lookSkipped
	}
	return lookEnded
}

// label is a run's state in a word or two.
func label(r store.Run) string {
	switch r.State {
	case "available", "pending":
		return "queued"
	case "scheduled":
		return "scheduled"
	case "retryable":
		return "retrying"
	case "failed":
		if lost(r) {
			return "lost"
		}
	case "skipped":
		switch schedule.Reason(r.Reason) {
		case schedule.ReasonMissed, schedule.ReasonCoalesced, schedule.ReasonPaused, schedule.ReasonDeleted:
			return r.Reason
		case schedule.ReasonBeyondCatchUp:
			return "missed"
		}
	}
	return r.State
}

// lostPrefix begins the error of an attempt that ended with its worker.
const lostPrefix = "lost: "

// lost says that the last attempt ended with its worker.
func lost(r store.Run) bool { return strings.HasPrefix(r.Error, lostPrefix) }

// verdict answers whether an occurrence ran, and if not, why not.
type verdict struct {
	Look   look
	Answer string // "It ran.", "It did not run."
	Why    string // sentences
	Next   string // what to do, or what will happen; may be empty
}

// exitLater is the exit code by which a command asks to be run again later.
var exitLater = strconv.Itoa(schedule.TemporaryFailure)

// onTime is how late a job may be queued before it is worth a word.
const onTime = time.Minute

// verdictOf says what became of a run. policies are those of its schedule now;
// nil where it is deleted.
func verdictOf(r store.Run, policies *schedule.Policies, now time.Time) verdict {
	v := verdict{Look: lookOf(r)}
	switch r.State {
	case "skipped":
		v.Answer, v.Why, v.Next = "It did not run.", whySkipped(r, policies), afterSkip(r)
		if r.Count > 1 {
			v.Answer = fmt.Sprintf("These %s did not run.", grouped(r.Count))
		}
	case "succeeded":
		v.Answer, v.Why = "It ran and succeeded.", fmt.Sprintf("It took %s%s.", took(r.FinishedAt.Sub(r.StartedAt)), afterAttempts(r))
	case "failed":
		v.Answer, v.Why, v.Next = "It ran and failed.", "It failed"+inAttempts(r)+": "+stopped(lastLine(r.Error)), "Retry it when the cause is mended: it keeps its name, so a job that goes by it does nothing twice."
		if lost(r) {
			v.Answer, v.Why = "It began, and its worker was lost.", "Worker after worker ended or fell silent while it ran, five times in a row, which ends the job: "+stopped(strings.TrimPrefix(lastLine(r.Error), lostPrefix))
		}
	case "expired":
		v.Answer, v.Why, v.Next = "It did not run.", "No worker took it in time, so it expired: "+stopped(strings.TrimPrefix(lastLine(r.Error), "expired: not started in time: ")), "Look at the processes: are there workers enough for its queue? A retry runs it all the same."
	case "cancelled":
		v.Answer, v.Why = "It did not run.", "It was cancelled before it started."
		if !r.StartedAt.IsZero() {
			v.Answer, v.Why = "It was stopped.", "It was cancelled while it ran."
		}
	case "superseded":
		v.Answer, v.Why = "It ran, failed, and was not tried again.", "It waited for a retry when a newer occurrence came due and took its place."
	case "running":
		v.Answer, v.Why = "It is running.", fmt.Sprintf("It began %s ago%s.", roughly(now.Sub(r.StartedAt)), afterAttempts(r))
	case "available", "pending":
		if !r.StartedAt.IsZero() {
			v.Answer, v.Why = "It began, and waits for another worker.", againUnsure(r)
			break
		}
		v.Answer, v.Why, v.Next = "Not yet: it waits for a worker.", fmt.Sprintf("It has been in the queue for %s.", roughly(now.Sub(r.DecidedAt))), "If it waits long, look whether a worker works its queue, and whether the queue is paused."
	case "scheduled":
		v.Answer, v.Why = "Not yet.", "It was put off, and is queued at its time."
	case "retryable":
		v.Answer, v.Why, v.Next = "Not yet: it failed and is tried again.", "The last attempt failed: "+stopped(lastLine(r.Error)), "A newer occurrence that comes due before takes its place, unless overlap says otherwise."
		if exitOf(r) == exitLater {
			v.Answer, v.Why = "Not yet: it asked to be run again later.", "The last attempt ended with exit code "+exitLater+", by which a command asks to be run again later. That uses up no retry, and so it is run again even where retries is 0: "+stopped(lastLine(r.Error))
		}
	default:
		v.Answer, v.Why = "It is not known.", "Its job was queued, but the queue forgot it before what came of it was written down."
	}
	if late := lateness(r, onTime); late != "" && r.State != "skipped" {
		v.Why += " " + late
	}
	return v
}

// lateness says that a job was queued late, and why; empty: it was less late than
// is worth a word.
func lateness(r store.Run, least time.Duration) string {
	late := r.DecidedAt.Sub(r.Due)
	if r.Origin != "clock" || late < least {
		return ""
	}
	return fmt.Sprintf("It was queued %s after it was due%s.", roughly(late), unsureWhyLate)
}

// unsureWhyLate is what the row alone knows of why a job was queued late.
const unsureWhyLate = ": the clock was away then, or it had to wait its turn"

// unsurePaused is what the row alone knows of a skip in a pause; which of the two it
// was, the pauses tell.
const (
	unsurePaused   = "It fell due, or waited, while the schedule was paused."
	dueInPause     = "It fell due while the schedule was paused."
	dueBeforePause = "It was due before the schedule was paused, and had not been queued yet: a pause skips what waits."
)

// againUnsure is what the row alone knows of a job that began and is in the queue
// again: not since when.
func againUnsure(r store.Run) string {
	return fmt.Sprintf("It began once, at %s, and is in the queue again.", utc(r.StartedAt))
}

// againSince says the same where that is known.
func againSince(since, now time.Time) string {
	return fmt.Sprintf("It began once; it was given back at %s, and has been in the queue again for %s.", utc(since), roughly(now.Sub(since)))
}

func afterAttempts(r store.Run) string {
	if r.Attempts > 1 {
		return fmt.Sprintf(", in attempt %d", r.Attempts)
	}
	return ""
}

func inAttempts(r store.Run) string {
	if r.Attempts > 1 {
		return fmt.Sprintf(" in all of %d attempts, the last time", r.Attempts)
	}
	return ""
}

// whySkipped is the reason of a skip in full sentences. With the policies it
// names the one that rules.
func whySkipped(r store.Run, p *schedule.Policies) string {
	overlap := ""
	if p != nil {
		overlap = fmt.Sprintf(" (overlap: %s)", p.Overlap)
	}
	switch schedule.Reason(r.Reason) {
	case schedule.ReasonCoalesced:
		return "The clock was away when it was due; when it came back, the newest of those that were missed was to run for all (catch_up: latest)."
	case schedule.ReasonBeyondCatchUp:
		return whyBeyond(r, p)
	case schedule.ReasonMissed:
		return whyMissed(r, p)
	case schedule.ReasonPaused:
		return unsurePaused + " What falls due in a pause is not made up for."
	case schedule.ReasonNotFinished:
		return whyNotFinished(r)
	case schedule.ReasonSuperseded:
		return "It waited for the run before it to end" + overlap + ", and a newer occurrence took its place."
	case schedule.ReasonDeleted:
		who := "somebody"
		if r.Author != "" {
			who = r.Author
		}
		return fmt.Sprintf("The schedule was deleted at %s by %s, before this was decided: it waited, or no clock had come to it yet.", utc(r.DecidedAt), who)
	case schedule.ReasonByHand:
		by := "Somebody"
		if r.Author != "" {
			by = r.Author
		}
		return by + " said that it is to be skipped."
	}
	return sentence(r.Reason)
}

// whyMissed says why an occurrence is not made up for where nothing is but the
// newest, within the grace.
func whyMissed(r store.Run, p *schedule.Policies) string {
	if p == nil {
		return "The clock was away when it was due; then it is not made up for (catch_up: none)."
	}
	return sentence(p.MissedInWords(r.Late()))
}

// whyBeyond says by which of the two limits an occurrence is not made up for.
func whyBeyond(r store.Run, p *schedule.Policies) string {
	switch age := r.Late(); {
	case p == nil:
		return "More were missed than are made up for (catch_up: all)."
	case age > time.Duration(p.CatchUpWindow):
		which := "It was"
		if r.Count > 1 {
			which = "The newest of them was"
		}
		return fmt.Sprintf("%s %s old when the clock came back, and only what was due in the last %s is made up for (catch_up: all, catch_up_window).", which, roughly(age), p.CatchUpWindow)
	}
	return fmt.Sprintf("More were missed, or waited, than the newest %d, which are made up for (catch_up: all, catch_up_max).", p.CatchUpMax)
}

func whyNotFinished(r store.Run) string {
	switch {
	case r.Origin == "trigger" && r.Note != "":
		return sentence(r.Note)
	case r.Note == schedule.NoteNotTaken:
		return "The previous run was waiting for a worker (overlap: skip)."
	}
	return "The previous run had not finished (overlap: skip)."
}

const afterAll = "A backfill of its time runs it after all."

func afterSkip(r store.Run) string {
	switch schedule.Reason(r.Reason) {
	case schedule.ReasonMissed, schedule.ReasonBeyondCatchUp, schedule.ReasonPaused, schedule.ReasonByHand:
		return afterAll
	case schedule.ReasonNotFinished:
		if r.Origin == "trigger" {
			return "Run it again when that has ended."
		}
		if r.Note == schedule.NoteNotTaken {
			return "If this is often so, look at the processes: are there workers enough for its queue, and is it paused?"
		}
		return "If this is often so, the schedule comes due faster than its job finishes: see the durations, or choose another overlap."
	}
	return ""
}

// ledgerLine is a decision and what came of it in one sentence, for lists.
func ledgerLine(r store.Run, policies *schedule.Policies, now time.Time) string {
	v := verdictOf(r, policies, now)
	switch r.State {
	case "skipped":
		if r.Count > 1 {
			return fmt.Sprintf("%s skipped. %s", grouped(r.Count), v.Why)
		}
		return "Skipped. " + v.Why
	case "succeeded":
		return strings.TrimSpace(strings.TrimPrefix(v.Why, fmt.Sprintf("It took %s%s.", took(r.FinishedAt.Sub(r.StartedAt)), afterAttempts(r))) + attemptsRemark(r))
	}
	return v.Why
}

func attemptsRemark(r store.Run) string {
	if r.Attempts > 1 {
		return fmt.Sprintf(" Succeeded in attempt %d.", r.Attempts)
	}
	return ""
}

// originWords say whose decision it was.
func originWords(r store.Run) string {
	switch r.Origin {
	case "trigger":
		return "run by hand" + by(r.Author)
	case "backfill":
		return fmt.Sprintf("backfill %d", r.Backfill) + by(r.Author)
	}
	return ""
}

func by(author string) string {
	if author == "" {
		return ""
	}
	return " by " + author
}

// standingLook draws how a schedule stands.
func standingLook(standing store.Standing) look {
	switch standing {
	case store.StandingError:
		return lookFailed
	case store.StandingPaused:
		return lookPaused
	case store.StandingWaiting:
		return lookWaiting
	case store.StandingEnded:
		return lookEnded
	}
	return lookOK
}

// standingWords say what the word for a standing means.
func standingWords(standing store.Standing) string {
	switch standing {
	case store.StandingError:
		return "It cannot be decided. Nothing is lost: the clock looks again each minute."
	case store.StandingPaused:
		return "The clock enqueues nothing."
	case store.StandingWaiting:
		return "An occurrence is due and waits."
	case store.StandingEnded:
		return "Nothing is ever due again."
	}
	return "It goes on as planned."
}

// pauseWords say who paused, and why.
func pauseWords(p store.PauseInForce) string {
	text := "Paused" + by(p.Author)
	switch {
	case p.Origin == "environment":
		text = "Paused: " + p.Note
	case p.Scope == "tag":
		text = "Paused by tag " + p.Tag + by(p.Author)
	case p.Scope == "all":
		text = "Everything is paused" + by(p.Author)
	}
	if p.Note != "" && p.Origin != "environment" {
		text += ": " + p.Note
	}
	return text
}

// actionWords say what somebody did.
var actionWords = map[string]string{
	"create": "created", "update": "edited", "rename": "renamed", "delete": "deleted", "pause": "paused", "resume": "resumed",
	"trigger": "ran by hand", "backfill": "began a backfill of", "stop-backfill": "stopped the backfill", "skip-next": "skips the next run of", "undo-skip-next": "does not skip the next run of",
	"skip": "skipped what was due of", "retry": "retried a job of", "cancel": "cancelled a job of", "seen": "has seen failures:",
	"pause-queue": "paused the queue", "resume-queue": "resumed the queue", "limit": "changed the limit", "alerts": "changed the alerts of", "test-alerts": "tested the alerts", "rewind": "set back",
	"login": "logged in", "logout": "logged out", "user-add": "added the user", "user-remove": "removed the user",
	"user-password": "set the password of", "token-create": "made the token", "token-revoke": "revoked the token",
}

// actionText is what somebody did, in words where there are some.
func actionText(action string) string {
	if words, ok := actionWords[action]; ok {
		return words
	}
	return strings.ReplaceAll(action, "-", " ")
}

// ownerWords say who may edit a schedule, and where.
func ownerWords(o schedule.Owner) string {
	switch o.Kind {
	case schedule.OwnerFile:
		return fmt.Sprintf("It belongs to the file %s: edit it there, then punctual apply.", o.Name)
	case schedule.OwnerProgram:
		return fmt.Sprintf("It belongs to the program %s: it is declared in its code.", o.Name)
	}
	return "It belongs to the API: it is edited here, or through the API."
}

// counted is a number and a noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return grouped(n) + " " + noun + "s"
}

// sentence is a text with a capital at its beginning and a stop at its end.
func sentence(text string) string {
	text = strings.TrimSpace(text)
	if text == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(text)
	if word, _, _ := strings.Cut(text, " "); !strings.ContainsAny(word, "-_=/.:") {
		text = string(unicode.ToUpper(first)) + text[size:]
	}
	return stopped(text)
}

// beginsSmall is a sentence as it stands within another one.
func beginsSmall(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return ""
	}
	return string(unicode.ToLower(first)) + text[size:]
}

// stopped is a text with a stop at its end.
func stopped(text string) string {
	text = strings.TrimSpace(text)
	if text == "" || strings.ContainsAny(text[len(text)-1:], ".!?…:") {
		return text
	}
	return text + "."
}

// lastLine is the line of an error that says most: the last that is not empty.
func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.ReplaceAll(strings.TrimSpace(lines[len(lines)-1]), queue.Cancelled, "its job was cancelled")
}
