package identity

import (
	"errors"
)

// ErrUnauthenticated says that the token, or the certificate it is bound to,
// does not prove who calls. Its text is all that a caller may hear; why it was
// refused is for the operator, see [ReasonOf].
var ErrUnauthenticated = errors.New("not authenticated")

// ErrUnavailable says that a token can be neither accepted nor refused,
// because the key it names is not known and its issuer cannot be asked now.
var ErrUnavailable = errors.New("identity cannot be checked now")

// Reason is why a token was refused: one of a closed list, fit to label a
// metric. It never holds anything that stood in a token.
type Reason string

// The reasons.
const (
	Missing       Reason = "missing"        // no token
	TooLarge      Reason = "too_large"      // longer than any token should be
	Malformed     Reason = "malformed"      // not one compact JWS with two strict JSON objects
	Header        Reason = "header"         // a header that changes how to read or trust the token
	Type          Reason = "type"           // not an access token
	Algorithm     Reason = "algorithm"      // not an algorithm agreed with the issuer
	UnknownIssuer Reason = "unknown_issuer" // nobody we trust
	UnknownKey    Reason = "unknown_key"    // the issuer has no such key
	Signature     Reason = "signature"      // not signed with the key it names
	Claims        Reason = "claims"         // a claim that is needed is missing or cannot be used
	Expired       Reason = "expired"        // the token has ended
	NotYetValid   Reason = "not_yet_valid"  // the token has not begun
	Lifetime      Reason = "lifetime"       // the token lives longer than allowed
	Audience      Reason = "audience"       // the token is meant for another service
	Certificate   Reason = "certificate"    // bound to a certificate that the connection did not show
	Organisation  Reason = "organisation"   // the organisation is not known here
	NoRole        Reason = "no_role"        // no code is mapped to a role
)

// Reasons returns every reason, so that metrics can show those that have not
// happened yet.
func Reasons() []Reason {
	return []Reason{
		Missing, TooLarge, Malformed, Header, Type, Algorithm, UnknownIssuer, UnknownKey, Signature,
		Claims, Expired, NotYetValid, Lifetime, Audience, Certificate, Organisation, NoRole,
	}
}

// RefusalError is the error of a token that was refused. It is an
// [ErrUnauthenticated].
type RefusalError struct {
	Reason Reason // why
	Issuer string // the configured issuer the token named, empty if it named none
}

// Error returns a text for the operator. It holds nothing of the token.
func (e *RefusalError) Error() string {
	return ErrUnauthenticated.Error() + ": " + string(e.Reason)
}

// Is reports whether target is ErrUnauthenticated.
func (e *RefusalError) Is(target error) bool { return target == ErrUnauthenticated }

// ReasonOf returns why a token was refused, or an empty reason if err is not
// a refusal.
func ReasonOf(err error) Reason {
	if refusal, ok := errors.AsType[*RefusalError](err); ok {
		return refusal.Reason
	}
	return ""
}

func refuse(r Reason) error { return &RefusalError{Reason: r} }
