package dashboard

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// loadView is what the page of the load shows.
type loadView struct {
	Day, Week    []heatRow
	DayMost      int // of five minutes
	WeekMost     int // of an hour
	DayTotal     int
	WeekTotal    int
	Herds        []herdRow
	Partial      bool
	From         time.Time
	BusiestCount int
	Busiest      time.Time
}

// herdRow is several schedules that are due in the same second.
type herdRow struct {
	schedule.Herd
	Words string
}

// load shows what comes due in the coming day and week.
func (s *site) load(w http.ResponseWriter, r *http.Request) error {
	p := s.newPage(r, "Load", "/load")
	v, err := s.loadView(r.Context(), p.Now)
	if err != nil {
		return err
	}
	p.Main = v
	return s.show(w, r, "load", p)
}

const (
	dayColumns  = 12 // of an hour: five minutes each
	weekColumns = 24 // of a day
)

func (s *site) loadView(ctx context.Context, now time.Time) (loadView, error) {
	v := loadView{From: now.Truncate(time.Hour)}
	found, err := s.Store.OverviewsWhere(ctx, store.OverviewFilter{Limit: glance})
	if err != nil {
		return v, err
	}
	v.Partial = len(found) >= glance
	var minutes [24 * dayColumns]int
	var hours [7 * weekColumns]int
	for _, one := range found {
		spec := one.Timeline.Spec()
		if spec == nil || one.Standing() == store.StandingPaused {
			continue
		}
		count := func(from time.Time, span time.Duration) int {
			return spec.Count(from.Add(-time.Nanosecond), from.Add(span-time.Nanosecond))
		}
		// Most are due seldom: where nothing is, no smaller part is counted.
		for day := range len(hours) / weekColumns {
			left := count(v.From.Add(time.Duration(day)*24*time.Hour), 24*time.Hour)
			for i := day * weekColumns; left > 0 && i < (day+1)*weekColumns; i++ {
				from := v.From.Add(time.Duration(i) * time.Hour)
				n := count(from, time.Hour)
				hours[i], left = hours[i]+n, left-n
				for part := i * dayColumns; n > 0 && part < min(len(minutes), (i+1)*dayColumns); part++ {
					m := count(v.From.Add(time.Duration(part)*5*time.Minute), 5*time.Minute)
					minutes[part], n = minutes[part]+m, n-m
				}
			}
		}
	}
	v.fill(minutes[:], hours[:])
	forecast, err := loadOf(ctx, found, v.From.Add(-time.Nanosecond), v.From.Add(24*time.Hour))
	if err != nil {
		return v, err
	}
	for _, herd := range forecast.Herds[:min(len(forecast.Herds), 12)] {
		v.Herds = append(v.Herds, herdRow{herd, herdWords(herd)})
	}
	return v, nil
}

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
