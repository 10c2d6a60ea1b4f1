package watch

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"net/smtp"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/alert"
	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/internal/pgtest"
	"github.com/punctual-dev/punctual/internal/webhook"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

var nine = time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)

var message = alert.NewMessage([]alert.Change{{Schedule: "report", Kind: alert.Failing, Raised: true, Since: nine, Detail: "a job failed: exit code 1 — ☠"}}, nine)

func delivery(t *testing.T, recipient string) alert.Delivery {
	t.Helper()
	body, err := json.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	return alert.Delivery{ID: 7, At: nine, Recipient: recipient, Body: string(body), Tries: 1}
}

// sender is a watch that only sends.
func sender(t *testing.T, environment map[string]string) *watch {
	return newWatch(nil, nil, Options{
		Directory: t.TempDir(), Logger: slog.New(slog.DiscardHandler), Transient: func(error) bool { return false },
		Variable: func(name string) (string, bool) { value, set := environment[name]; return value, set },
	})
}

func to(r alert.Recipient) alert.Settings {
	return alert.Settings{To: map[string]alert.Recipient{"ops": r}}
}

func TestAWebhookIsPostedSignedAndWithTheSameIDAtEveryTry(t *testing.T) {
	var requests []*http.Request
	var bodies []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		requests, bodies = append(requests, r), append(bodies, string(body))
	}))
	defer server.Close()
	w := sender(t, map[string]string{"HOOK": "/hook/s3cret", "SECRET": "whsec_c2VjcmV0", "KEY": "k3y"})
	s := to(alert.Recipient{Webhook: server.URL + "${HOOK}", SignWith: "SECRET", Headers: map[string]string{"X-Key": "${KEY}"}})
	for range 2 {
		if err := w.sendOne(t.Context(), s, delivery(t, "ops")); err != nil {
			t.Fatal(err)
		}
	}
	for i, r := range requests {
		seconds, err := time.ParseDuration(r.Header.Get("Webhook-Timestamp") + "s")
		if err != nil {
			t.Fatal(err)
		}
		again := httptest.NewRequest("POST", "/", nil)
		webhook.Sign(again, []byte("secret"), r.Header.Get("Webhook-Id"), bodies[i], time.Unix(0, 0).Add(seconds))
		if got, want := r.Header.Get("Webhook-Signature"), again.Header.Get("Webhook-Signature"); got != want {
			t.Errorf("the signature is %q, want %q", got, want)
		}
	}
	first := requests[0]
	if first.Method != "POST" || first.URL.Path != "/hook/s3cret" || first.Header.Get("X-Key") != "k3y" || first.Header.Get("Content-Type") != "application/json" {
		t.Errorf("it was asked %s %s with %v", first.Method, first.URL, first.Header)
	}
	if id := first.Header.Get("Webhook-Id"); id == "" || id != requests[1].Header.Get("Webhook-Id") {
		t.Errorf("the ids are %q and %q", id, requests[1].Header.Get("Webhook-Id"))
	}
	var got alert.Message
	if err := json.Unmarshal([]byte(bodies[0]), &got); err != nil || got.Alerts[0].Schedule != "report" || !got.Alerts[0].Raised || !strings.Contains(got.Text, "report is failing") {
		t.Errorf("the message is %s (%v)", bodies[0], err)
	}
}

