package rpc

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Sources says where calls come from, as entries of the log record it. The zero
// value believes the connection alone, and keeps networks instead of addresses.
type Sources struct {
	// Proxies are networks of proxies that may say for whom they ask. What anybody
	// else says is not read.
	Proxies []netip.Prefix
	// Header is where proxies say so: addresses separated by commas, the nearest
	// last. Empty: X-Forwarded-For.
	Header string
	// Whole keeps whole addresses.
	Whole bool
}

// How much of an address is kept: a site, not a machine.
const (
	keptOfIPv4 = 24
	keptOfIPv6 = 48
)

// headerForwarded is where proxies say for whom they ask, if nothing else is
// configured.
const headerForwarded = "X-Forwarded-For"

// of returns where a call comes from, of a connection from an address; nothing if
// that is none.
func (s *Sources) of(ctx context.Context, address string, sent sentHeaders) string {
	visitor, _ := ctx.Value(visitorKey{}).(*visitor)
	if visitor != nil {
		if from := visitor.from.Load(); from != nil {
			return *from
		}
	}
	peer, err := netip.ParseAddrPort(address)
	if err != nil {
		return ""
	}
	if s.isProxy(peer.Addr()) {
		return s.text(s.behind(peer.Addr(), sent.Values(s.header())))
	}
	from := s.text(peer.Addr())
	if visitor != nil {
		visitor.from.Store(&from) // the same for all calls of the connection
	}
	return from
}

// Of returns where a request comes from, as entries record it; nothing if that is not
// known.
func (s *Sources) Of(r *http.Request) string { return s.of(r.Context(), r.RemoteAddr, r.Header) }

func (s *Sources) header() string {
	if s.Header == "" {
		return headerForwarded
	}
	return s.Header
}

// behind returns for whom a proxy asks: the nearest address that is no proxy of
// ours. What cannot be read ends the search, for whoever wrote it may have made up
// what stands before it.
func (s *Sources) behind(proxy netip.Addr, said []string) netip.Addr {
	nearest := proxy
	for _, one := range slices.Backward(strings.Split(strings.Join(said, ","), ",")) {
		address, ok := readAddress(strings.TrimSpace(one))
		if !ok {
			break
		}
		if nearest = address; !s.isProxy(address) {
			break
		}
	}
	return nearest
}

// readAddress reads an address as proxies write it: with a port or without.
func readAddress(text string) (netip.Addr, bool) {
	if address, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return address, true
	}
	address, err := netip.ParseAddrPort(text)
	return address.Addr(), err == nil
}

func (s *Sources) isProxy(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	return slices.ContainsFunc(s.Proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// text returns an address as entries have it.
func (s *Sources) text(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	kept := keptOfIPv6
	if a.Is4() {
		kept = keptOfIPv4
	}
	if s.Whole {
		return a.String()
	}
	network, err := a.Prefix(kept)
	if err != nil {
		return "" // never: an address has so many bits
	}
	return network.String()
}
