package calendar

import (
	"archive/zip"
	"bytes"
	_ "embed"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/punctual-dev/punctual/internal/nearest"
)

// The time zone database is embedded, so that a schedule means the same on
// every host, whatever its own zone files say.

//go:generate sh tzdata/refresh.sh

//go:embed tzdata/zoneinfo.zip
var zoneArchive []byte

//go:embed tzdata/VERSION
var zoneVersion string

// TZDataVersion is the release of the embedded IANA time zone database, such
// as 2025c.
func TZDataVersion() string { return strings.TrimSpace(zoneVersion) }

// ZoneNames lists the zones that a schedule may name, in order.
func ZoneNames() []string {
	names := make([]string, 0, len(zoneFiles()))
	for name := range zoneFiles() {
		if zoneProblem(name) == "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// zoneFiles indexes the archive by zone name, once.
var zoneFiles = sync.OnceValue(func() map[string]*zip.File {
	archive, err := zip.NewReader(bytes.NewReader(zoneArchive), int64(len(zoneArchive)))
	if err != nil {
		panic("calendar: the embedded time zone database cannot be read: " + err.Error())
	}
	files := make(map[string]*zip.File, len(archive.File))
	for _, f := range archive.File {
		if !strings.HasSuffix(f.Name, "/") {
			files[f.Name] = f
		}
	}
	return files
})

var utc = newZone("UTC", time.UTC)

var loadedZones sync.Map // name → *zone

// loadZone returns the zone of that name; "" is UTC. Zones are kept once
// loaded.
func loadZone(name string) (*zone, error) {
	if name == "" || name == "UTC" {
		return utc, nil
	}
	if z, ok := loadedZones.Load(name); ok {
		return z.(*zone), nil
	}
	switch problem := zoneProblem(name); problem {
	case "":
	case noZoneName:
		return nil, unknownZone(name, problem+nearestZone(name))
	default:
		return nil, unknownZone(name, problem)
	}
	file, ok := zoneFiles()[name]
	if !ok {
		return nil, unknownZone(name, "is not known to tzdata "+TZDataVersion()+nearestZone(name))
	}
	location, err := readZone(file)
	if err != nil {
		return nil, unknownZone(name, "cannot be read: "+err.Error())
	}
	z, _ := loadedZones.LoadOrStore(name, newZone(name, location))
	return z.(*zone), nil
}

func readZone(file *zip.File) (*time.Location, error) {
	r, err := file.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return time.LoadLocationFromTZData(file.Name, data)
}

func unknownZone(name, problem string) *Error {
	return &Error{Field: "zone", Text: name, Problem: problem, Allowed: "an IANA name such as Europe/Berlin or UTC"}
}

// abbreviations names a place for what people write instead of one. Those
// that the database knows as zones are refused too: EST there is five hours
// behind UTC in summer as well, which hardly anybody means.
var abbreviations = map[string]string{
	"EST": "America/New_York", "EDT": "America/New_York", "ET": "America/New_York",
	"CST": "America/Chicago", "CDT": "America/Chicago", "CT": "America/Chicago",
	"MST": "America/Denver, or America/Phoenix,", "MDT": "America/Denver", "MT": "America/Denver",
	"PST": "America/Los_Angeles", "PDT": "America/Los_Angeles", "PT": "America/Los_Angeles",
	"AKST": "America/Anchorage", "AKDT": "America/Anchorage", "HST": "Pacific/Honolulu", "HDT": "America/Adak",
	"AST": "America/Halifax", "ADT": "America/Halifax", "NST": "America/St_Johns", "NDT": "America/St_Johns",
	"BST": "Europe/London", "WET": "Europe/Lisbon", "WEST": "Europe/Lisbon",
	"CET": "Europe/Berlin", "CEST": "Europe/Berlin", "MET": "Europe/Berlin", "MEST": "Europe/Berlin", "MEZ": "Europe/Berlin", "MESZ": "Europe/Berlin",
	"EET": "Europe/Helsinki", "EEST": "Europe/Helsinki", "MSK": "Europe/Moscow", "TRT": "Europe/Istanbul",
	"IST": "Asia/Kolkata", "PKT": "Asia/Karachi", "SGT": "Asia/Singapore", "HKT": "Asia/Hong_Kong", "JST": "Asia/Tokyo", "KST": "Asia/Seoul",
	"AEST": "Australia/Sydney", "AEDT": "Australia/Sydney", "ACST": "Australia/Adelaide", "ACDT": "Australia/Adelaide", "AWST": "Australia/Perth",
	"NZST": "Pacific/Auckland", "NZDT": "Pacific/Auckland", "SAST": "Africa/Johannesburg", "EAT": "Africa/Nairobi", "WAT": "Africa/Lagos", "BRT": "America/Sao_Paulo",
}

const noZoneName = "is not a zone name"

// zoneProblem says what forbids name before it is looked up, or "".
func zoneProblem(name string) string {
	if place, ok := abbreviations[strings.ToUpper(name)]; ok {
		return "is an abbreviation, and abbreviations mean different things to different people: name a place, such as " + strings.TrimSuffix(place, ",")
	}
	switch {
	case strings.EqualFold(name, "Local"):
		return "means something else on every host: name the place"
	case name == "Factory":
		return "is the name for a zone that was never set: name the place"
	case len(name) > 64:
		return "is too long"
	case isOffset(name):
		return "is an offset, and offsets know no daylight saving: name a place"
	case strings.ContainsAny(name, "\\.: \t") || strings.HasPrefix(name, "/"):
		return noZoneName
	}
	return ""
}

// isOffset recognises GMT+2 and UTC-05:30. Etc/GMT+2, which tzdata has, means
// the opposite of what people expect.
func isOffset(name string) bool {
	rest, ok := strings.CutPrefix(strings.ToUpper(name), "GMT")
	if !ok {
		rest, ok = strings.CutPrefix(strings.ToUpper(name), "UTC")
	}
	return ok && rest != "" && strings.ContainsAny(rest[:1], "+-0123456789") && rest != "0"
}

// nearestZone suggests the zone that was probably meant, by its whole name or by its
// city. Letters near a city are looked for only where there are enough of them to mean one.
func nearestZone(name string) string {
	meant, ok := zonesByPlainName()[plainName(name)]
	if !ok {
		meant = nearest.To(name, ZoneNames())
	}
	if meant == "" && len(name) > 3 {
		meant = zonesByPlainName()[nearest.To(name, slices.Sorted(maps.Keys(zonesByPlainName())))]
	}
	if meant == "" {
		return ""
	}
	return " (did you mean " + meant + "?)"
}

// zonesByPlainName finds zones by their whole name and by their city.
var zonesByPlainName = sync.OnceValue(func() map[string]string {
	byName := map[string]string{}
	names := ZoneNames()
	for _, name := range names {
		if i := strings.LastIndexByte(name, '/'); i >= 0 && byName[plainName(name[i+1:])] == "" {
			byName[plainName(name[i+1:])] = name
		}
	}
	for _, name := range names {
		byName[plainName(name)] = name
	}
	return byName
})

// plainName makes names alike that differ in case, spaces or hyphens.
func plainName(name string) string {
	return strings.Map(func(c rune) rune {
		if c == ' ' || c == '-' {
			return '_'
		}
		return unicode.ToLower(c)
	}, name)
}
