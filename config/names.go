package config

import (
	"fmt"
	"slices"
	"strings"
)

// This file knows the lines that open something and are not written as they should be:
// what stands below them would be taken for a part of something else.

// opensWithoutColon tells keys of the file that lack the colon behind them, above what
// is indented, and puts it there.
func (d *document) opensWithoutColon(lines []string) {
	for number := range structure(lines) {
		content, indent := indented(lines[number])
		key, comment, _ := strings.Cut(content, " #")
		key = strings.TrimRight(key, " \t")
		if indent > 0 || !slices.Contains(fileFields().names, key) || !deeperBelow(lines, number, indent) || len(d.all) >= maxFaults {
			continue
		}
		d.add(place{number + 1, 1, len([]rune(key))}, "", fmt.Sprintf("put a colon after the key: %s:", key), noKeyProblem)
		if lines[number] = key + ":"; comment != "" {
			lines[number] += " #" + comment
		}
	}
}

// namesAmongKeys tells keys of schedules that are indented like the keys below them, and
// puts them where those of other schedules stand. To YAML they hold nothing, and what is
// below them belongs to the schedule above.
func (d *document) namesAmongKeys(lines []string) {
	numbers, column := belowSchedules(lines)
	var above []int // how far the lines are indented that a line is below
	for i, number := range numbers {
		content, indent := indented(lines[number])
		for len(above) > 0 && above[len(above)-1] >= indent {
			above = above[:len(above)-1]
		}
		key, _, _ := strings.Cut(content, ":")
		amongKeys := indent > column && (len(above) == 0 || len(above) == 1 && above[0] == column)
		if !amongKeys || content[0] == '-' || !opensKey.MatchString(content) || isAnyKey(key) || !makesScheduleBeside(lines, numbers[i+1:], indent) || len(d.all) >= maxFaults {
			above = append(above, indent)
			continue
		}
		key = strings.Trim(key, `"'`)
		d.add(place{number + 1, indent + 1, len([]rune(key))}, below("schedules", key),
			fmt.Sprintf("indent it to %s, like other schedules, and leave what is below it where it is", counted(column, "space")), quoted(key)+" is indented like the keys below it, which it should hold")
		lines[number] = strings.Repeat(" ", column) + content
		above = []int{column}
	}
}

// firstKeysAstray tells the first keys of schedules that are indented less than those
// behind them, and indents them alike. To YAML the schedule would hold nothing.
func (d *document) firstKeysAstray(lines []string) {
	column := columnOfSchedules(lines)
	from := slices.IndexFunc(lines, opensSchedules) + 1
	numbers := slices.Collect(structure(lines))
	for i := 0; i+2 < len(numbers) && column > 0 && len(d.all) < maxFaults; i++ {
		name, indent := indented(lines[numbers[i]])
		first, shallow := indented(lines[numbers[i+1]])
		second, deep := indented(lines[numbers[i+2]])
		if numbers[i] < from || indent != column || name[0] == '-' || !opensKey.MatchString(name) || deep <= column || shallow > column {
			continue
		}
		key, _, _ := strings.Cut(first, ":")
		if !holdsValue(first) || !isOfSchedule(first) || !isOfSchedule(second) || shallow == 0 && slices.Contains(fileFields().names, key) {
			continue
		}
		owner, _, _ := strings.Cut(name, ":")
		owner = strings.Trim(owner, `"'`)
		d.add(place{numbers[i+1] + 1, shallow + 1, len([]rune(key))}, below(below("schedules", owner), key),
			fmt.Sprintf("indent it to %s, like them", counted(deep, "space")), fmt.Sprintf("%s is indented less than the other keys of %s:", quoted(key), owner))
		lines[numbers[i+1]] = strings.Repeat(" ", deep) + first
	}
}

// isOfSchedule says whether a line begins with a key of a schedule.
func isOfSchedule(content string) bool {
	key, _, found := strings.Cut(content, ":")
	return found && slices.Contains(scheduleFields().names, key)
}

// holdsValue says whether a key has its value in its own line.
func holdsValue(content string) bool {
	return plainKey.MatchString(content) && !opensKey.MatchString(content)
}

// makesScheduleBeside says whether lines begin with keys that make a schedule, indented
// as far as that.
func makesScheduleBeside(lines []string, numbers []int, column int) bool {
	for i, number := range numbers {
		content, indent := indented(lines[number])
		key, _, _ := strings.Cut(content, ":")
		switch {
		case indent < column, indent > column && i == 0, indent == column && !isAnyKey(key):
			return false
		case indent == column && makesSchedule.MatchString(content):
			return true
		}
	}
	return false
}

// belowSchedules are the numbers of the lines below schedules:, and how far the one is
// indented that is indented least.
func belowSchedules(lines []string) (numbers []int, column int) {
	from := slices.IndexFunc(lines, opensSchedules) + 1
	if from == 0 {
		return nil, 0
	}
	for number := range structure(lines) {
		if number < from {
			continue
		}
		_, indent := indented(lines[number])
		if indent == 0 {
			break
		}
		if len(numbers) == 0 || indent < column {
			column = indent
		}
		numbers = append(numbers, number)
	}
	return numbers, column
}
