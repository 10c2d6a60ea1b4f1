package dashboard

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/schedule"
)

// jobView is what a job runs, as it may be shown: secrets are hidden, and
// ${NAME} stands as it was written.
type jobView struct {
	Kind        string // "Command", "HTTP request" or "Go job"
	Works       string // the kind as the queue and workers know it
	Text        string // the command, the request, or the arguments
	Shell       string // the same as a line for a shell; empty where there is none
	Directory   string
	Env         []fact
	Queue       string
	Priority    int
	MaxAttempts int
	Timeout     schedule.Duration
	Worker      string
	NextAttempt time.Time
}

// describe fills in what runs.
func (v *jobView) describe(job schedule.Job) {
	job = job.Hide()
	switch {
	case job.Run != nil:
		v.Kind, v.Directory, v.Env = "Command", job.Run.Directory, sorted(job.Run.Env)
		v.Text = job.Run.Shell
		if v.Text == "" {
			v.Text = shellWords(job.Run.Program)
		}
		v.Shell = shellLine(v.Text, job.Run.Directory, v.Env)
	case job.HTTP != nil:
		v.Kind, v.Env = "HTTP request", sorted(job.HTTP.Env)
		v.Text, v.Shell = requestText(*job.HTTP), curlLine(*job.HTTP)
	case job.Work != nil:
		v.Kind, v.Text = "Go job", job.Work.Kind
		var pretty bytes.Buffer
		if len(job.Work.Args) > 0 && json.Indent(&pretty, job.Work.Args, "", "  ") == nil {
			v.Text += " " + pretty.String()
		}
	}
}

// requestText is a request as it goes over the wire, more or less.
func requestText(r schedule.Request) string {
	lines := []string{r.Method + " " + r.URL}
	for _, header := range sorted(r.Headers) {
		lines = append(lines, header.Name+": "+header.Value)
	}
	if r.Body != "" {
		lines = append(lines, "", r.Body)
	}
	return strings.Join(lines, "\n")
}

// curlLine does the same from a shell.
func curlLine(r schedule.Request) string {
	words := []string{"curl", "--fail-with-body"}
	if r.Method != "GET" || r.Body != "" {
		words = append(words, "-X", r.Method)
	}
	for _, header := range sorted(r.Headers) {
		words = append(words, "-H", header.Name+": "+header.Value)
	}
	if r.Body != "" {
		words = append(words, "--data-raw", r.Body)
	}
	return shellWords(append(words, r.URL))
}

func shellLine(command, directory string, env []fact) string {
	var line strings.Builder
	if directory != "" {
		line.WriteString("cd " + shellWord(directory) + " && ")
	}
	if len(env) > 0 {
		line.WriteString("env ")
		for _, one := range env {
			line.WriteString(one.Name + "=" + shellWord(one.Value) + " ")
		}
		line.WriteString("sh -c " + shellWord(command))
		return line.String()
	}
	line.WriteString(command)
	return line.String()
}

func shellWords(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = shellWord(word)
	}
	return strings.Join(quoted, " ")
}

var (
	plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)
	named     = regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*\}`)
)

// shellWord quotes a word for a shell, so that only ${NAME} is replaced.
func shellWord(word string) string {
	switch {
	case plainWord.MatchString(word):
		return word
	case !named.MatchString(word):
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	inside := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "`", "\\`")
	var out strings.Builder
	last := 0
	plain := func(text string) { out.WriteString(strings.ReplaceAll(inside.Replace(text), "$", `\$`)) }
	for _, place := range named.FindAllStringIndex(word, -1) {
		plain(word[last:place[0]])
		out.WriteString(word[place[0]:place[1]])
		last = place[1]
	}
	plain(word[last:])
	return `"` + out.String() + `"`
}

func sorted(values map[string]string) []fact {
	facts := make([]fact, 0, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		facts = append(facts, fact{name, values[name]})
	}
	return facts
}

// argumentsOf are what a trigger may change: the environment of a command or a
// request, or the arguments of a Go job, as they may be shown.
func argumentsOf(job schedule.Job) []fact {
	job = job.Hide()
	switch {
	case job.Run != nil:
		return sorted(job.Run.Env)
	case job.HTTP != nil:
		return sorted(job.HTTP.Env)
	case job.Work == nil:
		return nil
	}
	var values map[string]json.RawMessage
	if json.Unmarshal(job.Work.Args, &values) != nil {
		return nil
	}
	texts := map[string]string{}
	for name, value := range values {
		var text string
		if json.Unmarshal(value, &text) != nil {
			text = string(value)
		}
		texts[name] = text
	}
	return sorted(texts)
}
