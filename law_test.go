package punctual_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The law of the house. A room is a folder at the top with all that lies below
// it. These tests look at whatever rooms there are; a new room obeys the lines
// for every room until it gets one of its own.

const house = "github.com/punctual-dev/punctual"

// importLaw says what a room may not import, except what is named, and why. Test
// files are free: they may open a real database anywhere.
var importLaw = []struct {
	rooms     string // "*" is every room
	free      string // rooms that "*" does not bind
	forbidden string // rooms, or outside modules by prefix
	except    string // of the forbidden
	because   string
}{
	{rooms: "calendar schedule alert", forbidden: "outside",
		because: "a pure room imports the standard library and pure rooms only, so that when and whether can be tested, fuzzed and proved without anything else"},
	{rooms: "calendar schedule", forbidden: "house", except: "calendar schedule " + house + "/internal/nearest",
		because: "a pure room decides from plain data; whoever fetches the data imports it, never the other way"},
	{rooms: "alert", forbidden: "house", except: "schedule alert internal",
		because: "what is told of is decided from plain data; the loop beside it declares what it needs of a store"},
	{rooms: "calendar", forbidden: "schedule",
		because: "a calendar knows when, and nothing of jobs and policies"},

	{rooms: "clock", forbidden: "worker web",
		because: "the clock only decides and enqueues; it must live without the processes that run jobs and show them"},
	{rooms: "worker", forbidden: "clock web",
		because: "a worker runs what is in the queue, whoever put it there, and must live without a clock or a web process"},
	{rooms: "web", forbidden: "clock worker",
		because: "the web process shows what the database says and computes no state of its own"},
	{rooms: "clock worker", forbidden: "store database",
		because: "a process declares the few methods it needs as an interface of its own; the root hands it a store"},
	{rooms: "clock worker", forbidden: "house", except: "calendar schedule queue internal",
		because: "a process knows the pure rooms and the queue; all else comes to it as an argument"},
	{rooms: "web", forbidden: "house", except: "alert calendar schedule queue store config web internal",
		because: "the web process is a view of the store, so it uses the store's own words, and those of the pure rooms, instead of copying them; it reads schedules as the file does, and never runs a statement itself"},

	{rooms: "queue", forbidden: "house", except: "calendar schedule database internal",
		because: "the queue makes jobs of occurrences in a transaction someone else opened; it knows nothing of ledgers, files and processes"},
	{rooms: "database", forbidden: "house", except: "internal",
		because: "the database runs statements; what they mean is known above it"},
	{rooms: "store", forbidden: "house", except: "alert calendar schedule queue database store internal",
		because: "a store keeps what processes decide; knowing them would close the circle"},
	{rooms: "config", forbidden: "house", except: "alert calendar schedule internal",
		because: "a file becomes schedules by reading alone, so that `check` works without a database"},

	{rooms: "*", free: "queue examples bench .", forbidden: "github.com/riverqueue riverqueue.com",
		because: "only the queue knows River: its traps are met in one place and another engine changes one room"},
	{rooms: "metrics", forbidden: "house", except: "schedule queue store internal",
		because: "metrics count what processes tell of and ask the store how things stand; they know neither a process nor a driver"},
	{rooms: "tracing", forbidden: "house", except: "schedule queue internal",
		because: "tracing follows what the clock decided and the worker runs; it knows neither of them"},
	{rooms: "*", free: "tracing examples .", forbidden: "go.opentelemetry.io",
		because: "only tracing knows OpenTelemetry, and the root, where a program hands in a provider: a trace travels as text, whoever follows it"},
	{rooms: "*", free: "metrics examples", forbidden: "github.com/prometheus",
		because: "only metrics knows Prometheus: a process tells an interface of its own what it did, whoever counts it"},
	{rooms: "*", free: "database queue examples bench internal", forbidden: "github.com/jackc/pgx modernc.org/sqlite",
		because: "only database knows the drivers (and queue, since River's drivers want them, and pgtest, which makes databases): a query is written once for both"},
	{rooms: "*", free: "cmd examples bench simtest", forbidden: ".",
		because: "the library's door opens inwards: it wires the rooms, so a room that imports it closes the circle"},
	{rooms: "*", free: "cmd simtest examples bench", forbidden: "cmd simtest examples bench",
		because: "programs, simulations and examples stand at the end of the line: they know everyone and nobody knows them"},
	{rooms: "internal", forbidden: "house", except: "internal",
		because: "what is internal serves every room, so it leans on none"},
}

func TestNoRoomImportsWhatItsLawForbids(t *testing.T) {
	for _, p := range listPackages(t) {
		for _, imported := range p.Imports {
			for _, fault := range faults(roomOf(p.ImportPath), imported) {
				t.Errorf("%s imports %s: %s", p.ImportPath, imported, fault)
			}
		}
	}
}

func TestTheLawForbidsAndAllowsWhatItSays(t *testing.T) {
	cases := []struct {
		room, imported string
		forbidden      bool
	}{
		{"calendar", "time", false},
		{"calendar", house + "/schedule", true},
		{"schedule", house + "/calendar", false},
		{"schedule", "github.com/google/uuid", true},
		{"clock", house + "/queue", false},
		{"clock", house + "/worker", true},
		{"web", house + "/store", false},
		{"web", house + "/database", true},
		{"worker", "github.com/riverqueue/river", true},
		{"queue", "github.com/riverqueue/river/rivertype", false},
		{"store", "github.com/jackc/pgx/v5", true},
		{"store", house + "/store/storetest", false},
		{"store", house + "/clock", true},
		{"database", "modernc.org/sqlite", false},
		{"config", house + "/database", true},
		{"a room of tomorrow", house, true},
		{"a room of tomorrow", "modernc.org/sqlite/lib", true},
		{"a room of tomorrow", "modernc.org/sqlitefriend", false},
		{"cmd", house, false},
		{"cmd", house + "/web", false},
		{".", "github.com/riverqueue/river", false},
		{"examples", house, false},
	}
	for _, c := range cases {
		if got := faults(c.room, c.imported); (len(got) > 0) != c.forbidden {
			t.Errorf("%s imports %s: faults are %q, want forbidden %v", c.room, c.imported, got, c.forbidden)
		}
	}
}

