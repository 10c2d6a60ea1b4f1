package worker

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/punctual-dev/punctual/internal/webhook"
	"github.com/punctual-dev/punctual/schedule"
)

const (
	connectTime = 15 * time.Second
	maxHeaders  = 256 << 10
)

// newClient makes calls on behalf of schedules. Whoever may write a schedule
// must not thereby reach what only the machine may (forbidden), so the address
// is judged after it was resolved, just before connecting. That holds only
// where we connect to the server itself: a proxy would resolve the name again
// out of our sight, so none is used, whatever HTTP_PROXY says.
//
// Every call has a connection of its own. They are seldom enough, and net/http
// would send a request with an Idempotency-Key again, unasked, when a kept
// connection turns out to be dead; attempts are ours to count.
func newClient() *http.Client {
	dialer := &net.Dialer{Timeout: connectTime, ControlContext: refuseForbidden}
	return &http.Client{
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			DisableKeepAlives:      true,
			DisableCompression:     true, // the body is kept as it was sent
			TLSHandshakeTimeout:    connectTime,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			MaxResponseHeaderBytes: maxHeaders,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// clientFor is the client with what a schedule asks for besides.
func (e *executor) clientFor(r *schedule.Request) (*http.Client, error) {
	client := *e.client
	if r.FollowRedirects {
		client.CheckRedirect = (&redirects{r}).follow
	}
	if r.CAFile == "" {
		return &client, nil
	}
	authorities, err := e.authorities(r.CAFile)
	if err != nil {
		return nil, err
	}
	transport := e.client.Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.RootCAs = authorities
	client.Transport = transport
	return &client, nil
}

// authorities are those of the system and of a file, which is read for every
// attempt: certificates are renewed.
func (e *executor) authorities(file string) (*x509.CertPool, error) {
	if !filepath.IsAbs(file) {
		file = filepath.Join(e.Directory, file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read ca_file: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // there are none
	}
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("ca_file %s holds no certificate in PEM", file)
	}
	return pool, nil
}

// mostRedirects is how many redirects of one call are followed.
const mostRedirects = 10

// redirects are followed as a schedule asks for. Every address on the way is
// judged as the first was.
type redirects struct{ *schedule.Request }

// follow keeps to the host that was called what was meant for it: the headers of
// the schedule, which hold secrets, the signature, and the address itself.
func (r *redirects) follow(next *http.Request, before []*http.Request) error {
	first, last := before[0], before[len(before)-1]
	switch {
	case len(before) > mostRedirects:
		return fmt.Errorf("redirected more than %d times", mostRedirects)
	case last.URL.Scheme == "https" && next.URL.Scheme != "https":
		return errors.New("redirected from https to " + tidy(next.URL.Scheme) + ", which is not followed")
	}
	next.Header.Del("Referer")
	if next.URL.Host != first.URL.Host {
		for name := range r.Headers {
			next.Header.Del(name)
		}
	}
	if next.URL.Host != first.URL.Host || next.Method != first.Method {
		for _, name := range webhook.Headers {
			next.Header.Del(name)
		}
	}
	return nil
}

func refuseForbidden(_ context.Context, _, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("refused: %q is not an address", address)
	}
	if what := forbidden(target.Addr()); what != "" {
		return fmt.Errorf("refused: %s is %s", target.Addr(), what)
	}
	return nil
}

// forbiddenRanges are where a cloud hands out credentials to whoever asks from
// the machine, and addresses that stand for no host. Private networks and the
// machine itself are not among them: to call the application beside us is what
// an HTTP schedule is for.
var forbiddenRanges = []struct {
	prefix netip.Prefix
	what   string
}{
	{netip.MustParsePrefix("169.254.0.0/16"), "a link-local address, where clouds keep credentials"},
	{netip.MustParsePrefix("fe80::/10"), "a link-local address"},
	{netip.MustParsePrefix("fd00:ec2::/32"), "a metadata address"},             // Amazon
	{netip.MustParsePrefix("fd20:ce::254/128"), "a metadata address"},          // Google
	{netip.MustParsePrefix("100.100.100.200/32"), "a metadata address"},        // Alibaba
	{netip.MustParsePrefix("192.0.0.192/32"), "a metadata address"},            // Oracle
	{netip.MustParsePrefix("168.63.129.16/32"), "a metadata address"},          // Azure
	{netip.MustParsePrefix("0.0.0.0/8"), "not the address of a host"},          // Linux connects to itself
	{netip.MustParsePrefix("::/128"), "not the address of a host"},             // the same
	{netip.MustParsePrefix("224.0.0.0/4"), "not the address of a host"},        // multicast
	{netip.MustParsePrefix("ff00::/8"), "not the address of a host"},           // multicast
	{netip.MustParsePrefix("255.255.255.255/32"), "not the address of a host"}, // broadcast
}

// forbidden says what is wrong with an address; empty: nothing. IPv4 addresses
// dressed up as IPv6 are judged as what they are.
func forbidden(address netip.Addr) string {
	address = embedded(address.Unmap().WithZone(""))
	for _, r := range forbiddenRanges {
		if r.prefix.Contains(address) {
			return r.what
		}
	}
	return ""
}

// Translation of IPv4 in IPv6, where the last four bytes are the address.
var (
	translated = []netip.Prefix{
		netip.MustParsePrefix("64:ff9b::/96"),    // NAT64
		netip.MustParsePrefix("64:ff9b:1::/48"),  // NAT64 within a network
		netip.MustParsePrefix("::ffff:0:0:0/96"), // SIIT
		compatible,
	}
	compatible = netip.MustParsePrefix("::/96") // long out of use
)

func embedded(address netip.Addr) netip.Addr {
	within := func(p netip.Prefix) bool { return p.Contains(address) }
	if !slices.ContainsFunc(translated, within) || address.IsUnspecified() || address.IsLoopback() {
		return address
	}
	bytes := address.As16()
	return netip.AddrFrom4([4]byte(bytes[12:]))
}
