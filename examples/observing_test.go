package examples_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/punctual-dev/punctual/alert"
	"github.com/punctual-dev/punctual/internal/debian"
	"github.com/punctual-dev/punctual/internal/pgtest"
)

// promtool is the program by which Prometheus checks what is meant for it.
func promtool(t *testing.T) string {
	t.Helper()
	program, err := debian.Find("prometheus", "promtool")
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// counted waits until a process says of a number that it is more than zero, and
// returns all it says then.
func counted(t *testing.T, address, sample string) (answer string) {
	t.Helper()
	positive := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(sample) + ` [0-9.e+]*[1-9]`)
	eventually(t, address+" counts "+sample, func() bool {
		var status int
		status, answer = get(t, address, nil)
		return status == http.StatusOK && positive.MatchString(answer)
	})
	return answer
}

func TestEachProcessTellsPrometheusWhatItDoesOnAPortOfItsOwn(t *testing.T) {
	t.Parallel()
	check := promtool(t)
	directory := directoryWith(t, "hello: { when: \"every 1s\", run: \"echo hello\" }")
	environment := []string{"DATABASE_URL=" + pgtest.New(t)}
	succeeds(t, directory, environment, "punctual", "apply")
	addresses := map[string]string{}
	for _, command := range []string{"clock", "worker"} {
		port := freePort(t)
		p := start(t, directory, environment, "punctual", command, "--metrics-listen", port, "--metrics-schedules", "hello")
		p.says("metrics are served")
		addresses[command] = "http://127.0.0.1:" + port + "/metrics"
	}
	port := freePort(t)
	start(t, directory, environment, "punctual", "web", "--listen", "127.0.0.1:"+port).says("the web process listens")
	addresses["web"] = "http://127.0.0.1:" + port + "/metrics"
	for command, samples := range map[string][]string{
		"clock": {
			`punctual_decisions_total{decision="enqueued",reason=""}`, `punctual_lateness_seconds_count`, `punctual_tick_duration_seconds_count`,
			`punctual_jobs_total{outcome="succeeded"}`, `punctual_schedule_jobs_total{outcome="succeeded",schedule="hello"}`,
		},
		"worker": {
			`punctual_attempt_duration_seconds_count{queue="default",result="succeeded"}`, `punctual_attempt_wait_seconds_count`,
			`punctual_schedule_attempt_duration_seconds_count{result="succeeded",schedule="hello"}`,
			`punctual_schedule_last_success_timestamp_seconds{schedule="hello"}`,
		},
		"web": {`punctual_healthy`, `punctual_database_up`, `punctual_processes{role="worker"}`},
	} {
		var answer string
		for _, sample := range samples {
			answer = counted(t, addresses[command], sample)
		}
		lint := exec.Command(check, "check", "metrics")
		lint.Stdin = strings.NewReader(answer)
		if output, err := lint.CombinedOutput(); err != nil || len(bytes.TrimSpace(output)) > 0 {
			t.Errorf("promtool says of what %s tells: %v\n%s", command, err, output)
		}
	}
}

func TestMetricsOnAPublicAddressNeedCredentials(t *testing.T) {
	t.Parallel()
	directory := directoryWith(t, "hello: { when: \"every 1s\", run: \"echo hello\" }")
	for _, command := range []string{"clock", "worker"} {
		open := start(t, directory, nil, "punctual", command, "--metrics-listen", "0.0.0.0:0")
		open.ends(1)
		open.says("--metrics-listen 0.0.0.0:0")
		open.says("PUNCTUAL_TOKEN")
		if fileExists(filepath.Join(directory, "punctual.db")) {
			t.Errorf("%s has refused, but made a database before", command)
		}
		port := freePort(t)
		closed := start(t, t.TempDir(), []string{"PUNCTUAL_TOKEN=t0ken"}, "punctual", command, "--metrics-listen", "0.0.0.0:"+port)
		closed.says("metrics are served")
		address := "http://127.0.0.1:" + port
		if status, _ := get(t, address+"/metrics", nil); status != http.StatusUnauthorized {
			t.Errorf("without a token %s answers %d, want 401", command, status)
		}
		if status, body := get(t, address+"/metrics", http.Header{"Authorization": {"Bearer t0ken"}}); status != http.StatusOK || !strings.Contains(body, "punctual_database_up 1") {
			t.Errorf("with the token %s answers %d %s", command, status, body)
		}
		if status, _ := get(t, address+"/healthz", nil); status != http.StatusOK {
			t.Errorf("%s answers /healthz with %d", command, status)
		}
		closed.stops(quick)
	}
}

