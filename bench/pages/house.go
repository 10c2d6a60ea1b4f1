package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/internal/pgtest"
	"github.com/punctual-dev/punctual/store"
	"github.com/punctual-dev/punctual/web"
)

// token is what the pages are asked for with.
const token = "the-token-of-the-measurement"

// house is a full database and the web process over it.
type house struct {
	size
	db      *database.Database
	store   *store.Store
	web     http.Handler
	server  *pgtest.Running // nil on SQLite
	folder  string          // to be removed
	address string
}

// openHouse fills a database, or takes one that was kept.
func openHouse(ctx context.Context, kind string, s size, keep string) (*house, error) {
	h := &house{size: s}
	folder := keep
	if keep == "" {
		var err error
		if h.folder, err = os.MkdirTemp("", "punctual-pages-"); err != nil {
			return h, err
		}
		folder = h.folder
	}
	name := filepath.Join(folder, fmt.Sprintf("%s-%d-%d", kind, s.schedules, s.rows))
	h.address = "sqlite:" + name + ".db"
	if kind == "postgres" {
		options := []pgtest.Option{pgtest.Durable()}
		if keep != "" {
			options = append(options, pgtest.Dir(name))
		}
		var err error
		if h.server, err = pgtest.Launch(options...); err != nil {
			return h, err
		}
		h.address = h.server.URL()
	}
	filled := name + ".filled"
	if _, err := os.Stat(filled); err != nil {
		began := time.Now()
		if err := fill(ctx, h.address, s); err != nil {
			return h, fmt.Errorf("filling the database: %w", err)
		}
		if err := os.WriteFile(filled, nil, 0o644); err != nil {
			return h, err
		}
		fmt.Fprintf(os.Stderr, "pages: %s with %d schedules and %d rows filled in %s\n", kind, s.schedules, s.rows, time.Since(began).Round(time.Second))
	}
	var err error
	if h.db, err = database.Open(ctx, h.address, database.Options{}); err != nil {
		return h, err
	}
	if h.store, err = store.Open(h.db); err != nil {
		return h, err
	}
	if err := h.store.Migrate(ctx); err != nil { // one that was kept may be of before
		return h, err
	}
	h.web = web.Handler(web.Options{
		Store: h.store, Token: token, AllowCommands: true, Version: "measured",
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	return h, nil
}

func (h *house) close() {
	if h.db != nil {
		h.db.Close()
	}
	if h.server != nil {
		h.server.Close()
	}
	if h.folder != "" {
		os.RemoveAll(h.folder)
	}
}

// patience is how long a page is asked for in all: one that is far from its goal
// is known soon.
const patience = 10 * time.Second

// ask asks for every page in turn, so that a noisy moment falls on all of them,
// and gives the milliseconds that the answers took.
func (h *house) ask(ctx context.Context, pages []page, samples int, profile string) (map[string][]float64, error) {
	took, spent := map[string][]float64{}, map[string]time.Duration{}
	for i := range samples + 1 {
		if i == 1 && profile != "" {
			file, err := os.Create(profile)
			if err != nil {
				return nil, err
			}
			if err := pprof.StartCPUProfile(file); err != nil {
				return nil, err
			}
			defer pprof.StopCPUProfile()
		}
		if err := h.beat(ctx); err != nil {
			return nil, err
		}
		for _, p := range pages {
			if spent[p.name] > patience && i > 4 {
				continue
			}
			path := p.path(i)
			span, err := h.one(ctx, path, p.fragment)
			if err != nil {
				return nil, fmt.Errorf("asking for %s: %w", path, err)
			}
			spent[p.name] += span
			if i > 0 { // the first reads files and makes plans
				took[p.name] = append(took[p.name], span.Seconds()*1000)
			}
		}
	}
	return took, nil
}

// one asks for a page.
func (h *house) one(ctx context.Context, path string, fragment bool) (time.Duration, error) {
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	if fragment {
		r.Header.Set("HX-Request", "true")
	}
	w := httptest.NewRecorder()
	runtime.GC() // what the page before left is not to be swept on this one's time
	began := time.Now()
	h.web.ServeHTTP(w, r)
	span := time.Since(began)
	// A clock does not run, so what falls due meanwhile makes the health ill.
	switch {
	case w.Code == http.StatusServiceUnavailable && path != floor:
		fmt.Fprintf(os.Stderr, "pages: %s is not answered after %s\n", path, span.Round(time.Millisecond))
	case w.Code != http.StatusOK && path != floor:
		return 0, fmt.Errorf("the answer is %d: %.300s", w.Code, w.Body)
	}
	if w.Body.Len() == 0 {
		return 0, errors.New("the answer is empty")
	}
	return span, nil
}

// beat keeps the processes alive that the database tells of.
func (h *house) beat(ctx context.Context) error {
	for _, p := range processes {
		p.TickAt = time.Now()
		if _, err := h.store.Beat(ctx, p); err != nil {
			return err
		}
	}
	return nil
}
