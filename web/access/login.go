package access

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/punctual-dev/punctual/store"
)

// account is what a login is compared with. Who is unknown has no role, and a
// password that nobody knows, so that he costs as much time as the others.
type account struct {
	name     string
	role     Role
	password string // as it is kept
}

func (g *Guard) find(ctx context.Context, name string) (account, error) {
	if name == EnvironmentUser && g.Password != "" {
		return account{name, Admin, g.environment()}, nil
	}
	unknown := account{name: name, password: g.nobody()}
	if ValidName(name) != nil {
		return unknown, nil
	}
	user, err := g.Store.FindUser(ctx, name)
	if errors.Is(err, store.ErrNoUser) {
		return unknown, nil
	}
	if err != nil {
		return account{}, err
	}
	role, err := ParseRole(user.Role)
	return account{name, role, user.Password}, err
}

// longestTurn is how long a login waits for its turn while many are checked.
const longestTurn = 5 * time.Second

// check compares a password with an account's, unless there were too many wrong
// ones.
func (g *Guard) check(r *http.Request, a account, password string) error {
	limits := g.addressLimit(r)
	limits["user "+Hash(a.name)] = perUser
	if wait := g.limiter.guess(g.Now(), limits); wait > 0 {
		return &WaitError{wait}
	}
	turn, cancel := context.WithTimeout(r.Context(), longestTurn)
	defer cancel()
	right, err := checkPassword(turn, password, a.password)
	if err != nil {
		g.limiter.right(limits)
		if errors.Is(err, context.DeadlineExceeded) {
			return &WaitError{longestTurn}
		}
		return fmt.Errorf("checking a password: %w", err)
	}
	if right && a.role > Nobody {
		g.limiter.right(limits)
		return nil
	}
	known := ""
	if a.role > Nobody {
		known = a.name
	}
	g.recordFailure(r, known, "a wrong password, or no such user")
	return ErrNobody
}

// LogIn begins a session of a user and gives the browser its cookie. The errors
// are those of Identify.
func (g *Guard) LogIn(w http.ResponseWriter, r *http.Request, name, password string) error {
	user, err := g.find(r.Context(), name)
	if err == nil {
		err = g.check(r, user, password)
	}
	if err != nil {
		return err
	}
	// A session that the browser had before ends: nobody can lay one under.
	if err := g.endSession(r); err != nil {
		return err
	}
	secret := newSecret()
	session := store.Session{Hash: Hash(secret), UserName: name, Proof: proof(secret, g.passwordOf(user))}
	if err := g.Store.AddSession(r.Context(), session, "from "+g.Proxies.Client(r).String()); err != nil {
		return err
	}
	http.SetCookie(w, g.cookie(r, secret, int(store.SessionLongest/time.Second)))
	return nil
}

// passwordOf is what a session's proof is made of: the hash that is kept, and
// for the user of the environment, whose hash is another in each process, the
// password.
func (g *Guard) passwordOf(a account) string {
	if a.name == EnvironmentUser && g.Password != "" {
		return g.Password
	}
	return a.password
}

// LogOut ends the browser's session, if it has one.
func (g *Guard) LogOut(w http.ResponseWriter, r *http.Request) error {
	err := g.endSession(r)
	http.SetCookie(w, g.cookie(r, "", -1))
	return err
}

func (g *Guard) endSession(r *http.Request) error {
	cookie, err := r.Cookie(g.cookieName(r))
	if err != nil {
		return nil // it has none
	}
	return g.Store.EndSession(r.Context(), Hash(cookie.Value))
}

// cookie carries a session's secret. Over https its name begins with __Host-,
// which browsers accept from this very host and over https only.
func (g *Guard) cookie(r *http.Request, secret string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: g.cookieName(r), Value: secret, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: g.Proxies.Secure(r), SameSite: http.SameSiteLaxMode,
	}
}

func (g *Guard) cookieName(r *http.Request) string {
	if g.Proxies.Secure(r) {
		return "__Host-" + g.CookieName
	}
	return g.CookieName
}

// bySession knows a browser that has logged in, as long as the password it did
// so with is still the user's.
func (g *Guard) bySession(r *http.Request) (Identity, error) {
	cookie, err := r.Cookie(g.cookieName(r))
	if err != nil || cookie.Value == "" {
		return Identity{}, nil
	}
	session, err := g.Store.UseSession(r.Context(), Hash(cookie.Value))
	if errors.Is(err, store.ErrNoSession) {
		return Identity{}, nil
	}
	if err != nil {
		return Identity{}, err
	}
	role, password := Admin, g.Password
	if session.UserName != EnvironmentUser || g.Password == "" {
		password = session.User.Password
		if session.User.Name == "" {
			return Identity{}, nil
		}
		if role, err = ParseRole(session.User.Role); err != nil {
			return Identity{}, err
		}
	}
	if !equal(session.Proof, proof(cookie.Value, password)) {
		return Identity{}, nil
	}
	return Identity{Name: session.UserName, Role: role, Session: session.Hash[:12]}, nil
}

// ValidName refuses names of users and tokens that could be taken for something
// else in the activity.
func ValidName(name string) error {
	const longest = 100
	allowed := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._@+-", r)
	}
	if name == "" || len(name) > longest || strings.ContainsFunc(name, func(r rune) bool { return !allowed(r) }) {
		if name == "" {
			return fmt.Errorf("give a name: 1 to %d letters and digits of ASCII and . _ @ + -", longest)
		}
		return fmt.Errorf("the name %q: allowed are 1 to %d letters and digits of ASCII and . _ @ + -", name, longest)
	}
	return nil
}

// ValidUser refuses names that a user in the database cannot have.
func ValidUser(name string) error {
	if name == EnvironmentUser || name == environmentToken {
		return fmt.Errorf("the name %q belongs to the credentials of the environment; choose another", name)
	}
	return ValidName(name)
}

// remembered is which passwords were right a moment ago, by a hash with a key
// of this process.
type remembered struct {
	turn    chan struct{} // held by who checks one that is not
	key     []byte
	mu      sync.Mutex
	entries map[[sha256.Size]byte]time.Time // until when
}

const (
	rememberFor    = time.Minute
	rememberAtMost = 1000
)

func newRemembered() *remembered {
	return &remembered{turn: make(chan struct{}, 1), key: []byte(newSecret()), entries: map[[sha256.Size]byte]time.Time{}}
}

func (m *remembered) sum(a account, password string) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, m.key)
	for _, part := range []string{a.name, password, a.password} {
		fmt.Fprintf(mac, "%d:%s", len(part), part)
	}
	mac.Sum(sum[:0])
	return sum
}

// knows says whether a password was right for an account that still has it.
func (m *remembered) knows(now time.Time, a account, password string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return now.Before(m.entries[m.sum(a, password)])
}

func (m *remembered) remember(now time.Time, a account, password string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.entries) >= rememberAtMost {
		clear(m.entries)
	}
	m.entries[m.sum(a, password)] = now.Add(rememberFor)
}
