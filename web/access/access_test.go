package access

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestAHigherRoleMayDoAllThatALowerOneMay(t *testing.T) {
	for held, may := range map[Role][]Role{
		Nobody: {}, Viewer: {Viewer}, Operator: {Viewer, Operator}, Admin: {Viewer, Operator, Admin},
	} {
		for _, needed := range []Role{Nobody, Viewer, Operator, Admin} {
			want := false
			for _, role := range may {
				want = want || role == needed
			}
			if got := (Identity{Role: held}).May(needed); got != want {
				t.Errorf("%v may do what needs %v: %v, want %v", held, needed, got, want)
			}
		}
	}
}

func TestRolesAreReadByNameAndByScope(t *testing.T) {
	for text, want := range map[string]Role{"viewer": Viewer, "read": Viewer, "operator": Operator, "operate": Operator, "admin": Admin, "edit": Admin} {
		if got, err := ParseRole(text); got != want || err != nil {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "root", "Admin"} {
		if _, err := ParseRole(text); err == nil || !strings.Contains(err.Error(), "viewer, operator or admin") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestAPasswordIsKnownAgainByWhatIsKept(t *testing.T) {
	kept := HashPassword("correct horse")
	if !strings.HasPrefix(kept, "$argon2id$v=19$m=19456,t=2,p=1$") || kept == HashPassword("correct horse") {
		t.Errorf("kept is %s", kept)
	}
	for password, want := range map[string]bool{"correct horse": true, "correct hors": false, "": false, "Correct horse": false} {
		if got, err := checkPassword(t.Context(), password, kept); got != want || err != nil {
			t.Errorf("%q: %v, %v", password, got, err)
		}
	}
	for _, damaged := range []string{"", "correct horse", "$argon2i$v=19$m=8,t=1,p=1$c2FsdA$c3Vt", "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$",
		"$argon2id$v=19$m=8,t=1,p=1$c2FsdA", "$argon2id$v=19$m=8,t=0,p=1$c2FsdA$c3Vt", "$argon2id$v=19$m=8,t=1,p=0$c2FsdA$c3Vt", "$argon2id$v=19$m=8,t=1,p=1$!$c3Vt"} {
		if got, err := checkPassword(t.Context(), "", damaged); got || err == nil {
			t.Errorf("%q: %v, %v", damaged, got, err)
		}
	}
}

func TestACheckWaitsForItsTurnNoLongerThanItsRequest(t *testing.T) {
	kept := HashPassword("correct horse")
	for range cap(hashing) {
		hashing <- struct{}{}
	}
	defer func() {
		for range cap(hashing) {
			<-hashing
		}
	}()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := checkPassword(ctx, "correct horse", kept); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}

func TestTokensAreLongAndNoTwoAreAlike(t *testing.T) {
	one, other := NewToken(), NewToken()
	if one == other || len(one) != len("pct_")+43 || !strings.HasPrefix(one, "pct_") {
		t.Errorf("%d characters, alike: %v", len(one), one == other)
	}
	if Hash(one) == Hash(other) || strings.Contains(Hash(one), one) {
		t.Error("what is kept tells the token")
	}
}

func TestAPasswordIsRememberedForAMinuteWhileItIsTheUsers(t *testing.T) {
	m := newRemembered()
	m.remember(noon, account{name: "ada", password: "kept"}, "secret")
	tests := []struct {
		after                time.Duration
		name, password, kept string
		want                 bool
	}{
		{0, "ada", "secret", "kept", true},
		{59 * time.Second, "ada", "secret", "kept", true},
		{time.Minute, "ada", "secret", "kept", false},
		{0, "bob", "secret", "kept", false},
		{0, "ada", "Secret", "kept", false},
		{0, "ada", "secret", "changed", false},
		{0, "adas", "ecret", "kept", false},
	}
	for _, test := range tests {
		if got := m.knows(noon.Add(test.after), account{name: test.name, password: test.kept}, test.password); got != test.want {
			t.Errorf("%+v: %v", test, got)
		}
	}
	for range 2 * rememberAtMost {
		m.remember(noon, account{name: "ada"}, newSecret())
	}
	if len(m.entries) > rememberAtMost {
		t.Errorf("%d are remembered", len(m.entries))
	}
}

func TestNamesThatCouldBeTakenForSomethingElseAreRefused(t *testing.T) {
	for _, name := range []string{"ada", "Ada.Lovelace", "ada+ci@example.org", "a-b_c", strings.Repeat("a", 100)} {
		if err := ValidName(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"", "ada (token)", "ada\n", "ä", "a/b", strings.Repeat("a", 101)} {
		if ValidName(name) == nil {
			t.Errorf("%q is allowed", name)
		}
	}
}
