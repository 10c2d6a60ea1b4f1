package main

import (
	"fmt"
	"time"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

var (
	subjects = []string{"invoice", "backup", "report", "cleanup", "import", "export", "digest", "reindex", "billing", "metrics"}
	teams    = []string{"finance", "data", "platform", "growth", "support", "nightly", "critical"}
	zones    = []string{"", "Europe/Berlin", "America/New_York", "Asia/Tokyo", "Australia/Sydney", "America/Sao_Paulo"}
)

// keyOf is the key of a schedule by its number.
func keyOf(i int) string { return fmt.Sprintf("%s-%05d", subjects[i%len(subjects)], i) }

// ownerOf is who declared it: one in ten by hand, one in seven by a program.
func ownerOf(i int) schedule.Owner {
	switch {
	case i%10 == 0:
		return schedule.Owner{Kind: schedule.OwnerAPI}
	case i%7 == 0:
		return schedule.Owner{Kind: schedule.OwnerProgram, Name: "shop"}
	}
	return schedule.Owner{Kind: schedule.OwnerFile, Name: "production"}
}

// declared is a schedule by its number.
func declared(i int) schedule.Declaration {
	d := schedule.Declaration{
		Key: keyOf(i), Description: fmt.Sprintf("The %s of customer %d.", subjects[i%len(subjects)], i), Tags: []string{teams[i%len(teams)]},
		When: calendar.When{Expressions: []string{whenOf(i)}, Zone: zones[i%len(zones)]}, Policies: schedule.DefaultPolicies(),
		Job: schedule.Job{Run: &schedule.Command{Shell: fmt.Sprintf("run-%s --customer %d", subjects[i%len(subjects)], i), Env: map[string]string{"CUSTOMER": fmt.Sprint(i)}}},
	}
	if i%3 == 0 {
		d.Tags = append(d.Tags, teams[(i/3)%len(teams)])
	}
	if i%4 == 0 {
		d.Jitter = time.Duration(1+i%50) * time.Second
	}
	if i%5 == 0 {
		d.Job = schedule.Job{HTTP: &schedule.Request{Method: "POST", URL: fmt.Sprintf("https://jobs.example/%s/%d", subjects[i%len(subjects)], i)}}
	}
	if i%20 == 0 {
		d.Policies.Queue = "bulk"
	}
	d.Policies.Retries = i % 4
	return d
}

// whenOf is when it is due: about half of them once a day, and one in a hundred
// every five minutes.
func whenOf(i int) string {
	minute := i * 37 % 60
	switch {
	case i%100 == 1:
		return "every 5m"
	case i%4 == 0:
		return fmt.Sprintf("%d * * * *", minute)
	case i%13 == 0:
		return fmt.Sprintf("%d %d * * mon-fri", minute, i*11%24)
	case i%11 == 0:
		return fmt.Sprintf("%d %d 1,15 * *", minute, i*11%24)
	case i%9 == 0:
		return fmt.Sprintf("*/15 %d-%d * * *", i%12, i%12+8)
	}
	return fmt.Sprintf("%d %d * * *", minute, i*11%24)
}

// busySchedules is how many schedules have half of the ledger.
func busySchedules(schedules int) int { return max(1, schedules/50) }

// processes are those alive.
var processes = []store.Process{
	{ID: "clock-1", Role: "clock", Host: "one.example", PID: 11, Version: "measured"},
	{ID: "clock-2", Role: "clock", Host: "two.example", PID: 12, Version: "measured"},
	{ID: "worker-1", Role: "worker", Host: "one.example", PID: 13, Version: "measured", Concurrency: 50},
	{ID: "worker-2", Role: "worker", Host: "two.example", PID: 14, Version: "measured", Concurrency: 50, Queues: map[string]int{"default": 50, "bulk": 10}},
	{ID: "web-1", Role: "web", Host: "one.example", PID: 15, Version: "measured"},
}
