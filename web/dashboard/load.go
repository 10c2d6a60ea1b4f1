package dashboard

import (
	"fmt"
	"net/http"
	"time"
)

// loadView is what the page of the load shows.
type loadView struct {
	Day, Week    []heatRow
	DayMost      int // of five minutes
	WeekMost     int // of an hour
	DayTotal     int
	WeekTotal    int
	Herds        []herdRow
	Counted      int // schedules
	Left         int // schedules that were not
	Every        int // schedules that are in no herd, since they are due all the time
	From         time.Time
	BusiestCount int
	Busiest      time.Time
}

// herdRow is several schedules that are due in the same second.
type herdRow struct {
	At   time.Time
	Size int
	Keys []string // in order
}

// Named are the first of them.
func (h herdRow) Named() []string { return h.Keys[:min(len(h.Keys), 5)] }

// More is how many are not named.
func (h herdRow) More() int { return len(h.Keys) - len(h.Named()) }

// load shows what comes due in the coming day and week.
func (s *site) load(w http.ResponseWriter, r *http.Request) error {
	p := s.newPage(r, "Load", "/load")
	look, err := s.Store.Look(r.Context())
	if err != nil {
		return err
	}
	c, err := s.comings.get(r.Context(), look, p.Now)
	if err != nil {
		return err
	}
	v := loadView{From: c.from, Herds: c.herds, Counted: c.counted, Left: max(0, c.plan.Schedules-c.counted), Every: c.every}
	minutes := make([]int, 24*dayColumns)
	for i := range minutes {
		minutes[i] = c.between(c.from.Add(time.Duration(i)*5*time.Minute), 5*time.Minute)
	}
	v.fill(minutes, c.hours[:])
	p.Main = v
	return s.show(w, r, "load", p)
}

const (
	dayColumns  = 12 // of an hour: five minutes each
	weekColumns = 24 // of a day
)

// fill makes rows of the counts of five minutes, and of hours.
func (v *loadView) fill(minutes, hours []int) {
	for i, n := range minutes {
		v.DayMost, v.DayTotal = max(v.DayMost, n), v.DayTotal+n
		from := v.From.Add(time.Duration(i) * 5 * time.Minute)
		if n > v.BusiestCount {
			v.BusiestCount, v.Busiest = n, from
		}
		if i%dayColumns == 0 {
			v.Day = append(v.Day, heatRow{Label: timeElement(from, "hour", "15:04")})
		}
		row := &v.Day[len(v.Day)-1]
		row.Cells = append(row.Cells, heatCell{n, fmt.Sprintf("%s to %s: %s due", from.Format("2 Jan 15:04"), from.Add(5*time.Minute).Format("15:04 UTC"), grouped(n))})
	}
	// A line a day, from the first hour on.
	for i, n := range hours {
		v.WeekMost, v.WeekTotal = max(v.WeekMost, n), v.WeekTotal+n
		from := v.From.Add(time.Duration(i) * time.Hour)
		if i%weekColumns == 0 {
			v.Week = append(v.Week, heatRow{Label: timeElement(from, "day", "Mon 2 Jan")})
		}
		row := &v.Week[len(v.Week)-1]
		row.Cells = append(row.Cells, heatCell{n, fmt.Sprintf("%s to %s: %s due", from.Format("Mon 2 Jan 15:04"), from.Add(time.Hour).Format("15:04 UTC"), grouped(n))})
	}
}
