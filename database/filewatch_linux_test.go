package database

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
)

func TestAWatchReturnsForAWriteAndForWhatHadHappenedAndForNoFile(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	path := filepath.Join(t.TempDir(), "a.log")
	write := func() {
		if err := os.WriteFile(path, []byte("more"), 0o600); err != nil {
			t.Error(err)
		}
	}
	w := openFileWatch(ctx)
	if w.await(path, func() bool { return false }) {
		t.Error("it waited for a file that is not there")
	}
	write()
	if !w.await(path, func() bool { return true }) {
		t.Error("it does not tell that something had happened")
	}
	for range 3 {
		// The write comes when it is watched for already.
		if !w.await(path, func() bool { write(); return false }) {
			t.Error("a write was not told")
		}
	}
	if w.await(path, func() bool { stop(); return false }) || w.await(path, func() bool { return false }) {
		t.Error("a closed watch told of a write")
	}
}

func TestInFakeTimeNobodyWaitsForTheKernel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if openFileWatch(t.Context()).events != nil {
			t.Error("time would stand still in this test")
		}
	})
	if inFakeTime() {
		t.Error("outside of it time is taken for fake")
	}
}
