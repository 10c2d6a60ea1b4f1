package examples_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/punctual-dev/punctual/internal/pgtest"
)

// quick is how long a process without work in hand may take to end.
const quick = 5 * time.Second

func TestWithPortAndNoCredentialsWebAndStartRefuseAndSayWhatToSet(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"web", "start"} {
		directory := directoryWith(t, "hello: { when: \"every 1s\", run: \"echo hello\" }")
		p := start(t, directory, []string{"PORT=" + freePort(t)}, "punctual", command)
		p.ends(1)
		p.says("PUNCTUAL_PASSWORD")
		p.says("PUNCTUAL_TOKEN")
		p.wroteNoTrace()
		if fileExists(filepath.Join(directory, "punctual.db")) {
			t.Errorf("%s has refused, but made a database before", command)
		}
	}
}

func TestAFileOnADiskThatThePlatformThrowsAwayIsLoudlyWarnedOf(t *testing.T) {
	t.Parallel()
	directory := directoryWith(t, "hello: { when: \"every 1s\", run: \"echo hello\" }")
	const warning = "level=WARN msg=\"THE DATABASE IS A FILE ON A DISK THAT THIS PLATFORM THROWS AWAY"
	for _, command := range []string{"clock", "worker", "web", "start"} {
		p := start(t, directory, []string{"DYNO=" + command + ".1", "PORT=" + freePort(t), "PUNCTUAL_PASSWORD=secret"}, "punctual", command)
		p.says(warning)
		p.says("DATABASE_URL")
		p.stops(quick)
	}
	home := start(t, directory, nil, "punctual", "clock")
	home.says("the clock runs")
	home.stops(quick)
	if strings.Contains(home.output.String(), "WARN") {
		t.Errorf("on a machine of one's own it is warned of too:\n%s", home.output)
	}
}

func TestHealthIsOpenToEveryoneAndNothingElseIs(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	p := start(t, directoryWith(t, "hello: { when: \"every 1s\", run: \"echo hello\" }"),
		[]string{"PORT=" + port, "PUNCTUAL_PASSWORD=open sesame", "PUNCTUAL_TOKEN=t0ken"}, "punctual", "start")
	p.says("the web process listens")
	page := "http://127.0.0.1:" + port
	if status, body := get(t, page+"/healthz", nil); status != http.StatusOK || !strings.Contains(body, `"healthy":true`) {
		t.Errorf("/healthz answers %d %s", status, body)
	}
	for _, path := range []string{"/", "/healthz/", "/healthz/x", "/api/schedules", "/metrics", "//healthz", "/%68ealth", "/static"} {
		if status, body := get(t, page+path, nil); status != http.StatusUnauthorized {
			t.Errorf("%s answers %d %s, want 401", path, status, body)
		}
	}
	for what, header := range map[string]string{
		"the wrong token":    "Bearer token",
		"the wrong password": "Basic cHVuY3R1YWw6b3BlbiBzZXNhbQ==",
		"an empty password":  "Basic cHVuY3R1YWw6",
		"an empty token":     "Bearer ",
	} {
		if status, _ := get(t, page+"/", http.Header{"Authorization": {header}}); status != http.StatusUnauthorized {
			t.Errorf("%s is answered with %d, want 401", what, status)
		}
	}
	for what, header := range map[string]string{
		"the token":    "Bearer t0ken",
		"the password": "Basic cHVuY3R1YWw6b3BlbiBzZXNhbWU=",
	} {
		if status, _ := get(t, page+"/", http.Header{"Authorization": {header}}); status == http.StatusUnauthorized {
			t.Errorf("%s is refused", what)
		}
	}
	p.stops(quick)
}

func TestEveryProcessEndsQuicklyAndInOrderWhenAskedTo(t *testing.T) {
	t.Parallel()
	directory := directoryWith(t, "hello: { when: \"every 1s\", run: \"echo hello\" }")
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		for command, running := range map[string]string{
			"clock": "the clock runs", "worker": "the worker runs", "web": "the web process listens", "start": "succeeded in",
		} {
			p := start(t, directory, []string{"PORT=" + freePort(t), "PUNCTUAL_TOKEN=t"}, "punctual", command)
			p.says(running)
			p.stopsOn(s, quick)
		}
	}
}

