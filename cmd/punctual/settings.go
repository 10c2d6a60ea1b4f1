package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"

	"github.com/punctual-dev/punctual"
	"github.com/punctual-dev/punctual/config"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// settings are shared by all commands. Flags beat the environment, which beats
// the default.
type settings struct {
	Config    string `group:"settings" help:"The schedule file (punctual.yaml)." env:"PUNCTUAL_CONFIG" default:"punctual.yaml" placeholder:"FILE"`
	Database  string `group:"settings" help:"The database: postgres://… or sqlite:PATH (sqlite:punctual.db)." env:"DATABASE_URL" default:"sqlite:punctual.db" placeholder:"URL"`
	Env       string `group:"settings" help:"The environment this is, compared with enabled_in." env:"PUNCTUAL_ENV" placeholder:"NAME"`
	LogFormat string `group:"settings" help:"How processes log: text or json." enum:"text,json" default:"text" env:"PUNCTUAL_LOG_FORMAT" placeholder:"text"`
}

// The defaults of settings. A variable that is set to nothing, as process
// managers pass on what they do not have, asks for them too.
const (
	defaultConfig   = "punctual.yaml"
	defaultDatabase = "sqlite:punctual.db"
)

// AfterApply is called once flags and environment have been read.
func (s *settings) AfterApply() error {
	s.Config, s.Database = cmp.Or(s.Config, defaultConfig), cmp.Or(s.Database, defaultDatabase)
	return nil
}

// logger writes to w as the settings say.
func (s *settings) logger(w io.Writer) *slog.Logger {
	if s.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, nil))
	}
	return slog.New(slog.NewTextHandler(w, nil))
}

// open connects to the database and brings its tables up to date.
func (s *settings) open(ctx context.Context, a *app, options ...punctual.Option) (*punctual.Punctual, error) {
	log := s.logger(a.Stderr)
	options = append([]punctual.Option{punctual.Logger(log), punctual.Directory(s.directory())}, options...)
	return punctual.Open(ctx, s.Database, options...)
}

// directory is where commands run: that of the schedule file, if there is one.
func (s *settings) directory() string {
	if _, err := os.Stat(s.Config); err != nil {
		return ""
	}
	return filepath.Dir(s.Config)
}

// load reads the schedule file.
func (s *settings) load(a *app) (*config.File, error) {
	return config.Load(s.Config, config.Options{Environment: s.Env})
}

// owner is who owns what the schedule file declares. The path does not matter:
// the same file lies elsewhere on each machine.
func (s *settings) owner(file *config.File) schedule.Owner { return ownerOf(file, s.Config) }

func ownerOf(file *config.File, path string) schedule.Owner {
	return schedule.Owner{Kind: schedule.OwnerFile, Name: cmp.Or(file.Owner, filepath.Base(path))}
}

// actor is the operating system's user, as author of what is done by hand.
func actor() store.Actor {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return store.Actor(u.Username)
	}
	return store.Actor(fmt.Sprintf("uid %d", os.Getuid()))
}
