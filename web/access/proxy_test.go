package access

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func request(remote string, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "http://punctual.example/", nil)
	r.RemoteAddr = remote
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Add(name, value)
	}
	return r
}

func TestTheClientIsTheLastThatNoTrustedProxyIs(t *testing.T) {
	tests := []struct {
		sentence string
		trust    string
		remote   string
		headers  []string
		want     string
	}{
		{"nobody is trusted", "", "10.0.0.1:1", []string{"X-Forwarded-For: 192.0.2.1"}, "10.0.0.1"},
		{"another is trusted", "10.0.0.2", "10.0.0.1:1", []string{"X-Forwarded-For: 192.0.2.1"}, "10.0.0.1"},
		{"a proxy tells", "private", "10.0.0.1:1", []string{"X-Forwarded-For: 192.0.2.1"}, "192.0.2.1"},
		{"what the client wrote itself is not believed", "private", "10.0.0.1:1", []string{"X-Forwarded-For: 198.51.100.7, 192.0.2.1"}, "192.0.2.1"},
		{"in a header of its own neither", "private", "10.0.0.1:1", []string{"X-Forwarded-For: 198.51.100.7", "X-Forwarded-For: 192.0.2.1"}, "192.0.2.1"},
		{"through two proxies", "private", "10.0.0.1:1", []string{"X-Forwarded-For: 192.0.2.1, 10.9.9.9"}, "192.0.2.1"},
		{"all are proxies", "private", "10.0.0.1:1", []string{"X-Forwarded-For: 10.9.9.9"}, "10.9.9.9"},
		{"a proxy tells nothing", "private", "10.0.0.1:1", nil, "10.0.0.1"},
		{"a proxy tells nonsense", "private", "10.0.0.1:1", []string{"X-Forwarded-For: unknown"}, "10.0.0.1"},
		{"with a port", "loopback", "127.0.0.1:1", []string{"X-Forwarded-For: 192.0.2.1:4711"}, "192.0.2.1"},
		{"IPv6 with a port", "loopback", "[::1]:1", []string{"X-Forwarded-For: [2001:db8::1]:4711"}, "2001:db8::1"},
		{"IPv4 in IPv6", "10.0.0.0/8", "[::ffff:10.0.0.1]:1", []string{"X-Forwarded-For: ::ffff:192.0.2.1"}, "192.0.2.1"},
	}
	for _, test := range tests {
		t.Run(test.sentence, func(t *testing.T) {
			proxies, err := ParseProxies(strings.Fields(test.trust))
			if err != nil {
				t.Fatal(err)
			}
			if got := proxies.Client(request(test.remote, test.headers...)).String(); got != test.want {
				t.Errorf("the client is %s, want %s", got, test.want)
			}
		})
	}
}

func TestOnlyATrustedProxyIsBelievedThatABrowserCameByHTTPS(t *testing.T) {
	proxies, err := ParseProxies([]string{"192.0.2.0/24", "loopback"})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		remote, header string
		want           bool
	}{
		{"192.0.2.1:1", "X-Forwarded-Proto: https", true},
		{"192.0.2.1:1", "X-Forwarded-Proto: HTTPS", true},
		{"192.0.2.1:1", "X-Forwarded-Proto: http", false},
		{"192.0.2.1:1", "X-Forwarded-Proto: https, http", false},
		{"192.0.2.1:1", "X-Other: https", false},
		{"192.0.3.1:1", "X-Forwarded-Proto: https", false},
		{"nonsense", "X-Forwarded-Proto: https", false},
	}
	for _, test := range tests {
		if got := proxies.Secure(request(test.remote, test.header)); got != test.want {
			t.Errorf("%s with %s: secure %v, want %v", test.remote, test.header, got, test.want)
		}
	}
}

func TestWhatIsNoProxyIsRefusedWithAdvice(t *testing.T) {
	for _, text := range []string{"", "everyone", "10.0.0.0/33", "10.0.0", "*"} {
		if _, err := ParseProxies([]string{text}); err == nil || !strings.Contains(err.Error(), "loopback, and private") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestNamesOfThisMachineAreToldFromOthers(t *testing.T) {
	tests := map[string]bool{
		"localhost": true, "localhost:8080": true, "LOCALHOST": true, "localhost.": true, "127.0.0.1:80": true, "127.1.2.3": true,
		"[::1]:8080": true, "[::1]": true, "[::ffff:127.0.0.1]": true,
		"": false, "localhost.example": false, "127.0.0.1.example": false, "192.0.2.1": false, "0.0.0.0": false, "[::]": false,
		"example.com:8080": false, "localhost@example.com": false, "127.0.0.1:80:80": false,
	}
	for host, want := range tests {
		if got := loopbackHost(host); got != want {
			t.Errorf("%q: %v, want %v", host, got, want)
		}
	}
}

func TestAWholeNetworkOfIPv6CountsAsOne(t *testing.T) {
	one, other := peer(request("[2001:db8::1]:1")), peer(request("[2001:db8::ffff:2]:1"))
	if neighbourhood(one) != neighbourhood(other) {
		t.Errorf("%s and %s are two", one, other)
	}
	if a, b := peer(request("192.0.2.1:1")), peer(request("192.0.2.2:1")); neighbourhood(a) == neighbourhood(b) {
		t.Errorf("%s and %s are one", a, b)
	}
}
