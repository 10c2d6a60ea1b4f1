package punctual_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/punctual-dev/punctual"
	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/store"
)

func TestAWebProcessIsSeenAndBeginsAnewWhenItWasTakenForDead(t *testing.T) {
	address := sqlite(t)
	synctest.Test(t, func(t *testing.T) {
		p, err := punctual.Open(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- p.RunWeb(ctx, func(ctx context.Context) error { <-ctx.Done(); return nil })
		}()
		time.Sleep(time.Second)
		wantProcesses(t, p, "web alive")
		lose := func(tx database.Tx) error {
			_, err := tx.Exec(t.Context(), "UPDATE punctual_process SET lost_at = $1", time.Now())
			return err
		}
		if err := p.Store().Database().Transaction(t.Context(), lose); err != nil {
			t.Fatal(err)
		}
		time.Sleep(store.BeatEvery)
		wantProcesses(t, p, "web alive", "web lost")
		stop()
		if err := <-ended; err != nil {
			t.Errorf("it ended with %v", err)
		}
		wantProcesses(t, p, "web lost", "web stopped")
	})
}

func wantProcesses(t *testing.T, p *punctual.Punctual, want ...string) {
	t.Helper()
	all, err := p.Store().Processes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, one := range all {
		state := "alive"
		switch {
		case !one.LostAt.IsZero():
			state = "lost"
		case !one.StoppedAt.IsZero():
			state = "stopped"
		}
		got = append(got, one.Role+" "+state)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the processes are %q, want %q", got, want)
	}
}
