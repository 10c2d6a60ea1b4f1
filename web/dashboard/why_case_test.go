package dashboard

import (
	"strings"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/store"
)

// whyCase is a reason why something did not run, or has not run yet: how it is
// made, and what the pages say of it.
type whyCase struct {
	name string
	file string
	do   func(*past)
	// asked is the instant somebody asks about, an hour after the start unless
	// told, by the clocks of the schedule.
	asked string
	// The words on the page of the schedule, and on that of the occurrence;
	// the same where one is empty.
	schedule, occurrence string
	says                 []string // more of the words on that of the occurrence
	hides                []string // what it must not say
	scheduleSays         []string // more of the words on that of the schedule
	scheduleHides        []string
}

// tellsWhy makes each reason on both databases, and asks for it.
func tellsWhy(t *testing.T, tests []whyCase) {
	t.Helper()
	for _, kind := range []string{"sqlite", "postgres"} {
		for _, test := range tests {
			t.Run(kind+", "+test.name, func(t *testing.T) {
				t.Parallel()
				p := newPast(t, kind, test.file)
				if test.do != nil {
					test.do(p)
				}
				asked, zone := test.asked, time.UTC
				if asked == "" {
					asked = "2026-03-07T13:00"
				}
				if strings.Contains(test.file, "New_York") {
					zone, _ = time.LoadLocation("America/New_York")
				}
				at, err := time.ParseInLocation("2006-01-02T15:04", strings.TrimSuffix(asked, ":00Z"), zone)
				p.must(err)
				occurrence, whole := p.occurrence(asked, at), p.page("/schedules/it")
				for _, page := range []struct{ what, body, words string }{
					{"the schedule", whole, test.schedule},
					{"the occurrence", occurrence, test.occurrence},
				} {
					if page.words == "" {
						page.words = test.schedule
					}
					if !strings.Contains(page.body, page.words) {
						t.Errorf("the page of %s does not say %q:\n%s", page.what, page.words, textOf(page.body))
					}
				}
				p.tells("the occurrence", occurrence, test.says, test.hides)
				p.tells("the schedule", whole, test.scheduleSays, test.scheduleHides)
			})
		}
	}
}

// tells compares what a page says with what it is to say, and is not to say.
func (p *past) tells(what, body string, says, hides []string) {
	p.Helper()
	for _, words := range says {
		if !strings.Contains(body, words) {
			p.Errorf("the page of %s does not say %q:\n%s", what, words, textOf(body))
		}
	}
	for _, words := range hides {
		if _, main, _ := strings.Cut(body, `<main id="main">`); strings.Contains(main, words) {
			p.Errorf("the page of %s says %q:\n%s", what, words, textOf(body))
		}
	}
}

// works has a worker beat that takes so many jobs at once, and of each queue as
// many as are told.
func (p *past) works(id string, concurrency int, queues map[string]int) {
	p.Helper()
	_, err := p.store.Beat(p.Context(), store.Process{ID: id, Role: "worker", Host: "one.example", PID: 7, Concurrency: concurrency, Queues: queues})
	p.must(err)
}
