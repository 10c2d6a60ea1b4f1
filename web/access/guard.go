package access

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/punctual-dev/punctual/store"
)

// Options say who is let in.
type Options struct {
	Store    *store.Store
	Password string // of the user "punctual", an admin; empty: none
	Token    string // of an admin; empty: none
	// Local is the author of what is done from this machine as long as nobody
	// has credentials; empty: nobody is let in without.
	Local   string
	Proxies Proxies
	// UserHeader names the header in which a trusted proxy says who asks; empty:
	// none does. RoleHeader may name another that says his role; where it does
	// not, he has UserRole.
	UserHeader, RoleHeader string
	UserRole               Role
	CookieName             string
	Logger                 *slog.Logger
	// Now is the time by which guesses wait; time.Now by default.
	Now func() time.Time
}

// EnvironmentUser is the user of PUNCTUAL_PASSWORD.
const EnvironmentUser = "punctual"

// environmentToken is the author of what is done with PUNCTUAL_TOKEN.
const environmentToken = "PUNCTUAL_TOKEN"

// ErrNobody says that a request shows no credentials, or none that are right.
var ErrNobody = errors.New("credentials are needed")

// WaitError says that there were too many wrong guesses.
type WaitError struct{ After time.Duration }

func (e *WaitError) Error() string {
	return fmt.Sprintf("there were too many wrong passwords or tokens; try again in %s", e.After.Round(time.Second))
}

// RefusedError says that a request is not to be answered, whoever it is from.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return e.Reason }

// Guard says who makes a request.
type Guard struct {
	Options
	limiter *limiter
	basic   *remembered
	// environment and nobody are hashes to compare with: of PUNCTUAL_PASSWORD,
	// and of nothing anybody knows.
	environment, nobody func() string
}

// NewGuard is a guard.
func NewGuard(o Options) *Guard {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Guard{
		Options: o, limiter: newLimiter(), basic: newRemembered(),
		environment: sync.OnceValue(func() string { return HashPassword(o.Password) }),
		nobody:      sync.OnceValue(func() string { return HashPassword(newSecret()) }),
	}
}

// Identify says who makes a request: by the word of a trusted proxy, a session,
// a token, a password, or, as long as nobody has any of these, by asking from
// this machine. The error is ErrNobody, a *WaitError, a *RefusedError, or one of
// the database.
func (g *Guard) Identify(r *http.Request) (Identity, error) {
	for _, way := range []func(*http.Request) (Identity, error){g.byProxy, g.bySession, g.byToken, g.byBasic, g.byMachine} {
		if who, err := way(r); err != nil || who.Role > Nobody {
			return who, err
		}
	}
	return Identity{}, ErrNobody
}

// byProxy believes what a trusted proxy says of who asks.
func (g *Guard) byProxy(r *http.Request) (Identity, error) {
	if g.UserHeader == "" || !g.Proxies.FromProxy(r) {
		return Identity{}, nil
	}
	name := strings.TrimSpace(r.Header.Get(g.UserHeader))
	if name == "" {
		return Identity{}, nil
	}
	for _, header := range []string{g.UserHeader, g.RoleHeader} {
		if len(r.Header.Values(header)) > 1 {
			return Identity{}, &RefusedError{"there is more than one " + header + ": the proxy has to remove what browsers send"}
		}
	}
	const longest = 200
	if len(name) > longest || strings.ContainsFunc(name, unicode.IsControl) {
		return Identity{}, &RefusedError{"the proxy names a user in " + g.UserHeader + " that is too long or has control characters in it"}
	}
	role := g.UserRole
	if text := r.Header.Get(g.RoleHeader); text != "" {
		var err error
		if role, err = ParseRole(text); err != nil {
			return Identity{}, &RefusedError{fmt.Sprintf("the proxy says in %s: %s", g.RoleHeader, err)}
		}
	}
	return Identity{Name: name, Role: role}, nil
}

// byToken knows a token, of the database or of the environment.
func (g *Guard) byToken(r *http.Request) (Identity, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return Identity{}, nil
	}
	if strings.HasPrefix(token, tokenPrefix) {
		found, err := g.Store.UseToken(r.Context(), Hash(token))
		if err == nil {
			role, err := ParseRole(found.Role)
			return Identity{Name: found.Name + " (token)", Role: role}, err
		}
		if !errors.Is(err, store.ErrNoToken) {
			return Identity{}, err
		}
	}
	return g.byEnvironmentToken(r, token)
}

