package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/punctual-dev/punctual/internal/nearest"
)

// This file knows keys that stand beside the key below which they belong.

// freeKeys are the keys below which people choose the names.
var freeKeys = []string{"env", "headers", "limits", "calendars", "to"}

// fitBelow says whether a key of a mapping means nothing there, and can have been meant
// to stand below another.
func (f structFields) fitBelow(holder string, n *node, key string) bool {
	if slices.Contains(f.names, key) {
		return false
	}
	if slices.Contains(freeKeys, holder) {
		_, ofOthers := f.ofOthers(key, n)
		isName := strings.ToLower(key) != key || !ofOthers && nearest.To(key, f.names) == ""
		return isName && !strings.ContainsAny(key, " :/") && !strings.HasPrefix(key, "x-")
	}
	within := keysWithin(holder)
	return within != nil && within(key)
}

// gather puts below an empty key the keys behind it that mean nothing where they are,
// and belong there, and tells them.
func (d *decoder) gather(n *node, i int, fields structFields, field string) {
	holder := n.pairs[i]
	if n.flow || holder.value.kind != null || i+1 == len(n.pairs) {
		return
	}
	key, column := holder.key.text, holder.key.place.column
	var found []pair
	var keys []string
	for _, p := range n.pairs[i+1:] {
		if p.key.place.column != column || p.key.place.line <= holder.key.place.line || !fields.fitBelow(key, n, p.key.text) {
			break
		}
		found, keys = append(found, p), append(keys, p.key.text+":")
	}
	if len(found) == 0 {
		return
	}
	n.pairs[i].value = &node{kind: mapping, place: found[0].key.place, pairs: found}
	n.pairs = slices.Delete(n.pairs, i+1, i+1+len(found))
	stands, them, they := "stands", "it", "it stands"
	if len(keys) > 1 {
		stands, them, they = "stand", "them", "they stand"
	}
	const enough = 6 // keys that are named
	if more := len(keys) - enough; more > 0 {
		keys = append(keys[:enough:enough], fmt.Sprintf("%d more", more))
	}
	d.add(found[0].key.place, below(field, key), fmt.Sprintf("indent %s by 2 spaces more, so that %s below %s:", them, they, key), fmt.Sprintf("%s %s beside %s:, which holds nothing", listed(keys), stands, key))
}

// isOfFile says whether what stands among schedules is a key of the file that holds
// what such a key holds, and no schedule of that name.
func isOfFile(p pair) bool {
	key, ofSchedules := p.key.text, scheduleFields().names
	if p.value.kind == null || key == "schedules" || slices.Contains(ofSchedules, key) || !slices.Contains(fileFields().names, key) {
		return false
	}
	if within := keysWithin(key); within != nil && !slices.ContainsFunc(p.value.pairs, func(p pair) bool { return within(p.key.text) }) {
		return false
	}
	return !slices.ContainsFunc(p.value.pairs, func(p pair) bool {
		return slices.Contains(ofSchedules, p.key.text) && !(key == "defaults" && slices.Contains(defaultFields().names, p.key.text))
	})
}

// isOfScheduleOnly says whether a key can stand in a schedule and nowhere else.
func isOfScheduleOnly(p pair) bool {
	return !slices.Contains(fileFields().names, p.key.text) && !slices.Contains(defaultFields().names, p.key.text)
}

// tellOfFile tells keys among the schedules that hold for all of them, and keeps those
// of the file, to be read as that.
func (r *yamlReader) tellOfFile(astray []pair) {
	var atTop, ofDefaults []pair
	for _, p := range astray {
		if slices.Contains(fileFields().names, p.key.text) {
			atTop = append(atTop, p)
		} else {
			ofDefaults = append(ofDefaults, p)
		}
	}
	r.ofFile = append(r.ofFile, atTop...)
	for _, group := range []struct {
		keys  []pair
		where string
	}{{atTop, "at the top of the file, not indented"}, {ofDefaults, "below defaults:, at the top of the file"}} {
		if len(group.keys) == 0 {
			continue
		}
		var names []string
		single := true // each may stand in a schedule, too
		for _, p := range group.keys {
			names = append(names, p.key.text+":")
			single = single && slices.Contains(scheduleFields().names, p.key.text)
		}
		advice := "write " + listed(names) + " " + group.where
		if single {
			advice += "; for one schedule alone, below its key"
		}
		problem := " stands where only keys of schedules stand"
		if len(names) > 1 {
			problem = " stand where only keys of schedules stand"
		}
		r.add(group.keys[0].key.place, "schedules", advice, listed(names)+problem)
	}
}
