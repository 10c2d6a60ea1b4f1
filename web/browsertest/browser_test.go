// Package browsertest walks through the dashboard in a real browser, over real
// processes on both databases.
package browsertest

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/punctual-dev/punctual"
	"github.com/punctual-dev/punctual/config"
	"github.com/punctual-dev/punctual/internal/debian"
	"github.com/punctual-dev/punctual/internal/pgtest"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
	"github.com/punctual-dev/punctual/web"
)

// patience is how long a test waits for what has to come.
const patience = 30 * time.Second

// visit is a browser before the dashboard of a house in which all processes run.
type visit struct {
	*testing.T
	*store.Store
	ctx context.Context
	url string
}

// onBoth runs a test on both databases.
func onBoth(t *testing.T, file string, test func(*visit)) {
	t.Helper()
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			address := "sqlite:" + filepath.Join(t.TempDir(), "punctual.db")
			if kind == "postgres" {
				address = pgtest.New(t)
			}
			test(open(t, address, file))
		})
	}
}

// open starts clock, worker and web over an empty database, with the schedules
// of a file, and a browser.
func open(t *testing.T, address, file string) *visit {
	t.Helper()
	p, err := punctual.Open(t.Context(), address, punctual.Logger(slog.New(slog.DiscardHandler)), punctual.Directory(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	read, err := config.Parse("punctual.yaml", []byte(file), config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Store().Apply(t.Context(), read.Schedules, store.ApplyOptions{
		PlanOptions: schedule.PlanOptions{Owner: schedule.Owner{Kind: schedule.OwnerFile, Name: "punctual.yaml"}}, Limits: read.Limits, Alerts: &read.Alerts, Actor: "ada",
	})
	if err != nil {
		t.Fatal(err)
	}
	v := &visit{T: t, Store: p.Store()}
	listening := make(chan net.Addr, 1)
	serve := func(ctx context.Context) error {
		return web.Run(ctx, web.Options{
			Address: "127.0.0.1:0", Store: p.Store(), Local: "ada", AllowCommands: true, Version: "1.2.3",
			Logger: slog.New(slog.DiscardHandler), Listening: func(at net.Addr) { listening <- at },
		})
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- punctual.RunTogether(ctx, p.RunClock, p.RunWorker, func(ctx context.Context) error { return p.RunWeb(ctx, serve) })
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the processes ended with: %v", err)
		}
	})
	select {
	case at := <-listening:
		v.url = "http://" + at.String()
	case <-time.After(patience):
		t.Fatal("the web process does not listen")
	}
	v.ctx = browser(t)
	return v
}

// browser is a fresh one; Chromium is installed where it is missing and may be.
func browser(t *testing.T) context.Context {
	t.Helper()
	path, err := debian.Find("chromium", "chromium", "chromium-browser", "google-chrome", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
	if err != nil {
		t.Fatalf("these tests need Chromium or Chrome: %v", err)
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(patience),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("hide-scrollbars", true))
	ctx, end := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		end()
		stop()
	})
	if _, err := chromedp.Run(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// try runs an action for as long as patience goes.
func try[V any](v *visit, action chromedp.Action[V]) (V, error) {
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, action)
}

// goTo opens a page.
func (v *visit) goTo(path string) {
	v.Helper()
	if _, err := try(v, chromedp.Navigate(v.url+path)); err != nil {
		v.Fatalf("opening %s: %v", path, err)
	}
}

// await waits until an expression is true, over reloads and other pages.
func (v *visit) await(what, expression string) {
	v.Helper()
	var last error
	for limit := time.Now().Add(patience); time.Now().Before(limit); {
		var ok bool
		if ok, last = try(v, chromedp.Evaluate[bool]("Boolean("+expression+")")); ok {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	text, _ := try(v, chromedp.Evaluate[string]("location.href + '\\n' + document.body.innerText"))
	v.Fatalf("%s did not come (%v); the page says:\n%s", what, last, text)
}

// sees waits until the page shows a text.
func (v *visit) sees(text string) {
	v.Helper()
	v.await(fmt.Sprintf("the text %q", text), fmt.Sprintf("document.body.innerText.includes(%q)", text))
}

// click presses what a selector, and a text in it, name.
func (v *visit) click(selector, text string) {
	v.Helper()
	v.await(fmt.Sprintf("%s %q to press", selector, text), fmt.Sprintf(
		"(() => { const found = [...document.querySelectorAll(%q)].find(e => e.textContent.includes(%q)); if (found) found.click(); return found; })()", selector, text))
}

// write fills a field, as somebody who types does.
func (v *visit) write(selector, text string) {
	v.Helper()
	v.await("the field "+selector, fmt.Sprintf(
		"(() => { const f = document.querySelector(%q); if (!f) return false; f.focus(); f.value = %q; f.dispatchEvent(new Event('input', {bubbles: true})); f.dispatchEvent(new Event('change', {bubbles: true})); return true; })()", selector, text))
}

// look sets the size of the window and the colours somebody prefers.
func (v *visit) look(width, height int64, scheme string) {
	v.Helper()
	set := func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return chromedp.Void{}, err
	}
	if _, err := try(v, chromedp.EmulateViewport(width, height)); err != nil {
		v.Fatal(err)
	}
	if _, err := try(v, chromedp.Action[chromedp.Void](set)); err != nil {
		v.Fatal(err)
	}
}

// picture keeps what the browser shows, where PUNCTUAL_SCREENSHOTS names a
// folder.
func (v *visit) picture(name string) {
	folder := os.Getenv("PUNCTUAL_SCREENSHOTS")
	if folder == "" {
		return
	}
	image, err := try(v, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".png"), image, 0o644)
	}
	if err != nil {
		v.Fatal(err)
	}
}

// consoleFaults gathers from now on what the browser complains of: exceptions,
// and what the policy of a page or the network refused.
func (v *visit) consoleFaults() (so func() []string) {
	var mu sync.Mutex
	var faults []string
	messages := chromedp.Console(v.ctx)
	go func() {
		for message, err := range messages {
			if err != nil {
				return
			}
			if message.IsException() || message.Type == "error" || message.Type == "warning" {
				mu.Lock()
				faults = append(faults, message.String())
				mu.Unlock()
			}
		}
	}()
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(faults)
	}
}

// violations are what axe finds wrong with a page.
func (v *visit) violations() []string {
	v.Helper()
	source, err := os.ReadFile("testdata/axe.min.js")
	if err != nil {
		v.Fatal(err)
	}
	if _, err := try(v, chromedp.Evaluate[chromedp.Void](string(source))); err != nil {
		v.Fatal(err)
	}
	found, err := try(v, chromedp.Evaluate[[]string](`axe.run().then(r => r.violations.map(v => v.id + ": " + v.help + "\n" + v.nodes.map(n => n.html + " " + n.failureSummary).join("\n")))`, chromedp.EvalAwaitPromise))
	if err != nil {
		v.Fatal(err)
	}
	for i := range found {
		found[i] = strings.TrimSpace(found[i])
	}
	return found
}
