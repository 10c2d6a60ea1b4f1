package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
	"github.com/punctual-dev/punctual/web/access"
)

// tokensGroup are the commands about tokens.
type tokensGroup struct {
	Create tokensCreateCommand `cmd:"" help:"Create a token and print it, this once."`
	List   tokensListCommand   `cmd:"" help:"List the tokens, without their secrets."`
	Revoke tokensRevokeCommand `cmd:"" help:"End a token at once."`
}

// tokensCreateCommand creates a token.
type tokensCreateCommand struct {
	Name    string `arg:"" help:"What it is for; its actions are recorded under this name."`
	Role    string `help:"What it may do: viewer (look), operator (pause, trigger, retry, cancel, backfill), admin (create, edit and delete, too)." enum:"viewer,operator,admin" default:"viewer" placeholder:"viewer"`
	Expires string `help:"How long it holds; for ever by default." placeholder:"DURATION"`
	JSON    bool   `name:"json" help:"Print JSON."`
}

// Validate refuses what cannot be meant.
func (c *tokensCreateCommand) Validate() error {
	if err := access.ValidName(c.Name); err != nil {
		return err
	}
	if c.Expires == "" {
		return nil
	}
	holds, err := schedule.ParseDuration(c.Expires)
	if err != nil {
		return fmt.Errorf("--expires: %w", err)
	}
	if holds <= 0 {
		return fmt.Errorf("--expires %s: a token holds for some time, such as 90d", c.Expires)
	}
	return nil
}

// Run prints the token alone to the standard output, for scripts to take.
func (c *tokensCreateCommand) Run(a *app, s *settings) error {
	st, err := s.look(a)
	if err != nil {
		return err
	}
	defer st.Database().Close()
	var holds schedule.Duration
	if c.Expires != "" {
		holds, _ = schedule.ParseDuration(c.Expires)
	}
	secret := access.NewToken()
	made, err := st.AddToken(a.Context, store.Token{Name: c.Name, Role: c.Role, Hash: access.Hash(secret)}, time.Duration(holds), actor())
	if errors.Is(err, store.ErrNameIsTaken) {
		return fmt.Errorf("%w; punctual tokens revoke %s ends the one there is", err, c.Name)
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return a.printJSON(struct {
			store.Token
			Secret string `json:"token"`
		}{made, secret})
	}
	until := ""
	if !made.ExpiresAt.IsZero() {
		until = ", until " + local(made.ExpiresAt, time.UTC)
	}
	fmt.Fprintf(a.Stderr, "Created the token %s (%s)%s. It is shown this once, and kept nowhere; programs send it as Authorization: Bearer …\n", made.Name, made.Role, until)
	_, err = fmt.Fprintln(a.Stdout, secret)
	return err
}

// tokensListCommand lists tokens.
type tokensListCommand struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Run lists them by name.
func (c *tokensListCommand) Run(a *app, s *settings) error {
	st, err := s.look(a)
	if err != nil {
		return err
	}
	defer st.Database().Close()
	all, err := st.Tokens(a.Context)
	if err != nil {
		return fmt.Errorf("listing the tokens: %w", err)
	}
	if c.JSON {
		return a.printJSON(append([]store.Token{}, all...))
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(a.Stdout, "There are no tokens. punctual tokens create NAME makes one.")
		return err
	}
	now, err := st.Now(a.Context)
	if err != nil {
		return err
	}
	t := newTable("NAME", "ROLE", "CREATED", "BY", "LAST USED", "EXPIRES")
	for _, one := range all {
		expires, used := "never", "never"
		if !one.ExpiresAt.IsZero() {
			expires = relative(one.ExpiresAt, now)
		}
		if !one.UsedAt.IsZero() {
			used = relative(one.UsedAt, now)
		}
		shade := plain
		if one.Expired(now) {
			shade = red
		}
		t.row(cell{one.Name, bold}, cell{one.Role, plain}, cell{relative(one.CreatedAt, now), plain}, cell{one.Author, plain}, cell{used, plain}, cell{expires, shade})
	}
	t.write(a.Stdout, a.Terminal)
	return nil
}

// tokensRevokeCommand ends a token.
type tokensRevokeCommand struct {
	Name string `arg:"" help:"The token."`
}

// Run ends it, at once and for every process.
func (c *tokensRevokeCommand) Run(a *app, s *settings) error {
	st, err := s.look(a)
	if err != nil {
		return err
	}
	defer st.Database().Close()
	err = st.RevokeToken(a.Context, c.Name, actor())
	if errors.Is(err, store.ErrNoToken) {
		return fmt.Errorf("%w; punctual tokens list shows those there are", err)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.Stdout, "Revoked the token %s; it holds no longer.\n", c.Name)
	return err
}
