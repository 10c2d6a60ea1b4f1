package worker

import (
	"regexp"
	"slices"
	"testing"
)

func TestNamesInBracesAreReplacedAndNothingElseIs(t *testing.T) {
	environment := map[string]string{"TOKEN": "s3cret", "EMPTY": "", "_a1": "x", "NESTED": "${TOKEN}", "OWN": "the worker's"}
	own := map[string]string{"OWN": "the schedule's"}
	tests := []struct {
		name, text, want string
		secrets          []string
		error            string
	}{
		{name: "nothing to replace", text: "plain $TOKEN $$ {TOKEN} $", want: "plain $TOKEN $$ {TOKEN} $"},
		{name: "a name", text: "Bearer ${TOKEN}.", want: "Bearer s3cret.", secrets: []string{"s3cret"}},
		{name: "several", text: "${_a1}${_a1}${TOKEN}", want: "xxs3cret", secrets: []string{"x", "x", "s3cret"}},
		{name: "empty but set", text: "<${EMPTY}>", want: "<>", secrets: []string{""}},
		{name: "a value is not looked at again", text: "${NESTED}", want: "${TOKEN}", secrets: []string{"${TOKEN}"}},
		{name: "the schedule's own goes first and is no secret", text: "${OWN}", want: "the schedule's"},
		{name: "no names", text: "${} ${1a} ${a b} ${a-b} ${TOKEN ${", want: "${} ${1a} ${a b} ${a-b} ${TOKEN ${"},
		{name: "one behind another's beginning", text: "${${TOKEN}}", want: "${s3cret}", secrets: []string{"s3cret"}},
		{name: "a second dollar changes nothing", text: "$${TOKEN}", want: "$s3cret", secrets: []string{"s3cret"}},
		{name: "not set", text: "a${MISSING}b", want: "ab", error: "${MISSING} is not set in the worker's environment"},
		{name: "all that is not set is named, once", text: "${B}${A}${B}", want: "", error: "not set in the worker's environment: ${A}, ${B}"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := &resolver{own: own, environment: environment}
			if got := r.resolve(test.text); got != test.want {
				t.Errorf("%q became %q, want %q", test.text, got, test.want)
			}
			if !slices.Equal(r.secrets, test.secrets) {
				t.Errorf("secrets are %q, want %q", r.secrets, test.secrets)
			}
			if message(r.err()) != test.error {
				t.Errorf("the error is %q, want %q", message(r.err()), test.error)
			}
		})
	}
}

// FuzzResolve compares with the rule as package schedule writes it down.
func FuzzResolve(f *testing.F) {
	for _, text := range []string{"", "${A}", "${A}${B}", "$${A}", "${${A}}", "${", "${A", "${1}", "${A_1}x", "${A}\x00${\xff}"} {
		f.Add(text, "A", "value")
	}
	placeholder := regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*\}`)
	f.Fuzz(func(t *testing.T, text, name, value string) {
		r := &resolver{environment: map[string]string{name: value}}
		unset := false
		want := placeholder.ReplaceAllStringFunc(text, func(found string) string {
			if found == "${"+name+"}" {
				return value
			}
			unset = true
			return ""
		})
		if got := r.resolve(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
		if (r.err() != nil) != unset {
			t.Errorf("%q: error %v, want one: %v", text, r.err(), unset)
		}
	})
}
