package dashboard

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/punctual-dev/punctual/store"
)

// findView is what the search finds.
type findView struct {
	Prefix string
	Query  string
	Places []foundPlace
}

// foundPlace is somewhere to go.
type foundPlace struct{ Name, Hint, Link string }

// places are the pages there are.
var places = []foundPlace{
	{"Overview", "page", "/"}, {"Schedules", "page", "/schedules"}, {"Runs", "page", "/runs"}, {"Load", "page", "/load"},
	{"Processes, queues and limits", "page", "/processes"}, {"Alerts, and who is told", "page", "/alerts"}, {"Activity", "page", "/activity"}, {"Failures nobody has seen", "page", "/runs?unseen=1"},
	{"New schedule", "page", "/schedules/new"},
}

// find finds schedules by words in their key or description, and pages; and by
// words in the key they had those that are called otherwise now, or are deleted.
func (s *site) find(w http.ResponseWriter, r *http.Request) error {
	const most = 8
	v := findView{Prefix: s.Prefix, Query: strings.TrimSpace(r.URL.Query().Get("q"))}
	if r.Header.Get("HX-Request") == "" {
		gone, err := s.gone(r.Context(), v.Query)
		if err != nil {
			return err
		}
		to := query(s.Prefix+"/schedules", "q", v.Query)
		if gone != nil {
			to = gone.Link
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
		return nil
	}
	for _, place := range places {
		if strings.Contains(strings.ToLower(place.Name), strings.ToLower(v.Query)) {
			v.Places = append(v.Places, foundPlace{place.Name, place.Hint, s.Prefix + place.Link})
		}
	}
	if v.Query != "" {
		found, err := s.Store.OverviewsWhere(r.Context(), store.OverviewFilter{Search: v.Query, Limit: most})
		if err != nil {
			return err
		}
		var schedules []foundPlace
		for _, one := range found {
			schedules = append(schedules, foundPlace{one.Key, whenInWords(one), s.Prefix + schedulePath(one.Key)})
		}
		former, err := s.formers(r.Context(), v.Query, most)
		if err != nil {
			return err
		}
		v.Places = slices.Concat(schedules, former, v.Places)
	}
	v.Places = v.Places[:min(len(v.Places), most)]
	return s.fragment(w, r, "found", "found", v)
}

// gone is where to read of a schedule that was called so, and is not any more; nil:
// none was, or one is.
func (s *site) gone(ctx context.Context, key string) (*foundPlace, error) {
	now, err := s.Store.Renamed(ctx, key)
	if err != nil || key == "" {
		return nil, err
	}
	if now != "" {
		return &foundPlace{key, "is called " + now + " now", s.Prefix + schedulePath(now)}, nil
	}
	deleted, err := s.Store.DeletedAt(ctx, key)
	if err != nil || deleted.IsZero() {
		return nil, err
	}
	return &foundPlace{key, "deleted at " + utc(deleted), s.Prefix + schedulePath(key)}, nil
}

// formers are where to read of schedules that had a name like some words, and do
// not have it any more.
func (s *site) formers(ctx context.Context, words string, most int) (all []foundPlace, err error) {
	found, err := s.Store.FormersLike(ctx, words, most)
	for _, one := range found {
		place := foundPlace{one.Key, "deleted at " + utc(one.At), s.Prefix + schedulePath(one.Key)}
		if one.Now != "" {
			place.Hint, place.Link = "is called "+one.Now+" now", s.Prefix+schedulePath(one.Now)
		}
		all = append(all, place)
	}
	return all, err
}