func TestMetricsFlagsThatCannotBeMeantAreRefused(t *testing.T) {
	t.Parallel()
	many := strings.TrimSuffix(strings.Repeat("a,", 201), ",")
	for _, c := range []struct{ flag, says string }{
		{"--metrics-listen=somewhere", "a port such as 9464"},
		{"--metrics-schedules=No Key", `"No Key" is no key`},
		{"--metrics-schedules=" + many, "at most 200"},
	} {
		p := start(t, t.TempDir(), nil, "punctual", "clock", c.flag)
		p.ends(2)
		p.says(c.says)
	}
}

// receiver keeps the messages that are posted to it.
type receiver struct {
	mu   sync.Mutex
	told []string
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	var m alert.Message
	if json.NewDecoder(request.Body).Decode(&m) != nil {
		w.WriteHeader(http.StatusBadRequest)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, one := range m.Alerts {
		r.told = append(r.told, one.Schedule+" "+string(one.Kind)+map[bool]string{true: "", false: " no more"}[one.Raised])
	}
}

func (r *receiver) all() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.told, ", ")
}

func TestAFailureAndItsEndAreToldOnceByManyProcessesOfWhichSomeAreKilled(t *testing.T) {
	t.Parallel()
	receives := &receiver{}
	hook := httptest.NewServer(receives)
	defer hook.Close()
	directory := directoryWith(t, "fragile: { when: \"every 1s\", run: \"test -e mended\" }\nalerts: { failures: 2, to: { ops: { webhook: \""+hook.URL+"\" } } }")
	environment := []string{"DATABASE_URL=" + pgtest.New(t)}
	succeeds(t, directory, environment, "punctual", "apply")
	var clocks []*process
	for range 2 {
		clocks = append(clocks, start(t, directory, environment, "punctual", "clock"))
	}
	start(t, directory, environment, "punctual", "worker", "--quiet")
	eventually(t, "the failure is told of", func() bool { return receives.all() == "fragile failing" })
	for _, clock := range clocks {
		clock.signal(syscall.SIGKILL)
	}
	start(t, directory, environment, "punctual", "clock")
	if err := os.WriteFile(filepath.Join(directory, "mended"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "its end is told of", func() bool { return receives.all() == "fragile failing, fragile failing no more" })
}

func TestAClockThatIsKilledIsNoticedByTheWorkerAndItsReturnToo(t *testing.T) {
	t.Parallel()
	receives := &receiver{}
	hook := httptest.NewServer(receives)
	defer hook.Close()
	directory := directoryWith(t, "steady: { when: \"every 1s\", run: \"true\" }\nalerts: { late: 10s, to: { ops: { webhook: \""+hook.URL+"\" } } }")
	environment := []string{"DATABASE_URL=" + pgtest.New(t)}
	succeeds(t, directory, environment, "punctual", "apply")
	clock := start(t, directory, environment, "punctual", "clock")
	start(t, directory, environment, "punctual", "worker").says("succeeded in")
	clock.signal(syscall.SIGKILL)
	eventually(t, "the worker tells that nothing is decided any more", func() bool { return receives.all() == "steady late" })
	start(t, directory, environment, "punctual", "clock")
	eventually(t, "the end of it is told", func() bool { return receives.all() == "steady late, steady late no more" })
}
