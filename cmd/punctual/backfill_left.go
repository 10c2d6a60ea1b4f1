package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// tellBeside says which occurrences of its range a backfill leaves out, and which
// others it shares it with. It is a hint only.
func (c *backfillCommand) tellBeside(a *app, st *store.Store, b store.Backfill) {
	beside, err := st.BesideBackfill(a.Context, b)
	if err != nil || c.JSON {
		return
	}
	if beside.Before > 0 {
		fmt.Fprintf(a.Stderr, "Left out: %s in the range had a job already (--rerun runs them again).\n", counted(beside.Before, "occurrence"))
	}
	for _, other := range beside.Open {
		fmt.Fprintf(a.Stderr, "Backfill %d, at %d of %d, goes on in the same range: what it makes a job of first is left out of this one.\n", other.ID, other.Enqueued, other.Total)
	}
}

// whyLeft says of a backfill that has not made all the jobs it was to make why not;
// empty: it has, or was stopped.
func whyLeft(a *app, st *store.Store, v backfillProgress) string {
	left := v.Total - v.Enqueued
	switch {
	case left <= 0 || v.State == "stopped":
		return ""
	case v.State == "running":
		return whyToCome(a, st, v, left)
	}
	beside, err := st.BesideBackfill(a.Context, v.Backfill)
	if err != nil {
		return ""
	}
	var by []string
	for _, other := range slices.Sorted(maps.Keys(beside.Since)) {
		who := fmt.Sprintf("backfill %d", other)
		if other == 0 {
			who = "the clock"
		}
		by = append(by, who)
	}
	if len(by) == 0 {
		return fmt.Sprintf("%d left out: its when yields them no more", left)
	}
	return fmt.Sprintf("%d left out: had a job by then, from %s", left, strings.Join(by, " and "))
}

// whyToCome says what the rest of a backfill waits for.
func whyToCome(a *app, st *store.Store, v backfillProgress, left int) string {
	text := fmt.Sprintf("%d to come", left)
	overviews, err := st.Overviews(a.Context, v.Key)
	if err != nil {
		return text
	}
	one := overviews[0]
	switch {
	case noClock(a, st) != "":
		text += ": no clock is alive"
	case one.Policies.Overlap != schedule.OverlapAllow:
		text += ": one at a time" + openJob(a, st, v.ID)
	case one.Policies.Limit != "":
		text += ": as places of the limit " + one.Policies.Limit + " come free"
	}
	return text
}

// openJob is the job whose end a backfill waits for; empty: there is none.
func openJob(a *app, st *store.Store, backfill int64) string {
	open, err := st.Runs(a.Context, store.RunFilter{Backfill: backfill, Open: true, Limit: 1})
	if err != nil || len(open) == 0 {
		return ""
	}
	return fmt.Sprintf(", job %d is %s", open[0].JobID, open[0].State)
}
