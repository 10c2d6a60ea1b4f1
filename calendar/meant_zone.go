package calendar

import (
	"regexp"
	"strconv"
	"strings"
)

// zoneAstray is the error about a zone that stands behind an expression or before
// it, and the expression as it is written with a zone. What is left without the
// zone has to mean something, else the zone is not what is wrong.
func zoneAstray(expression string) (*Error, []string) {
	if prefix, _, _ := cutZone(expression); prefix != "" {
		return nil, nil
	}
	words := wordOf().FindAllStringIndex(expression, -1)
	for n := min(4, len(words)-1); n > 0; n-- { // behind: New York time
		start, end := words[len(words)-n][0], words[len(words)-1][1]
		rest := inWord().ReplaceAllString(expression[:start], "")
		if fault, hints := zoneMeant(expression, rest, start, end, behindTimes); fault != nil {
			return fault, hints
		}
	}
	for i := range len(words) - 1 { // before, or in the middle: at 9am UTC every day
		start, end := words[i][0], words[i][1]
		if found := zoneLabel().FindStringIndex(expression[start:end]); found != nil && i == 0 {
			start += found[1]
		} else if i > 0 && !surelyZone(expression[start:end]) {
			continue
		}
		if fault, hints := zoneMeant(expression, expression[:words[i][0]]+expression[words[i][1]:], start, end, "there"); fault != nil {
			return fault, hints
		}
	}
	return nil, nil
}

const behindTimes = "behind the times"

var (
	wordOf = pattern(`[^ \t\r\n]+`)
	inWord = pattern(`(?i)[ \t]+in[ \t]*$`)
	// zoneLabel is how else people begin to name a zone before an expression.
	zoneLabel = pattern(`(?i)^(?:cron_)?(?:tz|time_?zone)[=:]`)
	// zoneTail is what stands behind the name of a zone in words.
	ownZone     = pattern(`(?i)^(?:my|our|server|system|host|machine)$`)
	plainOffset = pattern(`^[+-][0-9]{1,2}(?::?[0-9]{2})?$`)
	zoneTail    = pattern(`(?i)(?:(^local)|[ \t]+(?:local|standard|daylight))?[ \t]+time$`)
)

// surelyZone says whether a word can hardly be anything but a zone.
func surelyZone(word string) bool {
	_, known := zonesByPlainName()[plainName(word)]
	_, ambiguous := abbreviations[word]
	return ambiguous || known && (strings.Contains(word, "/") || word == strings.ToUpper(word))
}

// zonesInWords names a place for the zones that people name after a part of their
// country.
var zonesInWords = map[string]string{
	"eastern": "America/New_York", "central": "America/Chicago", "mountain": "America/Denver", "pacific": "America/Los_Angeles",
	"us/eastern": "America/New_York", "us/pacific": "America/Los_Angeles", "german": "Europe/Berlin", "london": "Europe/London",
	"uk": "Europe/London", "british": "Europe/London", "indian": "Asia/Kolkata", "india": "Asia/Kolkata", "japan": "Asia/Tokyo", "z": "UTC",
}

// zoneMeant is the error about the zone between two offsets, if it is one.
func zoneMeant(expression, rest string, start, end int, where string) (*Error, []string) {
	rest = strings.Trim(strings.TrimSpace(rest), ",;")
	for start < end && strings.ContainsRune("(,", rune(expression[start])) {
		start++
	}
	for start < end && strings.ContainsRune("),;:", rune(expression[end-1])) {
		end--
	}
	written := expression[start:end]
	name := ownZone().ReplaceAllString(zoneTail().ReplaceAllString(written, "$1"), "local")
	problem, offset := zoneProblem(name), isOffset(name)
	if plainOffset().MatchString(name) && where == behindTimes && strings.ContainsAny(rest, "abcdefghijklmnopqrstuvwxyz") {
		problem, offset = zoneProblem("UTC"+name), true
	}
	zone := zonesInWords[strings.ToLower(name)]
	if zone == "" {
		zone = zonesByPlainName()[plainName(name)]
	}
	place, ambiguous := abbreviations[strings.ToUpper(name)]
	if ambiguous && !strings.Contains(place, ",") {
		zone = place
	}
	switch {
	case ambiguous, offset, strings.EqualFold(name, "local"):
	case zone == "" || len(name) < 2 && rest == "":
		return nil, nil
	default:
		problem = "does not stand " + where
	}
	hints := []string{rest}
	if _, err := parseRule(rest, exceptions{zone: utc}); err != nil {
		hints = meant(rest)
	}
	if len(hints) == 0 {
		return nil, nil
	}
	for i, hint := range hints {
		hints[i] = "TZ=" + zone + " " + hint
	}
	if zone == "" || offset || strings.EqualFold(name, "local") {
		hints = nil
	}
	return &Error{
		Expression: expression, Field: "zone", Text: written, Offset: start, Problem: problem,
		Allowed: "a zone in the field for it, timezone in a file of schedules, or before the expression, as in TZ=Europe/Paris 0 9 * * *",
	}, hints
}

// hinted is what was probably meant, for the end of an error.
func hinted(hints []string) string {
	if len(hints) == 0 {
		return ""
	}
	quoted := make([]string, len(hints))
	for i, hint := range hints {
		quoted[i] = strconv.Quote(hint)
	}
	return "; did you mean " + strings.Join(quoted, " or ") + "?"
}

// submatch is what the first group of a pattern finds, or nothing.
func submatch(words *regexp.Regexp, text string) string {
	if found := words.FindStringSubmatch(text); found != nil {
		return found[1]
	}
	return ""
}
