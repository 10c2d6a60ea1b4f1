package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"

	"github.com/punctual-dev/punctual"
	"github.com/punctual-dev/punctual/web"
	"github.com/punctual-dev/punctual/web/access"
)

// webFlags are the settings of the web process.
type webFlags struct {
	Listen   string `help:"Where the web process listens; 127.0.0.1:8080, or all addresses at PORT where that is set." placeholder:"ADDRESS"`
	Password string `help:"The password of the web process." env:"PUNCTUAL_PASSWORD" placeholder:"SECRET" hidden:""`
	Token    string `help:"The token of the API." env:"PUNCTUAL_TOKEN" placeholder:"SECRET" hidden:""`

	Prefix        string   `help:"The path the site stands under, as /punctual." env:"PUNCTUAL_PREFIX" placeholder:"PATH"`
	TrustProxy    []string `help:"Proxies that are believed when they say who asks: addresses, ranges, loopback, private." env:"PUNCTUAL_TRUST_PROXY" placeholder:"RANGE"`
	UserHeader    string   `help:"The header in which a trusted proxy names the user." env:"PUNCTUAL_USER_HEADER" placeholder:"HEADER"`
	UserRole      string   `help:"The role of users that a proxy names: viewer, operator or admin." enum:"viewer,operator,admin" default:"viewer" env:"PUNCTUAL_USER_ROLE" placeholder:"viewer"`
	RoleHeader    string   `help:"The header in which a trusted proxy names the user's role." env:"PUNCTUAL_ROLE_HEADER" placeholder:"HEADER"`
	AllowCommands bool     `help:"Let admins create and edit commands from the network, not HTTP calls only." env:"PUNCTUAL_ALLOW_COMMANDS"`
}

// defaultListen is reachable from this machine only.
const defaultListen = "127.0.0.1:8080"

// Validate refuses settings that cannot be meant.
func (f *webFlags) Validate() error {
	if _, port, err := net.SplitHostPort(f.Listen); f.Listen != "" && (err != nil || !validPort(port)) {
		return fmt.Errorf("--listen %s: it is a host and a port, as 127.0.0.1:8080, or :8080 for all addresses", f.Listen)
	}
	if port := givenPort(); port != "" && !validPort(port) {
		return fmt.Errorf("PORT is %q: it is a number from 0 to 65535", port)
	}
	if f.UserHeader != "" && len(f.TrustProxy) == 0 {
		return errors.New("--user-header needs --trust-proxy: who else sends the header is not to be believed")
	}
	if f.RoleHeader != "" && f.UserHeader == "" {
		return errors.New("--role-header needs --user-header: it is the role of the user named there")
	}
	_, err := access.ParseProxies(f.TrustProxy)
	if err == nil {
		_, err = web.ParsePrefix(f.Prefix)
	}
	return err
}

// givenPort is the port that platforms give a web process in its environment. There
// is no flag for it: --listen says more.
func givenPort() string { return os.Getenv("PORT") }

func validPort(text string) bool {
	_, err := strconv.ParseUint(text, 10, 16)
	return err == nil
}

// site is what the flags ask for. A public address needs credentials; that is
// looked at before anything is made.
func (f *webFlags) site(a *app, s *settings) (web.Options, error) {
	o := web.Options{
		Address: f.Listen, Password: f.Password, Token: f.Token, UserHeader: f.UserHeader, RoleHeader: f.RoleHeader,
		AllowCommands: f.AllowCommands, Local: string(actor()) + " (local)", Version: punctual.Version(),
	}
	o.Proxies, _ = access.ParseProxies(f.TrustProxy)
	o.Prefix, _ = web.ParsePrefix(f.Prefix)
	o.UserRole, _ = access.ParseRole(f.UserRole)
	why := "--listen " + f.Listen
	switch port := givenPort(); {
	case f.Listen == "" && port == "":
		o.Address = defaultListen
	case f.Listen == "":
		o.Address, why = net.JoinHostPort("", port), "PORT is set, so the web process would listen on all addresses"
	}
	return o, s.mayListen(a, o, why)
}

// mayListen refuses an address that others reach, as long as nobody has
// credentials. why says where the address comes from.
func (s *settings) mayListen(a *app, o web.Options, why string) error {
	if web.Loopback(o.Address) || o.Password != "" || o.Token != "" || o.UserHeader != "" {
		return nil
	}
	there, err := s.anyCredentials(a)
	if err == nil && !there {
		err = fmt.Errorf("%s: %w", why, web.ErrCredentials)
	}
	return err
}

// anyCredentials says whether the database knows users or tokens. It makes
// neither a database nor tables.
func (s *settings) anyCredentials(a *app) (bool, error) {
	st, err := s.look(a)
	if errors.Is(err, errNothingThere) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer st.Database().Close()
	return st.AnyCredentials(a.Context)
}

// serve runs a web process.
func serve(ctx context.Context, p *punctual.Punctual, o web.Options, log *slog.Logger) error {
	o.Store, o.Logger, o.Metrics = p.Store(), log.With("process", "web"), p.MetricsHandler()
	if name := platform(); name != "" && len(o.Proxies) == 0 {
		log.Warn("the platform's router is not believed when it says who asks: all logins seem to come from it, and cookies are not kept to https; set PUNCTUAL_TRUST_PROXY=private", "platform", name)
	}
	o.Listening = func(at net.Addr) {
		log.Info("the web process listens", "address", "http://"+at.String()+o.Prefix)
	}
	return p.RunWeb(ctx, func(ctx context.Context) error { return web.Run(ctx, o) })
}

// webCommand serves.
type webCommand struct {
	webFlags
	countFlags
}

// Validate refuses settings that cannot be meant.
func (c *webCommand) Validate() error {
	return errors.Join(c.webFlags.Validate(), c.countFlags.Validate())
}

// Run migrates and serves until it is told to stop.
func (c *webCommand) Run(a *app, s *settings) (err error) {
	defer endInOrder(a, &err)
	site, err := c.site(a, s)
	if err != nil {
		return err
	}
	p, err := s.open(a.Context, a, c.countFlags.options()...)
	if err != nil {
		return err
	}
	defer p.Close()
	log := s.logger(a.Stderr)
	warnOfEphemeralDisk(log, p.Store())
	return serve(a.Context, p, site, log)
}
