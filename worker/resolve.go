package worker

import (
	"fmt"
	"slices"
	"strings"
)

// resolver puts values in the place of ${NAME}. What it takes from the worker's
// environment is a secret from then on; what the schedule itself says is not.
type resolver struct {
	own         map[string]string // names the schedule defines; asked first
	environment map[string]string // the worker's
	unset       []string
	secrets     []string
}

// resolve replaces each ${NAME}, where NAME is letters, digits and underscores,
// the first no digit. Anything else, a lone $ included, stands for itself, and
// a value is never looked at again, so a secret may contain ${ harmlessly.
func (r *resolver) resolve(text string) string {
	var out strings.Builder
	for {
		start := strings.Index(text, "${")
		if start < 0 {
			out.WriteString(text)
			return out.String()
		}
		name := leadingName(text[start+2:])
		end := start + 2 + len(name)
		if name == "" || end == len(text) || text[end] != '}' {
			out.WriteString(text[:start+2])
			text = text[start+2:]
			continue
		}
		out.WriteString(text[:start])
		out.WriteString(r.value(name))
		text = text[end+1:]
	}
}

// value is empty for a name that is not set; err tells of it afterwards, so
// that all such names are told in one go.
func (r *resolver) value(name string) string {
	if value, found := r.own[name]; found {
		return value
	}
	if value, found := r.environment[name]; found {
		r.secrets = append(r.secrets, value)
		return value
	}
	if !slices.Contains(r.unset, name) {
		r.unset = append(r.unset, name)
	}
	return ""
}

// err names what was asked for and is not set. It is an ordinary failure: the
// next attempt may meet a worker that has it.
func (r *resolver) err() error {
	switch len(r.unset) {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("${%s} is not set in the worker's environment", r.unset[0])
	}
	names := slices.Sorted(slices.Values(r.unset))
	return fmt.Errorf("not set in the worker's environment: ${%s}", strings.Join(names, "}, ${"))
}

// all resolves the values of a map; its names stand as they are.
func (r *resolver) all(values map[string]string) map[string]string {
	resolved := make(map[string]string, len(values))
	for name, value := range values {
		resolved[name] = r.resolve(value)
	}
	return resolved
}

// leadingName is the longest name that text begins with.
func leadingName(text string) string {
	for i := range len(text) {
		c := text[i]
		letter := c == '_' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return text[:i]
		}
	}
	return text
}
