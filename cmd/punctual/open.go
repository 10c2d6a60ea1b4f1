package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/internal/nearest"
	"github.com/punctual-dev/punctual/store"
)

// look opens the store for a command that works with what there is. It makes
// neither a database nor tables: a mistyped path would become an empty database
// that answers "there is nothing". Close its database when done.
func (s *settings) look(a *app) (*store.Store, error) {
	there, err := s.there()
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, s.nothingThere()
	}
	db, err := database.Open(a.Context, s.Database, database.Options{})
	if err != nil {
		return nil, err
	}
	st, err := store.Open(db)
	if err != nil {
		db.Close()
		return nil, err
	}
	ready, err := st.Migrated(a.Context)
	if err == nil && !ready {
		err = s.nothingThere()
	}
	if err == nil {
		err = outdated(a, st)
	}
	if err != nil {
		db.Close()
		return nil, err
	}
	return st, nil
}

// outdated refuses tables of an older version: a query may ask for what they lack.
func outdated(a *app, st *store.Store) error {
	old, err := st.Outdated(a.Context)
	if err != nil || !old {
		return err
	}
	return fmt.Errorf(`the tables in %s are those of an older version of punctual.
  punctual migrate   brings them up to date; so does every process of this version when it starts
  processes of the older version go on beside it`, st.Database().Location)
}

// there says whether the database exists, as far as that can be told without
// making it.
func (s *settings) there() (bool, error) {
	path, ok := strings.CutPrefix(s.Database, "sqlite:")
	if !ok {
		return true, nil
	}
	path = strings.TrimPrefix(path, "//")
	if _, err := os.Stat(filepath.Dir(path)); path == "" || path == ":memory:" || err != nil {
		return true, nil // to open it is refused, with the reason
	}
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("opening the database %s: it cannot be looked at: %w; its directory has to be open to the user that runs punctual", s.Database, reason(err))
	}
	return true, nil
}

// reason is why the operating system refused, without the call and the path, which
// are told in words beside it.
func reason(err error) error {
	if fault, ok := errors.AsType[*fs.PathError](err); ok {
		return fault.Err
	}
	return err
}

// errNothingThere says that there is no database, or none of ours.
var errNothingThere = errors.New("there are no tables of punctual yet")

func (s *settings) nothingThere() error {
	where := "in the Postgres database"
	if strings.HasPrefix(s.Database, "sqlite:") {
		where = "at " + s.Database
	}
	return fmt.Errorf(`%w %s.
  punctual apply   makes them, and puts the schedules of %s into them
  punctual start   does the same, and runs everything
  --database, or DATABASE_URL, names another database`, errNothingThere, where, s.Config)
}

// known adds to the error of an unknown key what was probably meant. doing is
// what was being done, as "pausing".
func known(a *app, st *store.Store, doing, key string, err error) error {
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	all, listErr := st.Overviews(a.Context, "")
	if listErr != nil {
		return err
	}
	keys := make([]string, len(all))
	for i, o := range all {
		keys[i] = o.Key
	}
	if renamed, err := st.Renamed(a.Context, key); err == nil && renamed != "" {
		return &exitError{Code: 1, Message: fmt.Sprintf("%s %q: it was renamed, and is %s now, with its history", doing, key, renamed)}
	}
	text := fmt.Sprintf("%s %q: there is no such schedule", doing, key)
	text += didYouMean(key, keys)
	if past, err := st.Runs(a.Context, store.RunFilter{Key: key, Limit: 1}); err == nil && len(past) > 0 {
		return &exitError{Code: 1, Message: fmt.Sprintf("%[1]s %[2]q: it has been deleted; punctual runs list --schedule %[2]s shows its history", doing, key)}
	}
	if len(keys) == 0 {
		return &exitError{Code: 1, Message: text + "\n  There are no schedules at all yet: punctual apply reads them from the schedule file."}
	}
	return &exitError{Code: 1, Message: text + fmt.Sprintf("\n  punctual schedules list shows the %d there are.", len(keys))}
}

// meant is the candidate that a mistyped word probably meant: one that it is
// a part of, or that few letters tell from it. Empty if none is near.
func meant(word string, candidates []string) string {
	if best := nearest.To(word, candidates); best != "" || len(word) < 3 {
		return best
	}
	if i := slices.IndexFunc(candidates, func(c string) bool { return strings.Contains(c, word) }); i >= 0 {
		return candidates[i]
	}
	return ""
}

// didYouMean asks, at the end of a complaint, whether the one near was meant. Empty if
// none is near.
func didYouMean(word string, allowed []string) string {
	if near := meant(word, allowed); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}
