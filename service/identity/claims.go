package identity

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"
	"time"

	"cpis/service/text"
)

// maxClaim is the longest text taken from a token. What is longer is a mistake
// or an attempt to fill the log.
const maxClaim = 256

// claims are the claims of a token, read strictly.
type claims map[string]any

// text returns the claim at p if it is a text fit to be written down: not
// empty, not long, and all of it to be seen. It is compared with others, so
// nothing of it is left out.
func (c claims) text(p path) (string, bool) {
	s, ok := p.find(c).(string)
	return s, ok && s != "" && fit(s) && text.Fold(s) == s
}

// optional returns the claim at p as people see it. It may be missing, but not
// unfit.
func (c claims) optional(p path) (string, bool) {
	if p == nil {
		return "", true
	}
	switch s := p.find(c).(type) {
	case nil:
		return "", true
	case string:
		return text.Fold(s), fit(s)
	default:
		return "", false
	}
}

func fit(s string) bool { return len(s) <= maxClaim && text.Fit(s) }

// time returns a NumericDate: seconds since 1970, possibly with a fraction.
func (c claims) time(name string) (time.Time, bool) {
	n, ok := c[name].(json.Number)
	if !ok {
		return time.Time{}, false
	}
	seconds, err := n.Float64()
	if err != nil || seconds < 0 || seconds > 1<<40 {
		return time.Time{}, false
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*1e9)).UTC(), true
}

// meantFor reports whether the audience holds one of our names. An audience
// is a text or a list of texts, and nothing else.
func (c claims) meantFor(audiences []string) bool {
	list, ok := c["aud"].([]any)
	if !ok {
		list = []any{c["aud"]}
	}
	found := false
	for _, one := range list {
		name, ok := one.(string)
		if !ok {
			return false
		}
		found = found || slices.Contains(audiences, name)
	}
	return found
}

// foreign are claims of ID tokens and logout tokens. Those are signed with the
// same keys as access tokens, but prove something else to somebody else.
var foreign = [...]string{"nonce", "at_hash", "c_hash", "s_hash", "events"}

// isAccessToken reports whether no claim says that the token is of another
// kind.
func (c claims) isAccessToken() bool {
	for _, name := range foreign {
		if _, has := c[name]; has {
			return false
		}
	}
	return true
}

// binding returns the SHA-256 of the client certificate that the token is bound
// to (RFC 8705), or nil if it is bound to nothing. A token that is bound to
// something else, or to something else as well, cannot be checked: not ok.
func (c claims) binding() (*[32]byte, bool) {
	cnf, bound := c["cnf"]
	if !bound {
		return nil, true
	}
	members, ok := cnf.(map[string]any)
	if !ok || len(members) != 1 {
		return nil, false
	}
	text, _ := members["x5t#S256"].(string)
	sum, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(sum) != 32 {
		return nil, false
	}
	return (*[32]byte)(sum), true
}

// checkTimes checks that the token has begun and not ended at now, and that it
// was not issued for longer than allowed. Only the beginning gets leeway: a
// token that ends early by our clock is asked for again, and no harm is done.
func (c claims) checkTimes(now time.Time, leeway, longest time.Duration) (expires time.Time, _ Reason) {
	expires, ok := c.time("exp")
	if !ok {
		return expires, Claims
	}
	issued, ok := c.time("iat")
	if !ok {
		return expires, Claims
	}
	begins := issued
	if _, has := c["nbf"]; has {
		if begins, ok = c.time("nbf"); !ok {
			return expires, Claims
		}
	}
	switch soon := now.Add(leeway); {
	case !now.Before(expires):
		return expires, Expired
	case begins.After(soon), issued.After(soon):
		return expires, NotYetValid
	case expires.Sub(issued) > longest:
		return expires, Lifetime
	}
	return expires, ""
}
