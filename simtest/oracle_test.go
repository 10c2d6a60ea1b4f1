package simtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the zones of the oracle are not the calendar's
)

// The oracle reads the contract a second time: it walks every minute, asks Go's
// own time zones, and shares no code with calendar, schedule or the audit.

// defined is a row of punctual_definition.
type defined struct {
	from        time.Time
	expressions []string
	zone        *time.Location
}

// compareWithOracle holds the ledger against every minute of every schedule:
// each nominal up to the cursor has one decision, nothing else has one, and
// nothing was decided before it was due.
func (l *life) compareWithOracle() {
	l.t.Helper()
	rows, err := l.db.Reader().Query(l.t.Context(), `SELECT s.id, s.key, s.history_from, d.cursor_at
		FROM punctual_schedule s JOIN punctual_due d ON d.schedule_id = s.id`)
	if err != nil {
		l.t.Fatal(err)
	}
	defer rows.Close()
	type subject struct {
		id           int64
		key          string
		from, cursor time.Time
	}
	var all []subject
	for rows.Next() {
		var s subject
		if err := rows.Scan(&s.id, &s.key, &s.from, &s.cursor); err != nil {
			l.t.Fatal(err)
		}
		all = append(all, s)
	}
	rows.Close()
	if len(all) < 5 {
		l.t.Errorf("only %d schedules lived", len(all))
	}
	decided := 0
	for _, s := range all {
		want := nominalsOf(l.definitions(s.id), s.from, s.cursor)
		got, rewound := l.decided(s.id, s.key)
		decided += len(want)
		for at := range want {
			if got[at] == 0 {
				l.t.Errorf("%s has no decision for %s", s.key, time.Unix(at, 0).UTC())
			}
		}
		for at, n := range got {
			if n != 1 && want[at] {
				l.t.Errorf("%s has %d decisions for %s", s.key, n, time.Unix(at, 0).UTC())
			}
			if !want[at] && !rewound[at] {
				l.t.Errorf("%s has a decision for %s, which is no nominal", s.key, time.Unix(at, 0).UTC())
			}
		}
	}
	if decided < 100 {
		l.t.Errorf("only %d nominals were decided: nothing happened", decided)
	}
}

// decided is how many decisions each instant has. A stretch of skipped ones
// stands for the nominals in it, which are checked to be as many as it counts.
// What was enqueued before the time was set back stays, whatever the when has
// become.
func (l *life) decided(id int64, key string) (got map[int64]int, rewound map[int64]bool) {
	l.t.Helper()
	definitions := l.definitions(id)
	rows, err := l.db.Reader().Query(l.t.Context(), `SELECT nominal_at, until_at, count, due_at, decided_at, rewound_at, decision, reason
		FROM punctual_occurrence WHERE schedule_id = $1 AND origin = 'clock'`, id)
	if err != nil {
		l.t.Fatal(err)
	}
	defer rows.Close()
	got, rewound = map[int64]int{}, map[int64]bool{}
	for rows.Next() {
		var (
			nominal, until, due, decidedAt, rewoundAt time.Time
			count                                     int
			decision, reason                          string
		)
		if err := rows.Scan(&nominal, &until, &count, &due, &decidedAt, &rewoundAt, &decision, &reason); err != nil {
			l.t.Fatal(err)
		}
		if decidedAt.Before(due) && reason != "deleted" && reason != "by hand" {
			l.t.Errorf("%s at %s was decided at %s, before it was due at %s: %s", key, nominal, decidedAt, due, decision)
		}
		rewound[nominal.Unix()] = !rewoundAt.IsZero()
		if until.IsZero() {
			got[nominal.Unix()]++
			continue
		}
		within := nominalsOf(definitions, nominal.Add(-time.Second), until)
		if len(within) != count {
			l.t.Errorf("%s from %s to %s says it stands for %d, and there are %d", key, nominal, until, count, len(within))
		}
		for at := range within {
			got[at]++
		}
	}
	if err := rows.Err(); err != nil {
		l.t.Fatal(err)
	}
	return got, rewound
}

func (l *life) definitions(id int64) []defined {
	l.t.Helper()
	rows, err := l.db.Reader().Query(l.t.Context(), "SELECT from_at, expressions, zone FROM punctual_definition WHERE schedule_id = $1", id)
	if err != nil {
		l.t.Fatal(err)
	}
	defer rows.Close()
	var all []defined
	for rows.Next() {
		var (
			d                 defined
			expressions, zone string
		)
		if err := rows.Scan(&d.from, &expressions, &zone); err != nil {
			l.t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(expressions), &d.expressions); err != nil {
			l.t.Fatal(err)
		}
		if d.zone, err = time.LoadLocation(zone); err != nil {
			l.t.Fatal(err)
		}
		all = append(all, d)
	}
	if err := rows.Err(); err != nil {
		l.t.Fatal(err)
	}
	slices.SortFunc(all, func(a, b defined) int { return a.from.Compare(b.from) })
	return all
}

// nominalsOf walks the minutes in (from, until].
func nominalsOf(definitions []defined, from, until time.Time) map[int64]bool {
	nominals := map[int64]bool{}
	for i, d := range definitions {
		begins, ends := d.from, until
		if from.After(begins) {
			begins = from
		}
		if i+1 < len(definitions) && definitions[i+1].from.Before(ends) {
			ends = definitions[i+1].from
		}
		for at := begins.Truncate(time.Minute); !at.After(ends); at = at.Add(time.Minute) {
			if at.After(begins) && slices.ContainsFunc(d.expressions, func(e string) bool { return yields(e, at, d.zone) }) {
				nominals[at.Unix()] = true
			}
		}
	}
	return nominals
}

// yields says whether a minute is a nominal of an expression.
func yields(expression string, at time.Time, zone *time.Location) bool {
	var hour, minute int
	local := at.In(zone)
	if period, ok := strings.CutPrefix(expression, "every "); ok {
		d, err := time.ParseDuration(period)
		if err != nil {
			panic(err)
		}
		return at.Unix()%int64(d/time.Second) == 0
	}
	if _, err := fmt.Sscanf(expression, "hourly at :%d", &minute); err == nil {
		return local.Minute() == minute
	}
	_, text, _ := strings.Cut(expression, " at ")
	if _, err := fmt.Sscanf(text, "%d:%d", &hour, &minute); err != nil {
		panic(expression)
	}
	if strings.HasPrefix(expression, "weekdays") && (local.Weekday() == time.Saturday || local.Weekday() == time.Sunday) {
		return false
	}
	// A fixed time is due at the first minute of its date that shows it or a
	// later one: in a gap that is the end of the gap, in an overlap the first
	// pass.
	wanted := hour*60 + minute
	shows := func(t time.Time) bool {
		there := t.In(zone)
		return there.YearDay() == local.YearDay() && there.Hour()*60+there.Minute() >= wanted
	}
	if !shows(at) {
		return false
	}
	for before := at.Add(-time.Minute); before.In(zone).YearDay() == local.YearDay(); before = before.Add(-time.Minute) {
		if shows(before) {
			return false
		}
	}
	return true
}
