package pgtest_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/punctual-dev/punctual/internal/pgtest"
)

// childVariable makes this test binary behave as a program that uses pgtest, for
// the tests that watch such a program end.
const childVariable = "PGTEST_CHILD_DIR"

func TestMain(m *testing.M) {
	if dir, ok := os.LookupEnv(childVariable); ok {
		beChild(dir)
	}
	os.Exit(m.Run())
}

func beChild(dir string) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := pgtest.Run(ctx, os.Stdout, pgtest.Dir(dir)); err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	os.Exit(0)
}

func TestEveryDatabaseIsFreshAndEmpty(t *testing.T) {
	first, second := pgtest.New(t), pgtest.New(t)
	if first == second {
		t.Fatalf("New gave %s twice", first)
	}
	query(t, first, "CREATE TABLE mark (id int); SELECT 'made'")
	if got := query(t, second, "SELECT count(*)::text FROM pg_tables WHERE tablename = 'mark'"); got != "0" {
		t.Errorf("the second database sees %s tables of the first, want 0", got)
	}
}

func TestADatabaseIsDroppedWithItsTestEvenWhileSomeoneIsConnected(t *testing.T) {
	var address string
	t.Run("a test that forgets to close its connection", func(t *testing.T) {
		address = pgtest.New(t)
		connection, err := pgx.Connect(context.Background(), address)
		if err != nil {
			t.Fatal(err)
		}
		connection.Ping(context.Background())
	})
	if _, err := tryQuery(address, "SELECT 'alive'"); err == nil {
		t.Errorf("%s can still be reached after its test", address)
	}
}

func TestManyTestsAtOnceShareOneServer(t *testing.T) {
	const tests = 8
	addresses := make([]string, tests)
	var wait sync.WaitGroup
	for i := range addresses {
		wait.Go(func() { addresses[i] = pgtest.New(t) })
	}
	wait.Wait()
	ports := map[string]bool{}
	for _, address := range addresses {
		ports[parse(t, address).Port()] = true
	}
	if len(ports) != 1 {
		t.Errorf("%d tests got servers on ports %v, want one server", tests, ports)
	}
}

func TestCommitsOutliveEveryWayToStop(t *testing.T) {
	for name, stop := range map[string]func(*pgtest.Server){
		"fast":      func(s *pgtest.Server) { s.Stop(pgtest.Fast); s.Start() },
		"immediate": func(s *pgtest.Server) { s.Stop(pgtest.Immediate); s.Start() },
		"restart":   (*pgtest.Server).Restart,
	} {
		t.Run(name, func(t *testing.T) {
			server := pgtest.Start(t)
			before := server.URL()
			query(t, before, "CREATE TABLE kept AS SELECT 'kept' AS word; SELECT 'made'")
			stop(server)
			if server.URL() != before {
				t.Errorf("the URL changed from %s to %s", before, server.URL())
			}
			if got := query(t, server.URL(), "SELECT word FROM kept"); got != "kept" {
				t.Errorf("after the stop the table holds %q, want %q", got, "kept")
			}
		})
	}
}

func TestAServerThatMovesIsElsewhereWithAllThatWasCommitted(t *testing.T) {
	server, err := pgtest.Launch()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	before := server.URL()
	query(t, before, "CREATE TABLE kept AS SELECT 'kept' AS word; SELECT 'made'")
	if err := server.Move(); err != nil {
		t.Fatal(err)
	}
	if got := query(t, server.URL(), "SELECT word FROM kept"); got != "kept" {
		t.Errorf("after the move the table holds %q, want %q", got, "kept")
	}
	if _, err := tryQuery(before, "SELECT 'alive'"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a query to the old address gave %v, want a refused connection", err)
	}
}

func TestAStoppedServerAnswersNobodyAndStoppingTwiceIsHarmless(t *testing.T) {
	server := pgtest.Start(t)
	server.Stop(pgtest.Immediate)
	server.Stop(pgtest.Fast)
	if _, err := tryQuery(server.URL(), "SELECT 'alive'"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a query to a stopped server gave %v, want a refused connection", err)
	}
	server.Start()
	server.Start()
	query(t, server.URL(), "SELECT 'alive'")
}

