package dashboard

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/web/access"
)

func TestANameThatNoScheduleHasAnyMoreIsFoundByAPartOfIt(t *testing.T) {
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			p := newPast(t, kind, "schedules:\n  nightly-eu: { when: hourly at :00, run: \"true\" }\n  legacy-sync: { when: hourly at :00, run: \"true\" }\n")
			p.later(time.Minute)
			p.apply("schedules:\n  europe-report: { was: nightly-eu, when: hourly at :00, run: \"true\" }\n  legacy-sync: { when: hourly at :00, run: \"true\" }\n")
			p.must(p.store.Delete(p.Context(), "legacy-sync", false, "ada"))
			// A name that was given again is no former one.
			const hourly = "when: hourly at :00, run: \"true\" }\n"
			for _, rest := range []string{"other: { " + hourly, "second: { was: other, " + hourly, "second: { " + hourly + "  other: { " + hourly} {
				p.apply("schedules:\n  europe-report: { " + hourly + "  " + rest)
			}
			p.tells("the list", p.page("/schedules?q=other"), []string{"<b>other</b>"}, []string{"Called so no longer"})
			found := func(words string) string {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/find?q="+words, nil)
				r.Header.Set("HX-Request", "true")
				w := httptest.NewRecorder()
				p.site.ServeHTTP(w, r.WithContext(access.With(r.Context(), access.Identity{Name: "ada", Role: access.Viewer})))
				return w.Body.String()
			}
			for _, test := range []struct{ words, name, hint, link string }{
				{words: "nightly", name: "nightly-eu", hint: "is called europe-report now", link: "/schedules/europe-report"},
				{words: "Nightly-EU", name: "nightly-eu", hint: "is called europe-report now", link: "/schedules/europe-report"},
				{words: "legacy", name: "legacy-sync", hint: "deleted at Sat 7 Mar 2026, 12:01:00 UTC", link: "/schedules/legacy-sync"},
			} {
				for what, body := range map[string]string{"the search": found(test.words), "the list": p.page("/schedules?q=" + test.words)} {
					for _, want := range []string{test.name, test.hint, `href="` + test.link + `"`} {
						if !strings.Contains(body, want) {
							t.Errorf("%s does not find %q by %q: %s", what, want, test.words, textOf(body))
						}
					}
				}
			}
			p.tells("the schedule", p.page("/schedules/europe-report"), []string{"It was called nightly-eu until", "when ada renamed it"}, nil)
		})
	}
}
