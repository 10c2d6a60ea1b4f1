package examples_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/punctual-dev/punctual/internal/debian"
)

// observing copies what is shipped for Prometheus to a folder, with changes to its
// configuration, and with the token it is let in with.
func observing(t *testing.T, token string, changes ...string) (folder string) {
	t.Helper()
	folder = t.TempDir()
	files := map[string]string{"punctual.token": token}
	for _, name := range []string{"prometheus.yml", "punctual.rules.yml", "punctual.rules.test.yml"} {
		text, err := os.ReadFile(filepath.Join("observing", name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(text)
	}
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(files["prometheus.yml"], changes[i]) {
			t.Fatalf("prometheus.yml does not say %q", changes[i])
		}
		files["prometheus.yml"] = strings.ReplaceAll(files["prometheus.yml"], changes[i], changes[i+1])
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func TestTheShippedRulesTellWhatTheirOwnTestsSayAndNothingElse(t *testing.T) {
	t.Parallel()
	folder := observing(t, "t0ken")
	for _, arguments := range [][]string{{"check", "config", "prometheus.yml"}, {"test", "rules", "punctual.rules.test.yml"}} {
		check := exec.Command(promtool(t), arguments...)
		check.Dir = folder
		if output, err := check.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(arguments, " "), err, output)
		}
	}
}

// panel is one of a Grafana dashboard.
type panel struct {
	Title   string
	Targets []struct{ Expr string }
}

func dashboard(t *testing.T) (panels []panel) {
	t.Helper()
	text, err := os.ReadFile("observing/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var read struct{ Panels []panel }
	if err := json.Unmarshal(text, &read); err != nil || len(read.Panels) < 15 {
		t.Fatalf("the dashboard has %d panels (%v)", len(read.Panels), err)
	}
	return read.Panels
}

// monitor is a Prometheus that runs.
type monitor struct{ address string }

// ask asks for something below its API and reads the data of the answer.
func (m monitor) ask(t *testing.T, path string, data any) (failure string) {
	t.Helper()
	_, body := get(t, m.address+"/api/v1/"+path, nil)
	var answer struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return body
	}
	if answer.Status != "success" {
		return answer.Error
	}
	if err := json.Unmarshal(answer.Data, data); err != nil {
		t.Fatal(err)
	}
	return ""
}

// numbers are how many series an expression comes to, not counting those that are
// no number.
func (m monitor) numbers(t *testing.T, expression string) int {
	t.Helper()
	var data struct {
		Result []struct{ Value [2]any }
	}
	if failure := m.ask(t, "query?query="+url.QueryEscape(expression), &data); failure != "" {
		t.Fatalf("Prometheus cannot answer %s: %s", expression, failure)
	}
	n := 0
	for _, one := range data.Result {
		if one.Value[1] != "NaN" {
			n++
		}
	}
	return n
}

// watches starts Prometheus with the configuration that is shipped, but for the
// address and the pace.
func watches(t *testing.T, port, token string) monitor {
	t.Helper()
	program, err := debian.Find("prometheus", "prometheus")
	if err != nil {
		t.Fatal(err)
	}
	folder := observing(t, token, "127.0.0.1:8080", "127.0.0.1:"+port, "scrape_interval: 15s", "scrape_interval: 1s\n  evaluation_interval: 1s")
	own := freePort(t)
	start(t, folder, nil, program, "--config.file=prometheus.yml", "--storage.tsdb.path=data", "--web.listen-address=127.0.0.1:"+own)
	m := monitor{"http://127.0.0.1:" + own}
	eventually(t, "Prometheus is ready", func() bool {
		response, err := http.Get(m.address + "/-/ready")
		if err != nil {
			return false
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
	return m
}

func TestPrometheusLoadsTheRulesAndAnswersEveryPanelOfTheDashboard(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	p := start(t, directoryWith(t, "hello: { when: \"every 1s\", run: \"echo hello\" }\n  broken: { when: \"every 1s\", run: \"exit 1\" }"),
		[]string{"PORT=" + port, "PUNCTUAL_TOKEN=t0ken", "PUNCTUAL_METRICS_SCHEDULES=hello,broken"}, "punctual", "start")
	p.says("the web process listens")
	m := watches(t, port, "t0ken")
	var groups struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError, State string }
		}
	}
	eventually(t, "the failures of a schedule are told by a rule", func() bool {
		if failure := m.ask(t, "rules", &groups); failure != "" {
			t.Fatal(failure)
		}
		for _, group := range groups.Groups {
			for _, rule := range group.Rules {
				if rule.LastError != "" {
					t.Fatalf("the rule %s: %s", rule.Name, rule.LastError)
				}
				if rule.Name == "PunctualJobsFail" && rule.State == "firing" {
					return true
				}
			}
		}
		return false
	})
	for _, one := range dashboard(t) {
		if len(one.Targets) == 0 {
			t.Errorf("the panel %q asks for nothing", one.Title)
		}
		for _, target := range one.Targets {
			expression := strings.ReplaceAll(target.Expr, "$__rate_interval", "1m")
			eventually(t, one.Title+": there is an answer to "+expression, func() bool { return m.numbers(t, expression) > 0 })
		}
	}
}