// unguessable is how long a token is that somebody chose, and nobody guesses.
const unguessable = 32

func (g *Guard) byEnvironmentToken(r *http.Request, token string) (Identity, error) {
	admin := Identity{Name: environmentToken, Role: Admin}
	if g.Token == "" {
		return Identity{}, ErrNobody
	}
	if len(g.Token) >= unguessable {
		if equal(token, g.Token) {
			return admin, nil
		}
		return Identity{}, ErrNobody
	}
	now, limits := g.Now(), g.addressLimit(r)
	if wait := g.limiter.wait(now, limits); wait > 0 {
		return Identity{}, &WaitError{wait}
	}
	if equal(token, g.Token) {
		return admin, nil
	}
	g.limiter.guess(now, limits)
	g.recordFailure(r, "", "a wrong token")
	return Identity{}, ErrNobody
}

// byBasic knows a user by his password. What was right just now is remembered:
// a script that asks often would spend most of its time on hashing.
func (g *Guard) byBasic(r *http.Request) (Identity, error) {
	name, password, ok := r.BasicAuth()
	if !ok {
		return Identity{}, nil
	}
	user, err := g.find(r.Context(), name)
	if err != nil {
		return Identity{}, err
	}
	who := Identity{Name: name, Role: user.role}
	if g.basic.knows(g.Now(), user, password) {
		return who, nil
	}
	// One at a time: many at once with one password are one guess.
	select {
	case g.basic.turn <- struct{}{}:
		defer func() { <-g.basic.turn }()
	case <-time.After(longestTurn):
		return Identity{}, &WaitError{longestTurn}
	}
	if !g.basic.knows(g.Now(), user, password) {
		if err := g.check(r, user, password); err != nil {
			return Identity{}, err
		}
		g.basic.remember(g.Now(), user, password)
	}
	return who, nil
}

// byMachine lets everybody in who asks from this machine, as long as nobody has
// credentials.
func (g *Guard) byMachine(r *http.Request) (Identity, error) {
	open, err := g.Open(r.Context())
	if err != nil || !open {
		return Identity{}, err
	}
	if !loopbackHost(r.Host) {
		return Identity{}, &RefusedError{fmt.Sprintf("without credentials only requests to localhost are answered, and this one is to %q: set PUNCTUAL_PASSWORD or PUNCTUAL_TOKEN", r.Host)}
	}
	if forwarded(r) || !peer(r).IsLoopback() {
		return Identity{}, &RefusedError{"without credentials only requests from this machine itself are answered, and this one came through a proxy: set PUNCTUAL_PASSWORD or PUNCTUAL_TOKEN"}
	}
	return Identity{Name: g.Local, Role: Admin}, nil
}

// Open says whether who asks from this machine needs no credentials, since
// nobody has any.
func (g *Guard) Open(ctx context.Context) (bool, error) {
	if g.Local == "" || g.Password != "" || g.Token != "" || g.UserHeader != "" {
		return false, nil
	}
	closed, err := g.Store.AnyCredentials(ctx)
	return err == nil && !closed, err
}

func (g *Guard) addressLimit(r *http.Request) map[string]limit {
	return map[string]limit{"address " + neighbourhood(g.Proxies.Client(r)): perAddress}
}

// recordFailure tells the activity of a failed login. How many it tells of is
// bounded, or strangers could fill the database. What was typed is told only
// where it is a user: it may be a password in the wrong field.
func (g *Guard) recordFailure(r *http.Request, user, detail string) {
	budget := map[string]limit{"records": {free: 20, first: forgiveEvery, longest: forgiveEvery}}
	if g.limiter.guess(g.Now(), budget) > 0 {
		return
	}
	address := g.Proxies.Client(r).String()
	g.Logger.Warn("somebody was not let in", "address", address, "user", user, "reason", detail)
	if err := g.Store.RecordAccess(r.Context(), store.Actor(address), "login-failed", user, detail); err != nil {
		g.Logger.Warn("a failed login could not be recorded", "error", err)
	}
}
