package punctual_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/punctual-dev/punctual"
	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// declareCommand puts a schedule of a command into the database, as a file would.
func declareCommand(t *testing.T, p *punctual.Punctual, key string, c schedule.Command, change func(*schedule.Policies)) {
	t.Helper()
	d := schedule.Declaration{
		Key: key, When: calendar.When{Expressions: []string{never}},
		Job: schedule.Job{Run: &c}, Policies: schedule.DefaultPolicies(),
	}
	change(&d.Policies)
	_, err := p.Store().Apply(t.Context(), []schedule.Declaration{d}, store.ApplyOptions{
		PlanOptions: schedule.PlanOptions{Owner: schedule.Owner{Kind: schedule.OwnerFile, Name: "test"}}, Actor: "a test",
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestACommandThatAsksToBeRunLaterUsesUpNoRetry(t *testing.T) {
	tests := []struct {
		name     string
		exits    string // the exit codes of the attempts
		state    string
		attempts int
	}{
		{"until it succeeds", "75 75 0", "succeeded", 3},
		{"until it fails", "75 75 1", "failed", 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, address string) {
				p := open(t, address, punctual.Directory(t.TempDir()))
				declareCommand(t, p, "busy", schedule.Command{
					Shell: fmt.Sprintf(`echo x >> %s; set -- %s; shift $(($(wc -l < %[1]s) - 1)); echo "attempt $PUNCTUAL_ATTEMPT ends with $1"; exit $1`,
						filepath.Join(t.TempDir(), "attempts"), test.exits),
				}, func(p *schedule.Policies) {
					p.Backoff = schedule.Backoff{Kind: schedule.BackoffFixed, Initial: schedule.Duration(50 * time.Millisecond), Max: schedule.Duration(50 * time.Millisecond)}
				})
				job := trigger(t, p, "busy")
				defer run(t, p.RunWorker)()
				done := awaitRun(t, p, store.RunFilter{JobID: job}, test.state)
				if done.Attempts != test.attempts {
					t.Errorf("it took %d attempts, want %d", done.Attempts, test.attempts)
				}
				row, err := p.Store().Queue().Get(t.Context(), job)
				if err != nil {
					t.Fatal(err)
				}
				if row.MaxAttempts != test.attempts || len(row.Errors) == 0 || row.Errors[0].Error != "exit code 75 (try again later)" {
					t.Errorf("the history of the job tells %+v of at most %d attempts", row.Errors, row.MaxAttempts)
				}
				var wrote strings.Builder
				pieces, err := p.Store().Outputs(t.Context(), job, 0, 0)
				if err != nil {
					t.Fatal(err)
				}
				for _, piece := range pieces {
					wrote.Write(piece.Data)
				}
				if want := "attempt 1 ends with 75\nattempt 2 ends with 75\nattempt 3 ends with " + test.exits[6:] + "\n"; wrote.String() != want {
					t.Errorf("it wrote %q, want %q", wrote.String(), want)
				}
			})
		})
	}
}

func TestACommandThatIsNotToBeTriedAgainFailsAtOnce(t *testing.T) {
	p := open(t, sqlite(t), punctual.Directory(t.TempDir()))
	declareCommand(t, p, "wrong", schedule.Command{Shell: "exit 64", NoRetryCodes: []string{"64-78"}}, func(p *schedule.Policies) { p.Retries = 5 })
	job := trigger(t, p, "wrong")
	defer run(t, p.RunWorker)()
	if done := awaitRun(t, p, store.RunFilter{JobID: job}, "failed"); done.Attempts != 1 {
		t.Errorf("it took %d attempts, want 1", done.Attempts)
	}
}
