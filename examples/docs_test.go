package examples_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/punctual-dev/punctual/alert"
	"github.com/punctual-dev/punctual/config"
	"github.com/punctual-dev/punctual/internal/debian"
)

// block is an example in a page: the text between two fences.
type block struct{ page, language, text string }

var fence = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

func blocksOf(t *testing.T, page string) (blocks []block) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range fence.FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, block{page, found[1], found[2]})
	}
	if len(blocks) == 0 {
		t.Fatalf("%s shows no example", page)
	}
	return blocks
}

func TestEveryExampleInTheDocsIsOneThatWorks(t *testing.T) {
	t.Parallel()
	compiled := goSources(t)
	for _, page := range []string{"../docs/library.md", "../docs/deploying.md", "../docs/observing.md"} {
		for _, b := range blocksOf(t, page) {
			var err error
			switch b.language {
			case "go":
				err = b.isCompiled(compiled)
			case "yaml":
				_, err = config.Parse("example.yaml", []byte(b.withSchedules()), config.Options{})
			case "json":
				err = b.isAlert()
			case "yml":
				if err = b.isCompose(); strings.Contains(b.text, "scrape_configs:") {
					err = b.isPrometheus()
				}
			case "procfile":
				err = b.isProcfile()
			case "ini":
				err = b.isUnit()
			case "nginx":
				err = b.isNginx(t)
			case "dockerfile", "sh", "console":
				err = commandsIn(b.text)
			default:
				err = errors.New("no test knows this language")
			}
			if err != nil {
				t.Errorf("%s, the example in %s: %v\n%s", b.page, b.language, err, b.text)
			}
		}
	}
}

// withSchedules is a schedule file that shows its top only, with an empty rest.
func (b block) withSchedules() string {
	if strings.HasPrefix(b.text, "alerts:") {
		return b.text + "schedules: {}\n"
	}
	return b.text
}

// isAlert wants JSON to be the message that is posted, to the last character.
func (b block) isAlert() error {
	var m alert.Message
	if err := json.Unmarshal([]byte(b.text), &m); err != nil {
		return err
	}
	if len(m.Alerts) == 0 || alert.NewMessage(m.Alerts, m.At).Text != m.Text {
		return errors.New("the text is not what is told of the alerts")
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err == nil && string(text)+"\n" != b.text {
		err = fmt.Errorf("it is not the message, which is\n%s", text)
	}
	return err
}

// isNginx has nginx itself read a location, in a server that has nothing else.
func (b block) isNginx(t *testing.T) error {
	program, err := debian.Find("nginx-light", "nginx", "/usr/sbin/nginx")
	if err != nil {
		return err
	}
	folder := t.TempDir()
	text := fmt.Sprintf("pid %[1]s/pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\nclient_body_temp_path %[1]s/body;\nproxy_temp_path %[1]s/proxy;\n"+
		"fastcgi_temp_path %[1]s/fastcgi;\nuwsgi_temp_path %[1]s/uwsgi;\nscgi_temp_path %[1]s/scgi;\nserver {\nlisten 127.0.0.1:8081;\n%[2]s}\n}\n", folder, b.text)
	file := filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return err
	}
	if said, err := exec.Command(program, "-t", "-p", folder, "-c", file).CombinedOutput(); err != nil {
		return fmt.Errorf("nginx -t: %w\n%s", err, said)
	}
	return nil
}

func TestTheDocsShowTheExamplesAsTheyAre(t *testing.T) {
	t.Parallel()
	for page, files := range map[string][]string{
		"../docs/library.md":   {"library/main.go", "river-worker/main.go", "river-worker/punctual.yaml"},
		"../docs/deploying.md": {"node-app/Procfile", "node-app/punctual.yaml"},
	} {
		blocks := blocksOf(t, page)
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(blocks, func(b block) bool { return b.text == string(text) }) {
				t.Errorf("%s does not show examples/%s as it is", page, file)
			}
		}
	}
}