func TestWhatIsNotTakenIsAnErrorThatNamesNoSecret(t *testing.T) {
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "channel_not_found", http.StatusNotFound)
	}))
	defer refusing.Close()
	redirecting := httptest.NewServer(http.RedirectHandler(refusing.URL, http.StatusFound))
	defer redirecting.Close()
	environment := map[string]string{"ID": "s3cret", "EMPTY": ""}
	tests := []struct {
		name      string
		recipient alert.Recipient
		says      string
	}{
		{"refused", alert.Recipient{Webhook: refusing.URL + "/${ID}"}, "answered with 404 Not Found channel_not_found"},
		{"redirected", alert.Recipient{Webhook: redirecting.URL + "/${ID}"}, "answered with 302 Found"},
		{"nobody there", alert.Recipient{Webhook: "http://127.0.0.1:1/${ID}"}, "connection refused"},
		{"not set", alert.Recipient{Webhook: refusing.URL + "/${NOBODY}"}, "not set in the process's environment: ${NOBODY}"},
		{"no secret", alert.Recipient{Webhook: refusing.URL, SignWith: "EMPTY"}, "EMPTY, which is to sign the request, is empty in the process's environment"},
		{"a command", alert.Recipient{Run: &schedule.Command{Shell: "echo no pager; exit 3"}}, "exit status 3 no pager"},
		{"no program", alert.Recipient{Run: &schedule.Command{Program: []string{"./not-there"}}}, "not-there"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := sender(t, environment).sendOne(t.Context(), to(test.recipient), delivery(t, "ops"))
			if err == nil || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("it ends with %v, want %q and no secret", err, test.says)
			}
		})
	}
}

func TestACommandIsToldInItsEnvironmentAndOnItsInput(t *testing.T) {
	for name, run := range map[string]*schedule.Command{
		"a line for the shell": {Shell: `{ echo "$PUNCTUAL_ALERT_SUBJECT|$PUNCTUAL_ALERT_SCHEDULE|$PUNCTUAL_ALERT_KIND|$PUNCTUAL_ALERT_STATE"; echo "$PUNCTUAL_ALERT_TEXT"; cat; } > told`},
		"a program":            {Program: []string{"sh", "-c", `{ echo "$PUNCTUAL_ALERT_SUBJECT|$PUNCTUAL_ALERT_SCHEDULE|$PUNCTUAL_ALERT_KIND|$PUNCTUAL_ALERT_STATE"; echo "$PUNCTUAL_ALERT_TEXT"; cat; } > told`}},
	} {
		t.Run(name, func(t *testing.T) {
			w, d := sender(t, nil), delivery(t, "ops")
			if err := w.sendOne(t.Context(), to(alert.Recipient{Run: run}), d); err != nil {
				t.Fatal(err)
			}
			told, err := os.ReadFile(filepath.Join(w.Directory, "told"))
			if want := "report is failing|report|failing|raised\n" + message.Text + "\n" + d.Body; err != nil || string(told) != want {
				t.Errorf("it was told %q, want %q (%v)", told, want, err)
			}
		})
	}
}

// mailbox is a server that takes mail: what it was told, line by line.
type mailbox struct {
	mu    sync.Mutex
	lines []string
}

// takeMail answers one connection after another as a server without TLS does.
func takeMail(t *testing.T) (address string, box *mailbox) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	box = &mailbox{}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			box.serve(connection)
		}
	}()
	return listener.Addr().String(), box
}

