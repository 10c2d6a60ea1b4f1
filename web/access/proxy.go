package access

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the addresses of proxies whose word is taken for who asks and
// whether he came by https.
type Proxies []netip.Prefix

// named are the words for addresses that cannot be reached from outside.
var named = map[string][]string{
	"loopback": {"127.0.0.0/8", "::1/128"},
	"private":  {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/7", "fe80::/10"},
}

// ParseProxies reads addresses, CIDRs and the words loopback and private.
func ParseProxies(texts []string) (Proxies, error) {
	var all Proxies
	for _, text := range texts {
		text = strings.TrimSpace(text)
		ranges, ok := named[text]
		if !ok {
			ranges = []string{text}
		}
		for _, one := range ranges {
			prefix, err := netip.ParsePrefix(one)
			if address, single := netip.ParseAddr(one); single == nil {
				address = address.Unmap()
				prefix, err = netip.PrefixFrom(address, address.BitLen()), nil
			}
			if err != nil {
				return nil, fmt.Errorf("trusting the proxy %q: it is no address; allowed are an address, a range such as 10.0.0.0/8, loopback, and private", text)
			}
			all = append(all, prefix.Masked())
		}
	}
	return all, nil
}

func (p Proxies) trusted(address netip.Addr) bool {
	for _, prefix := range p {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}

// peer is who holds the other end of the connection.
func peer(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}

// FromProxy says whether a request came through a proxy whose word is taken.
func (p Proxies) FromProxy(r *http.Request) bool { return p.trusted(peer(r)) }

// Client is the address a request comes from: the last in X-Forwarded-For that
// is no trusted proxy, and only as far as trusted ones have written it.
func (p Proxies) Client(r *http.Request) netip.Addr {
	client := peer(r)
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && p.trusted(client); i-- {
		hop := strings.TrimSpace(hops[i])
		if host, _, err := net.SplitHostPort(hop); err == nil {
			hop = host
		}
		address, err := netip.ParseAddr(strings.Trim(hop, "[]"))
		if err != nil {
			break
		}
		client = address.Unmap().WithZone("")
	}
	return client
}

// Secure says whether the browser came by https.
func (p Proxies) Secure(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	if !p.FromProxy(r) {
		return false
	}
	protocols := strings.Split(strings.Join(r.Header.Values("X-Forwarded-Proto"), ","), ",")
	return strings.EqualFold(strings.TrimSpace(protocols[len(protocols)-1]), "https")
}

// neighbourhood is what the limiter counts an address by: a whole /64 of IPv6,
// which is what one person is given.
func neighbourhood(address netip.Addr) string {
	if address.Is6() {
		if prefix, err := address.Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return address.String()
}

// loopbackHost says whether the name by which a request calls this server is of
// this machine only. A page elsewhere can make a browser send requests here
// under its own name (DNS rebinding), not under these.
func loopbackHost(hostport string) bool {
	host := hostport
	if name, _, err := net.SplitHostPort(hostport); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.Trim(host, "[]"), ".")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}

// forwarded says whether a proxy has handed a request on.
func forwarded(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via"} {
		if r.Header.Get(name) != "" {
			return true
		}
	}
	return false
}
