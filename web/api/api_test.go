package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/internal/pgtest"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
	"github.com/punctual-dev/punctual/web/access"
	"github.com/punctual-dev/punctual/web/api"
)

// start is when every test begins: a Monday, 09:00.
var start = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// onBoth runs a test on both databases.
func onBoth(t *testing.T, test func(*site)) {
	t.Helper()
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			test(newSite(t, kind, nil))
		})
	}
}

// site is the API over a real store whose clock stands still until it is moved.
type site struct {
	*testing.T
	*store.Store
	url  string
	log  *lockedBuffer
	told document

	mu   sync.Mutex
	now  time.Time
	role access.Role
}

// The users of the tests, by role.
var names = map[access.Role]string{access.Viewer: "vera", access.Operator: "otto", access.Admin: "ada"}

func newSite(t *testing.T, kind string, change func(*api.Options)) *site {
	t.Helper()
	address := "sqlite:" + filepath.Join(folder(t), "punctual.db")
	if kind == "postgres" {
		address = pgtest.New(t)
	}
	s := &site{T: t, now: start, role: access.Admin, log: &lockedBuffer{}}
	db, err := database.Open(t.Context(), address, database.Options{Now: s.clock})
	s.must(err)
	t.Cleanup(db.Close)
	s.Store, err = store.Open(db)
	s.must(err)
	s.must(s.Migrate(t.Context()))
	o := api.Options{Store: s.Store, Logger: slog.New(slog.NewTextHandler(s.log, nil)), Version: "1.2.3"}
	if change != nil {
		change(&o)
	}
	server := httptest.NewServer(s.identified(api.Handler(o)))
	t.Cleanup(server.Close)
	s.url = server.URL + "/api/v1"
	s.told = s.document()
	return s
}

// folder is in memory where there is such a place: the tests are not about the
// disk.
func folder(t *testing.T) string {
	memory, err := os.MkdirTemp("/dev/shm", "punctual-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(memory) })
	return memory
}

// identified lets in a user of the site's role.
func (s *site) identified(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		role := s.role
		s.mu.Unlock()
		if role != access.Nobody {
			r = r.WithContext(access.With(r.Context(), access.Identity{Name: names[role], Role: role}))
		}
		next.ServeHTTP(w, r)
	})
}

// as makes the requests that follow somebody's of a role.
func (s *site) as(role access.Role) *site {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.role = role
	return s
}

func (s *site) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *site) advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

func (s *site) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *site) ctx() context.Context { return s.Context() }

// response is an answer that was read.
type response struct {
	s      *site
	what   string
	status int
	header http.Header
	text   string
	body   map[string]any
}

// ask makes a request; header pairs follow the body, which is JSON, or empty.
func (s *site) ask(method, path, body string, header ...string) *response {
	s.Helper()
	request, err := http.NewRequestWithContext(s.ctx(), method, s.url+path, strings.NewReader(body))
	s.must(err)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	answered, err := http.DefaultClient.Do(request)
	s.must(err)
	defer answered.Body.Close()
	text, err := io.ReadAll(answered.Body)
	s.must(err)
	r := &response{s: s, what: method + " " + path, status: answered.StatusCode, header: answered.Header, text: string(text)}
	_ = json.Unmarshal(text, &r.body)
	r.heldTo(s.told, method, path)
	return r
}

func (s *site) get(path string) *response { s.Helper(); return s.ask("GET", path, "") }

func (s *site) post(path, body string, header ...string) *response {
	s.Helper()
	return s.ask("POST", path, body, header...)
}

// ok wants a status.
func (r *response) ok(status int) *response {
	r.s.Helper()
	if r.status != status {
		r.s.Fatalf("%s is answered with %d, want %d: %s", r.what, r.status, status, r.text)
	}
	return r
}

// refused wants a problem that says all the words.
func (r *response) refused(status int, words ...string) *response {
	r.s.Helper()
	r.ok(status)
	if kind := r.header.Get("Content-Type"); kind != "application/problem+json" {
		r.s.Errorf("%s: a problem comes as %q", r.what, kind)
	}
	if r.body["status"] != float64(status) || r.body["title"] != http.StatusText(status) {
		r.s.Errorf("%s: the problem says status %v and title %v", r.what, r.body["status"], r.body["title"])
	}
	for _, word := range words {
		if !strings.Contains(fmt.Sprint(r.body["detail"]), word) {
			r.s.Errorf("%s: the detail %q does not say %q", r.what, r.body["detail"], word)
		}
	}
	return r
}

// at wants a place among the errors of a problem.
func (r *response) at(location string) *response {
	r.s.Helper()
	list, _ := r.body["errors"].([]any)
	for _, one := range list {
		if one.(map[string]any)["location"] == location {
			return r
		}
	}
	r.s.Errorf("%s: none of the errors is at %s: %s", r.what, location, r.text)
	return r
}

// field is a value of the body by its way: "items.0.key".
func (r *response) field(way string) any {
	r.s.Helper()
	var value any = r.body
	for step := range strings.SplitSeq(way, ".") {
		switch inner := value.(type) {
		case map[string]any:
			value = inner[step]
		case []any:
			var i int
			if _, err := fmt.Sscan(step, &i); err != nil || i >= len(inner) {
				return nil
			}
			value = inner[i]
		default:
			return nil
		}
	}
	return value
}

// want wants values by their ways, in pairs.
func (r *response) want(pairs ...any) *response {
	r.s.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		if got := r.field(pairs[i].(string)); fmt.Sprint(got) != fmt.Sprint(pairs[i+1]) {
			r.s.Errorf("%s: %s is %v, want %v", r.what, pairs[i], got, pairs[i+1])
		}
	}
	return r
}

// count is the length of a list.
func (r *response) count(way string) int {
	r.s.Helper()
	list, ok := r.field(way).([]any)
	if !ok {
		r.s.Fatalf("%s: %s is no list: %s", r.what, way, r.text)
	}
	return len(list)
}

// declared is a schedule of the file.
func declared(key, when string, change ...func(*schedule.Declaration)) schedule.Declaration {
	d := schedule.Declaration{
		Key: key, When: calendar.When{Expressions: []string{when}},
		Job: schedule.Job{Run: &schedule.Command{Shell: "true"}}, Policies: schedule.DefaultPolicies(),
	}
	for _, one := range change {
		one(&d)
	}
	return d
}

// apply declares schedules of a file.
func (s *site) apply(all ...schedule.Declaration) {
	s.Helper()
	_, err := s.Apply(s.ctx(), all, store.ApplyOptions{
		PlanOptions: schedule.PlanOptions{Owner: schedule.Owner{Kind: schedule.OwnerFile, Name: "punctual.yaml"}},
		Limits:      map[string]int{"warehouse": 2}, Actor: "apply",
	})
	s.must(err)
}

// tick decides what is due, as a clock would.
func (s *site) tick() {
	s.Helper()
	for range 50 {
		batch, err := s.Due(s.ctx(), schedule.Wanted{Lane: schedule.LaneOnTime, Limit: 500})
		s.must(err)
		if len(batch.Candidates) == 0 {
			return
		}
		_, err = s.Commit(s.ctx(), batch, schedule.DecideBatch(batch.Candidates, batch.Groups))
		s.must(err)
	}
	s.Fatal("the clock never comes to rest")
}

// lockedBuffer is a log that is written and read at once.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(text)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