func TestSettingsReachTheServer(t *testing.T) {
	cases := []struct {
		what   string
		change []pgtest.Option
		want   map[string]string
	}{
		{"quick unless told otherwise, but a commit is handed over at once", nil, map[string]string{
			"fsync": "off", "full_page_writes": "off", "synchronous_commit": "on",
			"max_connections": "200", "TimeZone": "America/St_Johns",
		}},
		{"durable, with a setting of the test", []pgtest.Option{pgtest.Durable(), pgtest.Setting("statement_timeout", "7s")}, map[string]string{
			"fsync": "on", "full_page_writes": "on", "statement_timeout": "7s",
		}},
	}
	for _, c := range cases {
		t.Run(c.what, func(t *testing.T) {
			server := pgtest.Start(t, c.change...)
			for name, want := range c.want {
				if got := query(t, server.URL(), "SHOW "+name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
		})
	}
}

func TestTheServerEndsHoweverItsProcessEnds(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL} {
		t.Run(s.String(), func(t *testing.T) {
			child, address := startChild(t, "")
			dir := query(t, address, "SHOW unix_socket_directories")
			child.Process.Signal(s)
			child.Wait()
			eventually(t, "the port is closed", func() bool {
				_, err := tryQuery(address, "SELECT 'alive'")
				return errors.Is(err, syscall.ECONNREFUSED)
			})
			eventually(t, dir+" is deleted", func() bool {
				_, err := os.Stat(dir)
				return errors.Is(err, os.ErrNotExist)
			})
		})
	}
}

func TestAServerInADirectoryOfItsOwnContinuesNextTime(t *testing.T) {
	dir, err := os.MkdirTemp("/tmp", "pgtest-kept-") // not t.TempDir, whose parents only we may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for _, want := range []string{"0", "1", "2"} {
		child, address := startChild(t, dir)
		got := query(t, address, "CREATE TABLE IF NOT EXISTS start (id int); SELECT count(*)::text FROM start")
		if got != want {
			t.Errorf("the directory remembers %s starts, want %s", got, want)
		}
		query(t, address, "INSERT INTO start VALUES (1); SELECT 'noted'")
		child.Process.Signal(os.Interrupt)
		if err := child.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "data", "postmaster.pid")); err == nil {
		t.Error("the last server was not shut down in order")
	}
}

func TestATakenPortIsReportedWithTheServersOwnWords(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	err = pgtest.Run(t.Context(), os.Stderr, pgtest.Port(taken.Addr().(*net.TCPAddr).Port))
	if err == nil || !strings.Contains(err.Error(), "Address already in use") {
		t.Errorf("starting on a taken port gave %v, want the server's log in the error", err)
	}
}

// startChild starts a program that holds a server and returns the server's URL.
func startChild(t *testing.T, dir string) (*exec.Cmd, string) {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(binary)
	child.Env = append(os.Environ(), childVariable+"="+dir)
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { child.Process.Kill() })
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatalf("reading the child's URL: %v", err)
	}
	return child, strings.TrimSpace(line)
}

func query(t *testing.T, address, statements string) string {
	t.Helper()
	got, err := tryQuery(address, statements)
	if err != nil {
		t.Fatalf("%s: %v", statements, err)
	}
	return got
}

// tryQuery runs statements, of which the last gives one text.
func tryQuery(address, statements string) (text string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	connection, err := pgx.Connect(ctx, address)
	if err != nil {
		return "", err
	}
	defer connection.Close(ctx)
	results, err := connection.PgConn().Exec(ctx, statements).ReadAll()
	if err != nil {
		return "", err
	}
	return string(results[len(results)-1].Rows[0][0]), nil
}

func parse(t *testing.T, address string) *url.URL {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited 10 s in vain until %s", what)
		}
	}
}
