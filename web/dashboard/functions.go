package dashboard

import (
	"html/template"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// functions are what templates may call.
func (s *site) functions() template.FuncMap {
	return template.FuncMap{
		"href":     func(path string) string { return s.Prefix + path },
		"asset":    func(name string) string { return s.Prefix + "/static/" + name + "?v=" + s.assets[name].version },
		"schedule": func(key string) string { return s.Prefix + schedulePath(key) },
		"at":       clockTime,
		"minute":   minute,
		"ago":      relative,
		"took":     took,
		"instant":  schedule.FormatInstant,
		"badge":    badge,
		"mark":     func(l look, word string) template.HTML { return mark(l, word) },
		"standing": func(st store.Standing) template.HTML { return mark(standingLook(st), string(st)) },
		"paused":   pauseWords,
		"owner":    ownerWords,
		"did":      actionText,
		"counted":  counted,
		"number":   grouped,
		"heat":     heatLine,
		"sentence": sentence,
		"lifeline": lifeline,
		"hour":     func(t time.Time) template.HTML { return timeElement(t, "hour", "15:04") },
		"percent":  percent,
		"link":     s.placeOf,
		"named":    func(name string, t tile) namedTile { return namedTile{name, t} },
		"rows":     func(p *page, rows any) rowsOf { return rowsOf{p, rows} },
		"heatmap":  func(rows []heatRow, most int) heatMap { return heatMap{rows, most} },
		"field":    fieldOf,
		"owners":   func() []string { return []string{schedule.OwnerFile, schedule.OwnerAPI, schedule.OwnerProgram} },
		"origins":  func() []string { return []string{"clock", "trigger", "backfill"} },
		"overlaps": func() []schedule.Overlap {
			return []schedule.Overlap{"", schedule.OverlapWait, schedule.OverlapQueue, schedule.OverlapCancel, schedule.OverlapAllow}
		},
		"catchups": func() []schedule.CatchUp { return []schedule.CatchUp{"", schedule.CatchUpAll, schedule.CatchUpNone} },
	}
}

// place is a link of the navigation.
type place struct {
	Href, Text string
	Current    bool
}

func (s *site) placeOf(p *page, path, text string) place {
	return place{s.Prefix + path, text, p.Section == path}
}

// namedTile is a tile under its name.
type namedTile struct {
	Name string
	T    tile
}

// rowsOf are rows of a table with the page around them.
type rowsOf struct {
	*page
	Rows any
}

// Back is the page to return to after an action on a row.
func (r rowsOf) Back() string { return r.Path }

// heatMap is the lines of a heat map, and the most that a cell of it has.
type heatMap struct {
	Rows []heatRow
	Most int
}

// formField is a field of a form with its label.
type formField struct{ Name, Label, Value, Hint string }

func fieldOf(f fields, name, label, hint string) formField {
	return formField{name, label, f[name], hint}
}

// grouped is a number with its thousands apart.
func grouped(n int) string {
	digits := strings.TrimPrefix(strconv.Itoa(n), "-")
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "\u202f" + digits[i:]
	}
	if n < 0 {
		return "−" + digits
	}
	return digits
}

// query is an address with some parameters, without the empty ones.
func query(path string, pairs ...string) string {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			values.Set(pairs[i], pairs[i+1])
		}
	}
	if len(values) == 0 {
		return path
	}
	return path + "?" + values.Encode()
}
