package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/adhocore/gronx"
	"github.com/aptible/supercronic/cronexpr"
	hashicorp "github.com/hashicorp/cronexpr"
	netresearch "github.com/netresearch/go-cron"
	"github.com/punctual-dev/punctual/calendar"
	"github.com/reugn/go-quartz/quartz"
	robfig "github.com/robfig/cron/v3"
)

// next returns the first instant strictly after another, in the zone asked
// for.
type next func(after time.Time) time.Time

// library is one way to compute instants. Parse fails where the library does
// not know the expression.
type library struct {
	name  string
	parse func(expression, zone string) (next, error)
}

var libraries = []library{
	{"punctual", parsePunctual},
	{"robfig/cron", parseRobfig},
	{"netresearch/go-cron", parseNetresearch},
	{"adhocore/gronx", parseGronx},
	{"hashicorp/cronexpr", parseHashicorp},
	{"supercronic/cronexpr", parseSupercronic},
	{"reugn/go-quartz", parseQuartz},
}

func parsePunctual(expression, zone string) (next, error) {
	spec, err := calendar.When{Expressions: []string{expression}, Zone: zone}.Parse()
	if err != nil {
		return nil, err
	}
	return func(after time.Time) time.Time {
		t, _ := spec.Next(after)
		return t
	}, nil
}

func parseRobfig(expression, zone string) (next, error) {
	location, err := time.LoadLocation(zone)
	if err != nil {
		return nil, err
	}
	schedule, err := robfig.NewParser(robfig.SecondOptional | robfig.Minute | robfig.Hour | robfig.Dom | robfig.Month | robfig.Dow | robfig.Descriptor).Parse(interval(expression))
	if err != nil {
		return nil, err
	}
	return func(after time.Time) time.Time { return schedule.Next(after.In(location)) }, nil
}

func parseNetresearch(expression, zone string) (next, error) {
	location, err := time.LoadLocation(zone)
	if err != nil {
		return nil, err
	}
	parser, err := netresearch.TryNewParser(netresearch.SecondOptional | netresearch.Minute | netresearch.Hour | netresearch.Dom | netresearch.Month | netresearch.Dow | netresearch.Descriptor)
	if err != nil {
		return nil, err
	}
	schedule, err := parser.Parse(interval(expression))
	if err != nil {
		return nil, err
	}
	return func(after time.Time) time.Time { return schedule.Next(after.In(location)) }, nil
}

// gronx parses the expression in each call; it has no parsed form.
func parseGronx(expression, zone string) (next, error) {
	location, err := time.LoadLocation(zone)
	if err != nil {
		return nil, err
	}
	if !gronx.IsValid(expression) {
		return nil, fmt.Errorf("%q is not valid", expression)
	}
	return func(after time.Time) time.Time {
		t, _ := gronx.NextTickAfter(expression, after.In(location), false)
		return t
	}, nil
}

func parseHashicorp(expression, zone string) (next, error) {
	location, err := time.LoadLocation(zone)
	if err != nil {
		return nil, err
	}
	parsed, err := hashicorp.Parse(withYear(expression))
	if err != nil {
		return nil, err
	}
	return func(after time.Time) time.Time { return parsed.Next(after.In(location)) }, nil
}

func parseSupercronic(expression, zone string) (next, error) {
	location, err := time.LoadLocation(zone)
	if err != nil {
		return nil, err
	}
	parsed, err := cronexpr.Parse(withYear(expression))
	if err != nil {
		return nil, err
	}
	return func(after time.Time) time.Time { return parsed.Next(after.In(location)) }, nil
}

func parseQuartz(expression, zone string) (next, error) {
	location, err := time.LoadLocation(zone)
	if err != nil {
		return nil, err
	}
	var trigger quartz.Trigger
	if every := interval(expression); every != expression {
		trigger = quartz.NewSimpleTrigger(5 * time.Second)
	} else if trigger, err = quartz.NewCronTriggerWithLoc(quartzExpression(expression), location); err != nil {
		return nil, err
	}
	return func(after time.Time) time.Time {
		ns, err := trigger.NextFireTime(after.UnixNano())
		if err != nil {
			return time.Time{}
		}
		return time.Unix(0, ns)
	}, nil
}

// interval writes our interval as the peers do.
func interval(expression string) string {
	if expression == "every 5s" {
		return "@every 5s"
	}
	return expression
}

// quartzExpression writes a five-field expression as Quartz wants it: seconds
// first, and a ? in the day field that is not given.
func quartzExpression(expression string) string {
	fields := strings.Fields(expression)
	if len(fields) == 5 {
		fields = append([]string{"0"}, fields...)
	}
	if fields[5] == "*" {
		fields[5] = "?"
	} else if fields[3] == "*" {
		fields[3] = "?"
	}
	return strings.Join(fields, " ")
}

// withYear writes an expression with seconds as hashicorp/cronexpr and its
// kin want it: with a year at the end, since six fields are minute to year.
func withYear(expression string) string {
	if len(strings.Fields(expression)) == 6 {
		return expression + " *"
	}
	return expression
}
