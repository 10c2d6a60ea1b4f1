package calendar

import "strings"

// Describe says in plain English when the spec is due, with its zone.
func (s *Spec) Describe() string {
	parts := make([]string, len(s.rules))
	for i, r := range s.rules {
		parts[i] = r.describe()
	}
	return strings.Join(parts, "; ") + ", " + s.zone.name
}

func (i *interval) describe() string { return i.text() }
func (o *once) describe() string     { return o.text() }
func (r *readings) describe() string { return r.text() }