func TestTheGoInTheReadmeIsCompiled(t *testing.T) {
	t.Parallel()
	compiled := goSources(t)
	for _, b := range blocksOf(t, "../README.md") {
		if b.language == "go" {
			if err := b.isCompiled(compiled); err != nil {
				t.Errorf("README.md: %v\n%s", err, b.text)
			}
		}
	}
}

// goSources are the files that Go in the docs has to be a part of.
func goSources(t *testing.T) (sources []string) {
	t.Helper()
	for _, path := range []string{"library/main.go", "river-worker/main.go", "../example_test.go"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, unindented(string(text)))
	}
	return sources
}

func (b block) isCompiled(sources []string) error {
	if slices.ContainsFunc(sources, func(source string) bool { return strings.Contains(source, unindented(b.text)) }) {
		return nil
	}
	return errors.New("it stands in no file that is compiled; put it into example_test.go")
}

// unindented is the text without the blanks at the beginning of lines.
func unindented(text string) string {
	var lines strings.Builder
	for line := range strings.Lines(text) {
		lines.WriteString(strings.TrimLeft(line, "\t "))
	}
	return lines.String()
}

// isPrometheus wants the configuration that is shipped, which has tests of its own.
func (b block) isPrometheus() error {
	text, err := os.ReadFile("observing/prometheus.yml")
	if err == nil && string(text) != b.text {
		err = errors.New("it is not examples/observing/prometheus.yml")
	}
	return err
}

// isCompose checks the commands of a Compose file. Its language is called yml, so
// that those who look for schedule files, which are yaml, pass it over.
func (b block) isCompose() error {
	var compose struct {
		Services map[string]struct{ Command []string }
	}
	if err := yaml.Unmarshal([]byte(b.text), &compose); err != nil {
		return err
	}
	for name, service := range compose.Services {
		if err := commandsIn(strings.Join(service.Command, " ")); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (b block) isProcfile() error {
	file, err := parseProcfile(b.text)
	if err != nil {
		return err
	}
	for _, line := range file {
		if err := commandsIn(line.command); err != nil {
			return err
		}
	}
	return nil
}

var unitLine = regexp.MustCompile(`^(\[[A-Z]\w+\]|[A-Z]\w+=\S.*|#.*)?$`)

// isUnit checks a unit of systemd as far as it can be without one: the form of
// the lines, the program, and that it is given the time a worker may take.
func (b block) isUnit() error {
	for line := range strings.Lines(b.text) {
		if !unitLine.MatchString(strings.TrimSpace(line)) {
			return fmt.Errorf("%q is no line of a unit", line)
		}
	}
	for _, want := range []string{"KillMode=mixed", "TimeoutStopSec=35", "WorkingDirectory="} {
		if !strings.Contains(b.text, want) {
			return fmt.Errorf("it lacks %s", want)
		}
	}
	return commandsIn(b.text)
}

var (
	exampleCommand = regexp.MustCompile(`(?m)(?:^|[/="]|\$ )punctual(?:", "| )([a-z][^\n\]]*)`)
	goProgram      = regexp.MustCompile(`(?m)go (?:run|build)\b[^\n]* (\./\S+)`)
)

// commandsIn checks that every command of punctual in a text is one, with flags
// there are, and that every Go program it builds is there.
func commandsIn(text string) error {
	for _, found := range exampleCommand.FindAllStringSubmatch(text, -1) {
		arguments := strings.Fields(strings.ReplaceAll(found[1], `"`, ""))
		if output, err := exec.Command(filepath.Join(programs, "punctual"), append(arguments, "--help")...).CombinedOutput(); err != nil {
			return fmt.Errorf("punctual %s: %w\n%s", strings.Join(arguments, " "), err, output)
		}
	}
	for _, found := range goProgram.FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(filepath.Join("..", found[1])); err != nil {
			return err
		}
	}
	return nil
}
