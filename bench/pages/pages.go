package main

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/punctual-dev/punctual/store"
)

// floor is the page that all others stand beside.
const floor = "/healthz"

// page is something to ask for. The path differs from one time to the next, so
// that no answer is one that was given before.
type page struct {
	name     string
	path     func(i int) string
	fragment bool // asked for by a script, for a part of a page
}

// pages are all that is asked for.
func (h *house) pages(ctx context.Context) ([]page, error) {
	key := func(i int) string { return keyOf((i * 7919) % h.schedules) }
	busy := func(i int) string { return keyOf(i % busySchedules(h.schedules)) }
	ran, err := h.store.Runs(ctx, store.RunFilter{State: "succeeded", Limit: 200})
	if err != nil {
		return nil, err
	}
	failed, err := h.store.Runs(ctx, store.RunFilter{State: "failed", Limit: 200})
	if err != nil {
		return nil, err
	}
	one := func(runs []store.Run) func(int) string {
		return func(i int) string { return fmt.Sprintf("/runs/%d", runs[i%len(runs)].ID) }
	}
	always := func(path string) func(int) string { return func(int) string { return path } }
	of := func(format string, value func(int) string) func(int) string {
		return func(i int) string { return fmt.Sprintf(format, value(i)) }
	}
	middle := ran[0].ID / 2
	backfill := func(i int) string {
		now := time.Now().UTC()
		return fmt.Sprintf("/schedules/%s/backfill?from=%s&to=%s", busy(i), now.Add(-26*time.Hour).Format("2006-01-02T15:04"), now.Add(-2*time.Hour).Format("2006-01-02T15:04"))
	}
	return []page{
		{name: floor, path: always("/healthz")},
		{name: "login", path: always("/login")},
		{name: "overview", path: always("/")},
		{name: "schedules", path: always("/schedules")},
		{name: "schedules, a later page", path: of("/schedules?after=%s", key)},
		{name: "schedules, found by words", path: of("/schedules?q=%s", func(i int) string { return []string{"invoice", "backup", "nightly", "zebra"}[i%4] })},
		{name: "schedules of a tag", path: of("/schedules?tag=%s", func(i int) string { return teams[i%len(teams)] })},
		{name: "schedules of an owner", path: always("/schedules?owner=program")},
		{name: "schedules that are paused", path: always("/schedules?state=paused")},
		{name: "schedules in error", path: always("/schedules?state=error")},
		{name: "schedules, the search box", path: of("/find?q=%s", func(i int) string { return []string{"inv", "backup", "nightly", "zebra"}[i%4] }), fragment: true},
		{name: "a schedule", path: of("/schedules/%s", key)},
		{name: "a busy schedule", path: of("/schedules/%s", busy)},
		{name: "edit", path: of("/schedules/%s/edit", func(i int) string { return keyOf((i * 7919 % h.schedules) / 10 * 10) })},
		{name: "backfill, tried", path: backfill},
		{name: "runs", path: always("/runs")},
		{name: "runs, an old page", path: func(i int) string { return fmt.Sprintf("/runs?before=%d", middle+int64(i)) }},
		{name: "runs of a schedule", path: of("/runs?schedule=%s", busy)},
		{name: "runs that failed", path: always("/runs?state=failed")},
		{name: "runs that run", path: always("/runs?state=running")},
		{name: "runs that wait", path: always("/runs?state=available")},
		{name: "runs that expired", path: always("/runs?state=expired")},
		{name: "runs not seen", path: always("/runs?unseen=1")},
		{name: "runs skipped", path: always("/runs?state=skipped")},
		{name: "runs with words in the error", path: of("/runs?q=%s", func(i int) string { return url.QueryEscape([]string{"exit code 17", "connection refused"}[i%2]) })},
		{name: "runs with rare words", path: of("/runs?q=%s", func(i int) string { return url.QueryEscape(fmt.Sprintf("%s %d", rare, i)) })},
		{name: "runs due in an hour", path: func(i int) string {
			at := time.Now().UTC().Add(-time.Duration(24+5*i) * time.Hour)
			return fmt.Sprintf("/runs?from=%s&to=%s", at.Format("2006-01-02T15:04"), at.Add(time.Hour).Format("2006-01-02T15:04"))
		}},
		{name: "runs of a backfill", path: always("/runs?backfill=1")},
		{name: "runs to retry, counted", path: always("/runs/all?action=retry&state=failed")},
		{name: "a run", path: one(ran)},
		{name: "a run that failed", path: one(failed)},
		{name: "load", path: always("/load")},
		{name: "processes", path: always("/processes")},
		{name: "activity", path: always("/activity")},
		{name: "API: schedules", path: always("/api/v1/schedules")},
		{name: "API: 200 schedules", path: of("/api/v1/schedules?limit=200&cursor=%s", key)},
		{name: "API: schedules that are paused", path: always("/api/v1/schedules?state=paused")},
		{name: "API: a schedule", path: of("/api/v1/schedules/%s", key)},
		{name: "API: runs", path: always("/api/v1/runs")},
		{name: "API: runs that failed", path: always("/api/v1/runs?state=failed")},
		{name: "API: runs with words in the error", path: always("/api/v1/runs?error=" + url.QueryEscape("exit code 17"))},
		{name: "API: a run", path: of("/api/v1%s", one(failed))},
		{name: "API: queues", path: always("/api/v1/queues")},
		{name: "API: processes", path: always("/api/v1/processes")},
		{name: "API: activity", path: always("/api/v1/activity")},
		{name: "API: backfills", path: always("/api/v1/backfills")},
	}, nil
}