// faults returns the reasons why a room may not import a package.
func faults(room, imported string) (reasons []string) {
	for _, law := range importLaw {
		bound := among(room, law.rooms) || law.rooms == "*" && !among(room, law.free)
		if bound && matches(imported, law.forbidden) && !matches(imported, law.except) {
			reasons = append(reasons, law.because)
		}
	}
	return reasons
}

func among(room, rooms string) bool { return slices.Contains(strings.Fields(rooms), room) }

// matches tells whether an import is among the words of the law: a room, a path
// with all below it, "house" for all of ours, "outside" for all modules of others.
func matches(imported, words string) bool {
	ours := imported == house || strings.HasPrefix(imported, house+"/")
	first, _, _ := strings.Cut(imported, "/")
	standard := !strings.Contains(first, ".")
	return slices.ContainsFunc(strings.Fields(words), func(word string) bool {
		switch word {
		case "house":
			return ours
		case "outside":
			return !ours && !standard
		}
		return ours && roomOf(imported) == word || imported == word || strings.HasPrefix(imported, word+"/")
	})
}

// roomOf returns the room of one of our packages; the root is ".".
func roomOf(path string) string {
	room, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(path, house), "/"), "/")
	if room == "" {
		return "."
	}
	return room
}

type listedPackage struct {
	ImportPath string
	Imports    []string
}

// listPackages asks go list, which also reads packages that do not compile.
func listPackages(t *testing.T) (packages []listedPackage) {
	t.Helper()
	output, err := exec.Command("go", "list", "-e", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(output))
	for {
		var p listedPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("reading the answer of go list: %v", err)
		}
		packages = append(packages, p)
	}
	if len(packages) == 0 {
		t.Fatal("go list names no package; run the tests from a clone of the repository")
	}
	return packages
}

func TestEveryPackageHasExactlyOnePackageComment(t *testing.T) {
	carriers := map[string][]string{} // by folder: the files that carry a comment
	for _, path := range files(t, ".go") {
		if strings.HasSuffix(path, "_test.go") {
			continue // documentation does not show them
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Errorf("%s cannot be read: %v", path, err)
			continue
		}
		folder := filepath.ToSlash(filepath.Dir(path))
		found := carriers[folder]
		if parsed.Doc != nil {
			found = append(found, path)
		}
		carriers[folder] = found
	}
	for folder, found := range carriers {
		switch len(found) {
		case 1:
		case 0:
			t.Errorf("package %s has no package comment: say in one what the room is for, where a reader begins", folder)
		default:
			t.Errorf("package %s has %d package comments, in %v: keep one, so that its story is told in one place", folder, len(found), found)
		}
	}
}

func TestNoFolderHasANameThatSaysNothing(t *testing.T) {
	empty := strings.Fields("util utils common helper helpers manager managers misc base shared")
	for _, path := range files(t, ".go") {
		if dir := filepath.Base(filepath.Dir(path)); slices.Contains(empty, dir) {
			t.Errorf("%s: a package called %q can hold anything; name it for what it does, or put the code where it is used", path, dir)
		}
	}
}

const longestFile = 600

// longFiles are longer than a reader likes, each for a reason.
var longFiles = map[string]string{}

func TestFilesAreShortEnoughToRead(t *testing.T) {
	found := map[string]int{}
	for _, path := range files(t, ".go", ".sql", ".sh", ".js", ".css", ".html") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		found[path] = bytes.Count(text, []byte("\n"))
		if _, listed := longFiles[path]; found[path] > longestFile && !listed {
			t.Errorf("%s has %d lines: split it at a seam a reader would look for, or list it in longFiles with the reason (limit %d)", path, found[path], longestFile)
		}
	}
	for path, reason := range longFiles {
		if found[path] <= longestFile {
			t.Errorf("%s has %d lines and needs no exception any more (%s): take it off longFiles", path, found[path], reason)
		}
	}
}

func TestNoTextNamesAPathOfTheMachineItWasWrittenOn(t *testing.T) {
	private := []byte("/wo" + "rk/") // in two, or this file would find itself
	for _, path := range files(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.IndexByte(text[:min(len(text), 8000)], 0) >= 0 {
			continue // not a text
		}
		for number, line := range bytes.Split(text, []byte("\n")) {
			if bytes.Contains(line, private) {
				t.Errorf("%s:%d names %s: it exists on one machine only; use a path in the repository", path, number+1, private)
			}
		}
	}
}

// files returns the files of the tree with one of the endings, or all of them.
// What Git keeps for itself, what others wrote and what tests recorded is left out.
func files(t *testing.T, endings ...string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("walking the tree: %w", err)
		case entry.IsDir() && slices.Contains([]string{".git", "node_modules", "vendor", "testdata", "bin"}, entry.Name()):
			return fs.SkipDir
		case !entry.Type().IsRegular(), entry.Name() == ".git": // a file in a linked worktree
			return nil
		case len(endings) == 0 || slices.Contains(endings, filepath.Ext(path)):
			paths = append(paths, filepath.ToSlash(path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}
