package identity

import (
	"time"

	"cpis/policy"
)

// Caller is who asks: a signed-in person, or a system acting for a named
// responsible person; always for one organisation. All but the Call is made from
// a verified token and nothing else, and is never changed afterwards.
type Caller struct {
	ID           string       // stable identifier at the issuer: the user's, or the client's if no person is signed in
	Name         string       // the person's name; empty for systems
	Title        string       // name of the selected job role, as the issuer states it
	ClientID     string       // the software that calls
	Issuer       string       // who vouches
	System       bool         // no person is signed in
	Roles        policy.Roles // what the issuer states; which of them count where is for the policy to decide
	Organisation string       // ODS code, or GSS code of a local authority
	Class        policy.Class // class of that organisation
	Assurance    int          // authenticator assurance level, 0 if not stated
	Expires      time.Time    // when the token ends

	Call
}

// Call is how a caller came to us. The face fills it in.
type Call struct {
	From      string // where the call came from, as far as entries record it
	Procedure string // the name of what was called, without its service
}
