package webhook

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"cpis/service/deliver/outbound"
)

// Where nothing is sent, of IPv4: what is private, of this network or this
// machine, set aside for documentation, tests and protocols, or not one
// receiver's. From the registry of special-purpose addresses.
var closed4 = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
	"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
)

// open6 is what of IPv6 is given to networks of the Internet, and closed6 what
// of it is not: protocols (Teredo among them), documentation, and 6to4, which
// leads to addresses of IPv4.
var (
	open6   = netip.MustParsePrefix("2000::/3")
	closed6 = prefixes("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)

// translated is where gateways translate to IPv4: its last four bytes are an
// address of that.
var translated = netip.MustParsePrefix("64:ff9b::/96")

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		out[i] = netip.MustParsePrefix(text)
	}
	return out
}

// public reports whether an address is one of the Internet.
func public(a netip.Addr) bool {
	a = a.Unmap()
	switch {
	case !a.IsValid() || a.Zone() != "":
		return false
	case a.Is4():
		return !within(a, closed4)
	case translated.Contains(a):
		b := a.As16()
		return public(netip.AddrFrom4([4]byte(b[12:])))
	}
	return open6.Contains(a) && !within(a, closed6)
}

func within(a netip.Addr, list []netip.Prefix) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) })
}

// admits reports whether something may be sent to an address.
func (s *Sender) admits(a netip.Addr) bool {
	return public(a) || within(a.Unmap(), s.allowed)
}

// admit decides on an address and port that is about to be dialled.
func (s *Sender) admit(network, address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || network != "tcp4" && network != "tcp6" || !s.admits(at.Addr()) {
		return outbound.ErrBlocked()
	}
	return nil
}

// What is wrong with where an address leads. Where a name leads is decided when
// it is dialled; but what can lead nowhere else is refused when it is set.
const (
	problemPrivate = "must not lead into a private network, unless that is allowed here"
	problemNumber  = "must not write its address as a number in parts: give a name, or four numbers with dots"
)

// localNames are domains that are never of the Internet.
var localNames = []string{"localhost", "local", "internal", "home.arpa", "onion", "test", "invalid"}

// checkHost says what is wrong with a host.
func (s *Sender) checkHost(host string) (problem, right string) {
	a, err := netip.ParseAddr(host)
	switch {
	case err == nil && s.admits(a):
		return "", ""
	case err == nil:
		return problemPrivate, example
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	last := name[strings.LastIndexByte(name, '.')+1:]
	switch {
	case isNumber(last):
		return problemNumber, example
	case len(s.allowed) > 0: // and names may lead there
		return "", ""
	case last == name, slices.ContainsFunc(localNames, func(of string) bool { return strings.HasSuffix(name, "."+of) }):
		return problemPrivate, example
	}
	return "", ""
}

// isNumber reports whether the last part of a host makes it an address to those
// who dial it, as in 127.1, 0x7f.1 and 2130706433.
func isNumber(last string) bool {
	if _, err := strconv.ParseUint(last, 0, 64); err == nil {
		return true
	}
	return strings.Trim(last, "0123456789") == ""
}