func (b *mailbox) serve(connection net.Conn) {
	defer connection.Close()
	say := func(line string) { _, _ = io.WriteString(connection, line+"\r\n") }
	say("220 here")
	inData := false
	for lines := bufio.NewScanner(connection); lines.Scan(); {
		line := lines.Text()
		b.mu.Lock()
		b.lines = append(b.lines, line)
		b.mu.Unlock()
		verb, _, _ := strings.Cut(line, " ")
		switch {
		case inData && line == ".":
			inData = false
			say("250 taken")
		case inData:
		case verb == "EHLO":
			say("250-here\r\n250 AUTH PLAIN")
		case verb == "DATA":
			inData = true
			say("354 go on")
		case verb == "RCPT" && strings.Contains(line, "nobody@"):
			say("550 no such user")
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func (b *mailbox) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.lines, "\n")
}

func TestMailIsHandedToAServerAndCanBeReadByAnybody(t *testing.T) {
	server, box := takeMail(t)
	s := to(alert.Recipient{Mail: []string{"ops@example.org", "Ada <ada@example.org>"}})
	s.Mail = &alert.MailServer{Server: server, From: "Punctual <punctual@example.org>"}
	if err := sender(t, nil).sendOne(t.Context(), s, delivery(t, "ops")); err != nil {
		t.Fatal(err)
	}
	text := box.text()
	for _, line := range []string{"MAIL FROM:<punctual@example.org>", "RCPT TO:<ops@example.org>", "RCPT TO:<ada@example.org>"} {
		if !strings.Contains(text, line) {
			t.Errorf("it was not told %s:\n%s", line, text)
		}
	}
	_, letter, _ := strings.Cut(text, "DATA\n")
	read, err := mail.ReadMessage(strings.NewReader(letter))
	if err != nil {
		t.Fatal(err)
	}
	if got := read.Header.Get("Subject"); got != "punctual: report is failing" {
		t.Errorf("the subject is %q", got)
	}
	body, _ := io.ReadAll(read.Body)
	if !strings.Contains(string(body), "exit code 1 =E2=80=94 =E2=98=A0") || read.Header.Get("Content-Transfer-Encoding") != "quoted-printable" {
		t.Errorf("the text is %s", body)
	}
	for _, c := range []struct {
		name, says string
		change     func(*alert.Settings)
	}{
		{"an unknown address", "no such user", func(s *alert.Settings) { s.To["ops"] = alert.Recipient{Mail: []string{"nobody@example.org"}} }},
		{"no server there", "connection refused", func(s *alert.Settings) { s.Mail = &alert.MailServer{Server: "127.0.0.1:1", From: "p@example.org"} }},
		{"a password that is not set", "${SMTP_PASSWORD}", func(s *alert.Settings) { s.Mail.User, s.Mail.Password = "punctual", "${SMTP_PASSWORD}" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := to(alert.Recipient{Mail: []string{"ops@example.org"}})
			s.Mail = &alert.MailServer{Server: server, From: "punctual@example.org"}
			c.change(&s)
			if err := sender(t, nil).sendOne(t.Context(), s, delivery(t, "ops")); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("it ends with %v, want %q", err, c.says)
			}
		})
	}
}

func TestAPasswordIsNotSentOverAConnectionThatIsNotEncrypted(t *testing.T) {
	here, there := net.Pipe()
	defer here.Close()
	box := &mailbox{}
	go box.serve(there)
	client, err := smtp.NewClient(here, "mail.example.org")
	if err != nil {
		t.Fatal(err)
	}
	if err := greet(client, "mail.example.org", "punctual", "s3cret"); err == nil || !strings.Contains(err.Error(), "unencrypted") {
		t.Errorf("it ends with %v", err)
	}
	if strings.Contains(box.text(), "AUTH") {
		t.Errorf("the server was told %s", box.text())
	}
}

func TestAServerWhoseCertificateNobodyKnowsIsGivenNothing(t *testing.T) {
	certified := httptest.NewTLSServer(http.NotFoundHandler())
	defer certified.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	box := &mailbox{}
	go func() {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		_, _ = io.WriteString(connection, "220 here\r\n")
		lines := bufio.NewReader(connection)
		_, _ = lines.ReadString('\n')
		_, _ = io.WriteString(connection, "250-here\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n")
		_, _ = lines.ReadString('\n')
		_, _ = io.WriteString(connection, "220 go on\r\n")
		box.serve(tls.Server(connection, certified.TLS))
	}()
	s := to(alert.Recipient{Mail: []string{"ops@example.org"}})
	s.Mail = &alert.MailServer{Server: listener.Addr().String(), From: "punctual@example.org", User: "punctual", Password: "${PASSWORD}"}
	err = sender(t, map[string]string{"PASSWORD": "s3cret"}).sendOne(t.Context(), s, delivery(t, "ops"))
	if err == nil || !strings.Contains(err.Error(), "certificate") || box.text() != "" {
		t.Errorf("it ends with %v, and the server was told %q", err, box.text())
	}
}

