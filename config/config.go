// Package config reads punctual.yaml, the schedule file.
//
// [Load] turns a file into declarations, with the defaults, the time zone and
// the calendars of the file merged in, or tells every fault in it: with line,
// column, an excerpt and advice. The way of a file: yaml.go splits the text
// into pieces and reads them into nodes, decode.go fills the types in types.go
// from nodes, build.go makes declarations of those, and warnings.go knows the
// hazards of what is valid. The JSON Schema that editors use comes from the
// same types (schema.go).
package config

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/punctual-dev/punctual/alert"
	"github.com/punctual-dev/punctual/schedule"
)

// Bounds on a file, so that none keeps a process busy or fills its memory.
const (
	maxSize      = 8 << 20   // bytes; 100,000 schedules of three lines fit
	maxMarks     = 1_500_000 // characters that structure YAML; the library makes 300 bytes of each
	maxSchedules = 100_000
)

// Starter is a schedule file to begin with.
//
//go:embed starter.yaml
var Starter string

// File is a schedule file that was read without faults.
type File struct {
	Path      string
	Owner     string                 // who owns the schedules; empty: the file, by its name
	Schedules []schedule.Declaration // in the order of the file; nothing left to merge
	Limits    map[string]int         // group → how many jobs may be active together
	Alerts    alert.Settings         // empty where the file has none

	source *document
}

// Options is what a file means depends on besides its text.
type Options struct {
	// Environment is where the file is read (PUNCTUAL_ENV): schedules with
	// enabled_in that do not list it are disabled. May be empty.
	Environment string
}

// Load reads a file. The error is an [*Error] if the file was read and has
// faults.
func Load(path string, o Options) (*File, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &missingError{path, beside(path)}
	}
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s is a folder; name the schedule file in it, for example %s", path, filepath.Join(path, "punctual.yaml"))
	}
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, unreadable(path, err)
	}
	return Parse(path, data, o)
}

// unreadable says why a file that is there cannot be read.
func unreadable(path string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("the schedule file %s cannot be read by this user: its owner allows it with chmod a+r %[1]s (%w)", path, fs.ErrPermission)
	}
	return fmt.Errorf("reading the schedule file: %w", err)
}

// missingError says that there is no file, and is fs.ErrNotExist.
type missingError struct {
	path   string
	beside string // a file that is there and was probably meant; may be empty
}

func (e *missingError) Error() string {
	if e.beside != "" {
		return fmt.Sprintf("there is no schedule file %s, but there is %s: --config %[2]s names it", e.path, e.beside)
	}
	return "there is no schedule file " + e.path + ": punctual init writes one to begin with, --config names another"
}

func (e *missingError) Unwrap() error { return fs.ErrNotExist }

// Parse reads the text of a file that is called name. The error is an
// [*Error] and holds every fault.
func Parse(name string, data []byte, o Options) (*File, error) {
	d := readDocument(name, data)
	f := &File{Path: name, source: d}
	d.build(f, o)
	if len(d.all) > 0 {
		if again := tidied(name, data); again != nil {
			again.build(&File{}, o)
			d = again
		}
		faulty := &Error{Faults: d.sorted(), More: d.more}
		if !d.more {
			faulty.Fine = d.fine()
		}
		return nil, faulty
	}
	return f, nil
}

// beside is the file that has the other ending of YAML, if there is one.
func beside(path string) string {
	ending := filepath.Ext(path)
	other, ok := map[string]string{".yml": ".yaml", ".yaml": ".yml"}[ending]
	if !ok {
		return ""
	}
	other = strings.TrimSuffix(path, ending) + other
	if info, err := os.Stat(other); err != nil || info.IsDir() {
		return ""
	}
	return other
}
