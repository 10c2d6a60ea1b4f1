package config

import (
	"slices"
	"testing"
)

func TestWhatOpensSomethingAndIsWrittenWronglyIsToldAlone(t *testing.T) {
	const keys = "    when: every 10s\n    run: x\n"
	for _, c := range []struct {
		name, file string
		want       []string
	}{
		{
			"the key of a second schedule", "schedules:\n  a:\n" + keys + "    b:\n" + keys + "  c:\n" + keys,
			[]string{`5:5 schedules.b: "b" is indented like the keys below it, which it should hold → indent it to 2 spaces, like other schedules, and leave what is below it where it is`},
		},
		{
			"the key of the first schedule", "schedules:\n    a:\n" + keys + "  b:\n" + keys,
			[]string{`2:5 schedules.a: "a" is indented like the keys below it, which it should hold → indent it to 2 spaces, like other schedules, and leave what is below it where it is`},
		},
		{
			"the keys of two schedules", "schedules:\n  a:\n" + keys + "    b:\n    retries: 2\n" + keys + "    'c':\n" + keys,
			[]string{
				`5:5 schedules.b: "b" is indented like the keys below it, which it should hold → indent it to 2 spaces, like other schedules, and leave what is below it where it is`,
				`9:5 schedules.c: "c" is indented like the keys below it, which it should hold → indent it to 2 spaces, like other schedules, and leave what is below it where it is`,
			},
		},
		{
			"a key of the file without its colon, above several", "schedules\n  a:\n" + keys + "  b:\n" + keys + "  c:\n" + keys,
			[]string{"1:1 : this is not a key with a value → put a colon after the key: schedules:"},
		},
		{
			"another key of the file without its colon", "defaults # for all\n  retries: 2\nschedules:\n  a:\n" + keys,
			[]string{"1:1 : this is not a key with a value → put a colon after the key: defaults:"},
		},
		{
			"the first key of a schedule, as far as the schedule", "schedules:\n  a:\n" + keys + "  b:\n  when: every 5s\n    run: x\n    retries: 3\n  c:\n" + keys,
			[]string{`6:3 schedules.b.when: "when" is indented less than the other keys of b: → indent it to 4 spaces, like them`},
		},
		{
			"the first key of a schedule, at the edge", "schedules:\n  b:\nwhen: every 5s\n    run: x\n    retries: 3\n",
			[]string{`3:1 schedules.b.when: "when" is indented less than the other keys of b: → indent it to 4 spaces, like them`},
		},
		{
			"the first key of a schedule, by one space", "schedules:\n  b:\n http: { url: \"http://localhost/\" }\n    when: every 5s\n  c:\n" + keys,
			[]string{`3:2 schedules.b.http: "http" is indented less than the other keys of b: → indent it to 4 spaces, like them`},
		},
		{
			"a tab before the key of a schedule", "schedules:\n  a:\n" + keys + "\tb:\n" + keys + "  c:\n" + keys,
			[]string{"5:1 : a tab cannot indent → indent with spaces"},
		},
		{
			"a colon within a when", "schedules:\n  a:\n    when: every: 10s\n    run: x\n",
			[]string{`3:11 schedules.a: a key cannot stand here → put it in quotes: 'every 10s', without the colon`},
		},
		{"a variable without a value stays one", "schedules:\n  a:\n    env:\n      B:\n      when: x\n" + keys, faultsIn(t, "schedules:\n  a:\n    env:\n      B:\n      C: x\n"+keys)},
	} {
		if got := faultsIn(t, c.file); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}