// house is a database, the time that it goes by, and a receiver of messages.
type house struct {
	*testing.T
	address string
	hook    *httptest.Server

	mu    sync.Mutex
	now   time.Time
	told  []string // id and text of each message
	pings int
	deaf  bool // the receiver refuses
}

func newHouse(t *testing.T, address string) *house {
	h := &house{T: t, address: address, now: nine}
	h.hook = httptest.NewServer(h)
	t.Cleanup(h.hook.Close)
	if err := h.open().Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return h
}

// ServeHTTP implements http.Handler.
func (h *house) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r.URL.Path == "/ping" {
		h.pings++
		return
	}
	var m alert.Message
	err := json.NewDecoder(r.Body).Decode(&m)
	if h.told = append(h.told, r.Header.Get("Webhook-Id")+" "+m.Text); err != nil || h.deaf {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

// take is what was told since it was asked last.
func (h *house) take() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	told := h.told
	h.told = nil
	return told
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) advance(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func (h *house) open() *store.Store {
	h.Helper()
	db, err := database.Open(h.Context(), h.address, database.Options{Now: h.clock})
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(db.Close)
	s, err := store.Open(db)
	if err != nil {
		h.Fatal(err)
	}
	return s
}

// watch is one of many processes.
func (h *house) watch(post func(*store.Store) Post) *watch {
	s := h.open()
	return newWatch(s, post(s), Options{
		Ways: []string{alert.ByWebhook}, Logger: slog.New(slog.DiscardHandler), Transient: s.Transient,
		Variable: func(string) (string, bool) { return "s3cret", true },
	})
}

func itself(s *store.Store) Post { return s }

// turnAll has processes turn at once, until nobody has anything to do.
func (h *house) turnAll(watches ...*watch) {
	h.Helper()
	var wg sync.WaitGroup
	for _, w := range watches {
		wg.Go(func() {
			if err := w.turn(h.Context()); err != nil && !errors.Is(err, errDied) {
				h.Error(err)
			}
		})
	}
	wg.Wait()
}

// declare has a schedule that is due every hour, and somebody who is told.
func (h *house) declare() *store.Store {
	h.Helper()
	s := h.open()
	d := schedule.Declaration{
		Key: "report", When: calendar.When{Expressions: []string{"hourly at :00"}},
		Job: schedule.Job{Run: &schedule.Command{Shell: "true"}}, Policies: schedule.DefaultPolicies(),
	}
	_, err := s.Apply(h.Context(), []schedule.Declaration{d}, store.ApplyOptions{
		PlanOptions: schedule.PlanOptions{Owner: schedule.Owner{Kind: schedule.OwnerFile, Name: "punctual.yaml"}}, Actor: "test",
		Alerts: &alert.Settings{
			Late: schedule.Duration(time.Minute), To: map[string]alert.Recipient{"ops": {Webhook: h.hook.URL, SignWith: "SECRET"}},
			Ping: h.hook.URL + "/ping", PingEvery: schedule.Duration(time.Minute),
		},
	})
	if err != nil {
		h.Fatal(err)
	}
	return s
}

// tick has a clock decide what is due.
func (h *house) tick(s *store.Store) {
	h.Helper()
	for _, lane := range []schedule.Lane{schedule.LaneOnTime, schedule.LaneLate} {
		b, err := s.Due(h.Context(), schedule.Wanted{Lane: lane, Limit: 10})
		if err == nil && len(b.Candidates) > 0 {
			_, err = s.Commit(h.Context(), b, schedule.DecideBatch(b.Candidates, b.Groups))
		}
		if err != nil {
			h.Fatal(err)
		}
	}
}

var errDied = errors.New("the process died")

// dying is a process that dies when it has sent a message, before it writes that
// down.
type dying struct{ *store.Store }

func (dying) EndDelivery(context.Context, alert.Delivery, string, time.Time) error { return errDied }

func onBoth(t *testing.T, test func(*house)) {
	t.Run("SQLite", func(t *testing.T) { test(newHouse(t, "sqlite:"+filepath.Join(t.TempDir(), "a.db"))) })
	t.Run("Postgres", func(t *testing.T) { test(newHouse(t, pgtest.New(t))) })
}

func TestManyProcessesTellEachChangeOnceAlsoAfterARestart(t *testing.T) {
	onBoth(t, func(h *house) {
		clock := h.declare()
		all := []*watch{h.watch(itself), h.watch(itself), h.watch(itself)}
		h.advance(time.Hour + 30*time.Second)
		h.turnAll(all...)
		if told := h.take(); len(told) > 0 {
			h.Fatalf("half a minute late it is told %v", told)
		}
		h.advance(30 * time.Second)
		h.turnAll(all...)
		if told := h.take(); len(told) != 1 || !strings.Contains(told[0], "report is late") {
			h.Fatalf("a minute late it is told %v", told)
		}
		for range 3 { // restarted
			h.advance(alert.LookEvery)
			h.turnAll(h.watch(itself), h.watch(itself))
		}
		if told := h.take(); len(told) > 0 {
			h.Fatalf("later it is told %v", told)
		}
		h.tick(clock)
		h.advance(alert.LookEvery)
		h.turnAll(all...)
		h.advance(alert.LookEvery)
		h.turnAll(all...)
		if told := h.take(); len(told) != 1 || !strings.Contains(told[0], "report is no longer late") {
			h.Fatalf("after it was decided it is told %v", told)
		}
	})
}

func TestAMessageWhoseSenderDiedIsSentAgainUnderItsID(t *testing.T) {
	onBoth(t, func(h *house) {
		h.declare()
		h.advance(time.Hour + time.Minute)
		h.turnAll(h.watch(func(s *store.Store) Post { return dying{s} }))
		first := h.take()
		h.advance(time.Minute)
		other := h.watch(itself)
		h.turnAll(other)
		if told := h.take(); len(first) != 1 || len(told) != 0 {
			h.Fatalf("the sender told %v, and in its time another %v", first, told)
		}
		h.advance(2 * time.Minute)
		h.turnAll(other)
		if told := h.take(); len(told) != 1 || told[0] != first[0] {
			h.Fatalf("another process tells %v, want %v again", told, first)
		}
		h.advance(time.Hour)
		h.turnAll(other)
		if told := h.take(); len(told) != 0 {
			h.Fatalf("after it was sent it is sent again: %v", told)
		}
	})
}

func TestAMessageThatIsRefusedIsTriedUntilItIsTaken(t *testing.T) {
	onBoth(t, func(h *house) {
		h.declare()
		w := h.watch(itself)
		h.deaf = true
		h.advance(time.Hour + time.Minute)
		for range 4 {
			h.turnAll(w)
			h.advance(time.Minute)
		}
		refused := h.take()
		if len(refused) != 4 {
			h.Fatalf("in four minutes it was tried %d times", len(refused))
		}
		h.deaf = false
		h.turnAll(w)
		if told := h.take(); len(told) != 1 || told[0] != refused[0] {
			h.Fatalf("it tells %v, want %v", told, refused[0])
		}
	})
}

func TestTheOutsideMonitorIsPingedOnlyWhileTheClocksKeepTime(t *testing.T) {
	onBoth(t, func(h *house) {
		h.declare()
		all := []*watch{h.watch(itself), h.watch(itself)}
		for range 10 {
			h.turnAll(all...)
			h.advance(time.Minute)
		}
		if h.pings != 10 {
			h.Errorf("in ten minutes it was pinged %d times", h.pings)
		}
		h.advance(time.Hour) // something is due, and no clock is alive
		h.turnAll(all...)
		if h.pings != 10 {
			h.Error("it is pinged although no clock keeps time")
		}
	})
}