func TestAProcessThatStillStartsEndsInOrderToo(t *testing.T) {
	t.Parallel()
	address := pgtest.New(t)
	connection, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close(context.Background())
	// Whoever migrates holds this lock, and the others wait for it.
	if _, err := connection.Exec(t.Context(), "SELECT pg_advisory_lock(x'70756e63'::bigint)"); err != nil {
		t.Fatal(err)
	}
	directory := directoryWith(t, "hello: { when: \"every 1s\", run: \"echo hello\" }")
	for _, command := range []string{"clock", "worker", "web", "start"} {
		p := start(t, directory, []string{"DATABASE_URL=" + address}, "punctual", command)
		eventually(t, command+" waits for the lock", func() bool {
			waiting := 0
			err := connection.QueryRow(t.Context(), `SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
				WHERE l.locktype = 'advisory' AND NOT l.granted AND d.datname = current_database()`).Scan(&waiting)
			if err != nil {
				t.Fatal(err)
			}
			return waiting == 1
		})
		p.stops(quick)
	}
}

func TestEveryProcessEndsQuicklyWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	directory := directoryWith(t, "hello: { when: \"every 1s\", run: \"echo hello\" }")
	environment := []string{"DATABASE_URL=" + server.URL(), "PUNCTUAL_TOKEN=t"}
	succeeds(t, directory, environment, "punctual", "apply")
	processes := map[string]*process{}
	port := freePort(t)
	for command, running := range map[string]string{
		"clock": "the clock runs", "worker": "the worker runs", "web": "the web process listens", "start": "the web process listens",
	} {
		listen := port
		if command == "start" {
			listen = freePort(t)
		}
		processes[command] = start(t, directory, append(environment, "PORT="+listen), "punctual", command)
		processes[command].says(running)
	}
	eventually(t, "a worker has done something", func() bool {
		return strings.Contains(processes["worker"].output.String()+processes["start"].output.String(), "succeeded in")
	})
	server.Stop(pgtest.Immediate)
	processes["clock"].says("the database does not answer")
	if status, body := get(t, "http://127.0.0.1:"+port+"/healthz", nil); status != http.StatusServiceUnavailable {
		t.Errorf("without its database /healthz answers %d %s, want 503", status, body)
	}
	for _, p := range processes {
		p.stops(2 * quick)
	}
}

func TestWithoutADatabaseAProcessSaysSoAndDoesNotStart(t *testing.T) {
	t.Parallel()
	address := "postgres://me:secret@127.0.0.1:" + freePort(t) + "/app"
	for _, command := range []string{"clock", "worker", "web"} {
		p := start(t, t.TempDir(), []string{"DATABASE_URL=" + address}, "punctual", command)
		p.ends(1)
		p.says("is the server running")
		p.wroteNoTrace()
		if strings.Contains(p.output.String(), "secret") {
			t.Errorf("%s tells the password:\n%s", command, p.output)
		}
	}
}

func TestAJobThatOutlastsTheGraceIsGivenBackAndBegunAgain(t *testing.T) {
	t.Parallel()
	directory := directoryWith(t, `long: { when: "once at 2999-01-01T00:00:00Z", run: "touch begun; test -e go || exec sleep 600" }`)
	address := "sqlite:" + filepath.Join(directory, "punctual.db")
	succeeds(t, directory, nil, "punctual", "apply")
	succeeds(t, directory, nil, "punctual", "schedules", "trigger", "long")
	first := start(t, directory, nil, "punctual", "worker", "--stop-grace", "200ms")
	begun := filepath.Join(directory, "begun")
	eventually(t, "the job has begun", func() bool { return fileExists(begun) })
	first.stops(quick)
	s := ledger(t, address)
	given := runsIn(t, s, "long", "available")
	if len(given) != 1 || given[0].Attempts != 0 || given[0].Error != "" {
		t.Fatalf("the job was not given back as it was: %+v", given)
	}
	if err := os.WriteFile(filepath.Join(directory, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	second := start(t, directory, nil, "punctual", "worker")
	eventually(t, "the job has succeeded", func() bool { return len(runsIn(t, s, "long", "succeeded")) == 1 })
	second.stops(quick)
	if got := runsIn(t, s, "long", "succeeded")[0].Attempts; got != 1 {
		t.Errorf("it took %d attempts: the stop has used one up", got)
	}
}

// directoryWith is a directory with a schedule file of these schedules.
func directoryWith(t *testing.T, schedules string) string {
	t.Helper()
	directory := t.TempDir()
	if err := os.WriteFile(filepath.Join(directory, "punctual.yaml"), []byte("schedules:\n  "+schedules+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return directory
}

func get(t *testing.T, address string, header http.Header) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}
