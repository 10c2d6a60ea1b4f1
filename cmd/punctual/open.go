package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/punctual-dev/punctual/database"
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
	if err != nil {
		db.Close()
		return nil, err
	}
	return st, nil
}

// there says whether the database exists, as far as that can be told without
// making it.
func (s *settings) there() (bool, error) {
	path, ok := strings.CutPrefix(s.Database, "sqlite:")
	if !ok {
		return true, nil
	}
	_, err := os.Stat(strings.TrimPrefix(path, "//"))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
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
	text := fmt.Sprintf("%s %q: there is no such schedule", doing, key)
	if near := nearest(key, keys); near != "" {
		text += fmt.Sprintf("; did you mean %s?", near)
	}
	if past, err := st.Runs(a.Context, store.RunFilter{Key: key, Limit: 1}); err == nil && len(past) > 0 {
		return &exitError{Code: 1, Message: fmt.Sprintf("%[1]s %[2]q: it has been deleted; punctual runs list --schedule %[2]s shows its history", doing, key)}
	}
	if len(keys) == 0 {
		return &exitError{Code: 1, Message: text + "\n  There are no schedules at all yet: punctual apply reads them from the schedule file."}
	}
	return &exitError{Code: 1, Message: text + fmt.Sprintf("\n  punctual schedules list shows the %d there are.", len(keys))}
}

// nearest is the candidate that a mistyped word probably meant: one that it is
// a part of, or that few letters tell from it. Empty if none is near.
func nearest(word string, candidates []string) string {
	best, least := "", 1+max(1, len(word)/3)
	for _, candidate := range candidates {
		if d := letters(word, candidate); d < least {
			best, least = candidate, d
		}
	}
	if best != "" || len(word) < 3 {
		return best
	}
	if i := slices.IndexFunc(candidates, func(c string) bool { return strings.Contains(c, word) }); i >= 0 {
		return candidates[i]
	}
	return ""
}

// letters is how many letters have to be put in, taken out, replaced or swapped
// with their neighbour to make one word into another.
func letters(from, to string) int {
	rows := make([][]int, len(from)+1)
	for i := range rows {
		rows[i] = make([]int, len(to)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(from); i++ {
		for j := 1; j <= len(to); j++ {
			cost := 1
			if from[i-1] == to[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && from[i-1] == to[j-2] && from[i-2] == to[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(from)][len(to)]
}
