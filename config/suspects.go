package config

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/punctual-dev/punctual/internal/script"
	"github.com/punctual-dev/punctual/schedule"
)

// This file looks at what a job is made of: its program, and the texts of its
// request. What is suspect there is a warning.

// anyExecutes are the permissions to execute a file.
const anyExecutes = 0o111

// whole is where a path leads that begins in the directory of the file.
func (w *watch) whole(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(w.directory, path)
}

func (w *watch) missing(path string) bool {
	_, err := os.Stat(w.whole(path))
	return os.IsNotExist(err)
}

// program warns of a program that is not there, or cannot be executed.
func (w *watch) program(e *entry, run *schedule.Command) {
	program := ""
	if len(run.Program) > 0 {
		program = run.Program[0]
	} else if words := strings.Fields(run.Shell); len(words) > 0 && !strings.ContainsAny(words[0], "'\"$`;&|<>()*?[]{}\\=~#!") {
		program = words[0]
	}
	if strings.HasPrefix(program, "~/") {
		w.warn(e, "run", "write the path from / on, or the command as one text for the shell: run: "+asText(run), "only a shell takes ~ for the home directory, and none reads a list")
		return
	}
	if !strings.Contains(program, "/") {
		// What a shell line begins with may be part of the shell.
		if _, err := exec.LookPath(program); err != nil && len(run.Program) > 0 && run.Env["PATH"] == "" {
			w.warn(e, "run", cmp.Or(linesMeant(run), "install it where the worker runs, or give its path"), "there is no program %s in the PATH here", quoted(program))
		}
		return
	}
	if !filepath.IsAbs(program) {
		program = filepath.Join(run.Directory, program)
	}
	if w.missing(program) {
		w.warn(e, "run", cmp.Or(linesMeant(run), "commands run in the directory of the schedule file, or in the one that directory names"), "there is no file %s here", quoted(program))
		return
	}
	w.executable(e, program, len(run.Program) > 0)
}

// executable warns of a program that cannot be executed. What a shell cannot
// execute for want of a #! line it reads itself.
func (w *watch) executable(e *entry, program string, alone bool) {
	path := w.whole(program)
	file, err := os.Stat(path)
	switch {
	case err != nil || runtime.GOOS == "windows":
	case file.IsDir():
		w.warn(e, "run", "name a program in it", "%s is a directory", quoted(program))
	case file.Mode()&anyExecutes == 0:
		w.warn(e, "run", "chmod +x makes it so, also where the worker runs; or begin with what reads it, as sh or python3", "%s is not executable", quoted(program))
	default:
		problem, advice := script.Fault(path)
		if problem != "" && (alone || problem != script.NoLine) {
			w.warn(e, "run", advice, "%s cannot be executed: %s", quoted(program), problem)
		}
	}
}

// linesMeant is advice for a list whose first item is a line for a shell: each item
// was meant as a command.
func linesMeant(run *schedule.Command) string {
	if len(run.Program) == 0 || !strings.Contains(strings.TrimSpace(run.Program[0]), " ") {
		return ""
	}
	if len(run.Program) == 1 {
		return fmt.Sprintf("a list is one program and its arguments; write the line as one text: run: %q", run.Program[0])
	}
	const enough = 200
	advice := "a list is one program and its arguments; for several commands write run: | and below it, indented further, a line for each"
	if line := strings.Join(run.Program, " && "); len(line) <= enough {
		advice += fmt.Sprintf("; or one text: run: %q", line)
	}
	return advice
}

// asText is a list whose first word begins with ~/ as the line for a shell that does
// the same, but for that.
func asText(run *schedule.Command) string {
	words := slices.Clone(run.Program)
	words[0] = strings.TrimPrefix(words[0], "~/")
	return fmt.Sprintf("%q", "~/"+schedule.ShellWords(words))
}

// literals warns of what looks like ${NAME} and is none: it stays as it is.
func (w *watch) literals(e *entry) {
	job := e.declaration.Job
	env := map[string]string{}
	if job.Run != nil {
		env = job.Run.Env
	} else if job.HTTP != nil {
		env = job.HTTP.Env
		w.otherPlaceholders(e, job.HTTP)
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if strings.Contains(schedule.WithoutPlaceholders(env[name]), "${") {
			w.warn(e, "env", "a name is letters, digits and _, as ${HOME}", "%s holds a ${ that names no variable, and is taken as it stands", name)
		}
	}
}

// likeText is what begins with # and hardly a comment, behind which a space stands.
var likeText = regexp.MustCompile(`^[ \t]+#[^\s#!]`)

// cutOff warns of a command that ends before a #, where that was probably to belong to
// it: a comment has a space behind the #.
func (w *watch) cutOff(e *entry) {
	n := e.node.get("run")
	if n == nil || n.kind != text || n.quoted {
		return
	}
	line, end := w.line(n.place.line), n.place.column-1+len([]rune(n.text))
	if end > len(line) || string(line[n.place.column-1:end]) != n.text || !likeText.MatchString(string(line[end:])) {
		return
	}
	rest := strings.TrimLeft(string(line[end:]), " \t")
	at := place{n.place.line, len(line) - len([]rune(rest)) + 1, len([]rune(rest))}
	w.found.add(at, "schedules."+e.key.text+".run", "put the whole in quotes if it belongs to the command: "+inQuotesOf(string(line[n.place.column-1:])),
		"from # on the line is a comment, and the command ends before it")
}

// otherPlaceholder is a variable as a shell and templates have it.
var otherPlaceholder = regexp.MustCompile(`\$([A-Z][A-Z0-9_]+)\b|\{\{ *\$?([A-Za-z_][A-Za-z0-9_]*) *\}\}`)

// otherPlaceholders warns of variables in a request that nothing replaces.
func (w *watch) otherPlaceholders(e *entry, r *schedule.Request) {
	texts := map[string]string{"url": r.URL, "body": r.Body}
	for name, value := range r.Headers {
		texts["headers."+name] = value
	}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if found := otherPlaceholder.FindStringSubmatch(schedule.WithoutPlaceholders(texts[name])); found != nil {
			w.warn(e, "http", "write ${"+cmp.Or(found[1], found[2])+"}, if a variable of the worker is meant", "%s holds %s, which stays as it stands", name, found[0])
		}
	}
}

// usualMethods are those that servers know, those of WebDAV and of caches included.
var usualMethods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE", "BAN",
	"PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH", "QUERY"}

// method warns of a method that few servers know.
func (w *watch) method(e *entry) {
	if call := e.declaration.Job.HTTP; call != nil && !slices.Contains(usualMethods, call.Method) {
		w.warn(e, "http.method", "GET, HEAD, POST, PUT, PATCH and DELETE are the usual ones; leave it out for GET, or POST with a body", "%s is no usual method", call.Method)
	}
}
