package schedule_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/schedule"
)

func FuzzParseDuration(f *testing.F) {
	for _, text := range []string{"90s", "1h30m", "2w", "500ms", "", "5", "1.5h", "9223372036854775807w", "1d1d"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := schedule.ParseDuration(text)
		if err != nil {
			return
		}
		if again, err := schedule.ParseDuration(d.String()); err != nil || again != d {
			t.Errorf("%q is %s, and that is %s, %v", text, d, again, err)
		}
		if d < 0 || time.Duration(d) > 10*366*24*time.Hour {
			t.Errorf("%q is %d", text, d)
		}
	})
}

func FuzzParseOccurrenceName(f *testing.F) {
	for _, name := range []string{"report@2026-11-23T09:00:00Z", "a@2026-11-23T09:00:00.100Z", "a@9999-12-31T23:59:59-01:00", "@", "a@b"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		key, at, err := schedule.ParseOccurrenceName(name)
		if err != nil {
			return
		}
		canonical := schedule.OccurrenceName(key, at)
		keyAgain, again, err := schedule.ParseOccurrenceName(canonical)
		if err != nil || keyAgain != key || !again.Equal(at) {
			t.Errorf("%q is %s, and that is %s, %s, %v", name, canonical, keyAgain, again, err)
		}
	})
}

// FuzzValidate reads declarations from JSON, with a when and a job from text.
func FuzzValidate(f *testing.F) {
	f.Add("report", "daily at 09:00", "UTC", "./report.sh", "https://example.com", `{"a":1}`, []byte(`{"overlap":"wait"}`))
	f.Add("", "", "", "", "", "", []byte(`{"backoff":{"kind":"fixed"}}`))
	f.Add("a", "*/5 * * * *", "Europe/Berlin", "\x00", "${X}", `{"a":"\u0000"}`, []byte(`{}`))
	f.Fuzz(func(t *testing.T, key, when, zone, command, url, args string, policies []byte) {
		d := schedule.Declaration{Key: key, Was: zone, Description: command, Tags: []string{key, zone}, Policies: schedule.DefaultPolicies()}
		d.When = calendar.When{Expressions: []string{when}, Zone: zone}
		_ = json.Unmarshal(policies, &d.Policies)
		for _, job := range []schedule.Job{
			{},
			{Run: &schedule.Command{Shell: command, Env: map[string]string{key: args}}},
			{HTTP: &schedule.Request{Method: key, URL: url, Headers: map[string]string{key: zone}, Body: command, SuccessCodes: []string{args}}},
			{Work: &schedule.Work{Kind: key, Args: json.RawMessage(args)}},
		} {
			d.Job = job
			faults := d.Validate()
			for _, fault := range faults {
				if fault.Field == "" || fault.Problem == "" {
					t.Errorf("a fault says nothing: %+v", fault)
				}
			}
			if len(faults) == 0 {
				checkValid(t, d)
			}
		}
	})
}

// checkValid: what is valid can be stored, read again and planned.
func checkValid(t *testing.T, d schedule.Declaration) {
	text, err := json.Marshal(struct {
		Job      schedule.Job
		Policies schedule.Policies
	}{d.Job, d.Policies})
	if err != nil {
		t.Fatalf("a valid declaration cannot be written: %v", err)
	}
	again := d
	again.Job = schedule.Job{}
	stored := struct {
		Job      *schedule.Job
		Policies *schedule.Policies
	}{&again.Job, &again.Policies}
	if err := json.Unmarshal(text, &stored); err != nil {
		t.Fatalf("a valid declaration cannot be read again: %v", err)
	}
	changes, faults := schedule.Plan([]*schedule.Schedule{{Declaration: again, Owner: file}}, []schedule.Declaration{d}, schedule.PlanOptions{Owner: file})
	if len(faults) > 0 || len(changes) != 1 || changes[0].Kind != schedule.ChangeNone {
		t.Errorf("what is stored differs from what was declared: %+v, %v", changes, faults)
	}
}
