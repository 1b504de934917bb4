package rpc_test

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"cpis/service/identity"
	"cpis/service/rpc"
)

func withSources(s rpc.Sources) option { return func(c *rpc.Config) { c.Sources = s } }

// lookUpAs makes a look-up over HTTP with a token and headers given as pairs, and
// returns the status.
func lookUpAs(t *testing.T, c *http.Client, url, token string, headers ...string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/cpis.v1.LookupService/LookUp", strings.NewReader(`{"nhsNumber":"9990000018"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	res, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// Where a call comes from is what the connection says, and what proxies of ours
// say; whatever anybody else says is not believed.
func TestCallersSayNotWhereTheyCallFrom(t *testing.T) {
	t.Parallel()
	const xff = "X-Forwarded-For"
	here := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.20.0.0/16")}
	for _, tt := range []struct {
		name    string
		sources rpc.Sources
		headers []string
		want    string
	}{
		{"NoProxy", rpc.Sources{}, nil, "127.0.0.0/24"},
		{"NoProxyWhole", rpc.Sources{Whole: true}, nil, "127.0.0.1"},
		{"SpoofedByAStranger", rpc.Sources{}, []string{xff, "198.51.100.7"}, "127.0.0.0/24"},
		{"SpoofedBesideOtherProxies", rpc.Sources{Proxies: here[1:]}, []string{xff, "198.51.100.7"}, "127.0.0.0/24"},
		{"ThroughAProxy", rpc.Sources{Proxies: here}, []string{xff, "198.51.100.7"}, "198.51.100.0/24"},
		{"ThroughAProxyWhole", rpc.Sources{Proxies: here, Whole: true}, []string{xff, "198.51.100.7"}, "198.51.100.7"},
		{"ThroughTwoProxies", rpc.Sources{Proxies: here}, []string{xff, "198.51.100.7, 10.20.3.4"}, "198.51.100.0/24"},
		{"InTwoHeaders", rpc.Sources{Proxies: here}, []string{xff, "198.51.100.7", xff, "10.20.3.4"}, "198.51.100.0/24"},
		{"SpoofedThroughAProxy", rpc.Sources{Proxies: here}, []string{xff, "192.0.2.1, 198.51.100.7"}, "198.51.100.0/24"},
		{"ProxiesOnly", rpc.Sources{Proxies: here}, []string{xff, "10.20.7.8, 10.20.3.4"}, "10.20.7.0/24"},
		{"ProxySaysNothing", rpc.Sources{Proxies: here}, nil, "127.0.0.0/24"},
		{"ProxySaysNonsense", rpc.Sources{Proxies: here}, []string{xff, "198.51.100.7, unknown"}, "127.0.0.0/24"},
		{"NonsenseBehindAProxy", rpc.Sources{Proxies: here}, []string{xff, "9990000018, 10.20.3.4"}, "10.20.3.0/24"},
		{"WithAPort", rpc.Sources{Proxies: here}, []string{xff, "198.51.100.7:4711"}, "198.51.100.0/24"},
		{"IPv6", rpc.Sources{Proxies: here}, []string{xff, "2001:db8:7:8::9"}, "2001:db8:7::/48"},
		{"IPv6WithAPort", rpc.Sources{Proxies: here}, []string{xff, "[2001:db8:7:8::9]:4711"}, "2001:db8:7::/48"},
		{"IPv4InIPv6", rpc.Sources{Proxies: here}, []string{xff, "::ffff:198.51.100.7"}, "198.51.100.0/24"},
		{"AZone", rpc.Sources{Proxies: here, Whole: true}, []string{xff, "fe80::1%eth0"}, "fe80::1"},
		{"AnotherHeader", rpc.Sources{Proxies: here, Header: "X-Real-Ip"}, []string{"X-Real-Ip", "198.51.100.7", xff, "192.0.2.1"}, "198.51.100.0/24"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, withSources(tt.sources))
			s := b.serveTLS(t)
			if status := lookUpAs(t, s.Client(), s.URL, nurseToken, tt.headers...); status != http.StatusOK {
				t.Fatalf("status %d", status)
			}
			want := identity.Call{From: tt.want, Procedure: "LookUp"}
			if got := b.uses.callers[0].Call; got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

// All calls of a connection come from one place, but for those that a proxy passes
// on.
func TestCallsOfOneConnection(t *testing.T) {
	t.Parallel()
	b := newBench(t, withSources(rpc.Sources{Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}, Whole: true}))
	listen, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := rpc.NewServer(b.handler, nil, zerolog.Nop())
	go func() { _ = server.Serve(listen) }()
	t.Cleanup(func() { _ = server.Close() })
	var want []string
	for _, peer := range []string{"127.0.0.1", "127.0.0.2"} {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(peer)}}
		c := &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext}}
		t.Cleanup(c.CloseIdleConnections)
		for _, said := range []string{"198.51.100.7", "198.51.100.8"} {
			lookUpAs(t, c, "http://"+listen.Addr().String(), nurseToken, "X-Forwarded-For", said)
			if peer == "127.0.0.2" {
				want = append(want, said)
			} else {
				want = append(want, peer)
			}
		}
	}
	var got []string
	for _, c := range b.uses.callers {
		got = append(got, c.From)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Calls without a valid token are told of, with where from and why.
func TestStrangersAreToldOf(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	met := map[string]int{}
	b := newBench(t, func(c *rpc.Config) {
		c.Strangers = func(from string, why identity.Reason) {
			mu.Lock()
			defer mu.Unlock()
			met[from+" "+string(why)]++
		}
	})
	s := b.serveTLS(t)
	for token, status := range map[string]int{nurseToken: 200, "another": 401, "": 401} {
		if got := lookUpAs(t, s.Client(), s.URL, token); got != status {
			t.Errorf("%q: status %d, want %d", token, got, status)
		}
	}
	b.door.err = identity.ErrUnavailable
	lookUpAs(t, s.Client(), s.URL, nurseToken)
	mu.Lock()
	defer mu.Unlock()
	for _, want := range []string{"signature", "missing", ""} {
		if met["127.0.0.0/24 "+want] != 1 {
			t.Errorf("%q: met %v", want, met)
		}
	}
	if len(met) != 3 {
		t.Errorf("met %v", met)
	}
}

func FuzzSources(f *testing.F) {
	f.Add("198.51.100.7, 10.20.3.4")
	f.Add("[2001:db8::1]:80,::ffff:10.20.0.1")
	f.Add("fe80::1%9990000018")
	f.Add(",,")
	s := rpc.Sources{Proxies: []netip.Prefix{netip.MustParsePrefix("10.20.0.0/16")}}
	f.Fuzz(func(t *testing.T, said string) {
		got := rpc.SourceBehind(&s, netip.MustParseAddr("10.20.0.1"), said)
		if p, err := netip.ParsePrefix(got); err != nil || p.String() != got || p.Masked() != p || p.Bits() != 24 && p.Bits() != 48 {
			t.Errorf("%q comes from %q", said, got)
		}
	})
}

// An entry names a procedure without its service: no two may be called alike.
func TestProceduresAreToldApartByTheirNames(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for path, method := range rpc.Methods() {
		if other, ok := seen[method]; ok || method == "" || !strings.HasSuffix(path, "/"+method) {
			t.Errorf("%s and %s are both %q in entries", path, other, method)
		}
		seen[method] = path
	}
}
