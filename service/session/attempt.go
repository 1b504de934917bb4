package session

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	"cpis/service/record"
)

// attemptFor is how long somebody has to log in at a provider.
const attemptFor = 10 * time.Minute

// Attempt is a log-in that has begun. The browser keeps it, sealed, until it comes
// back from the provider: strangers begin attempts, and nothing is stored for them.
type Attempt struct {
	Provider string    `json:"provider"` // its name in addresses
	State    string    `json:"-"`        // under which the browser keeps it
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"` // of PKCE
	To       string    `json:"to,omitempty"`
	Confirms bool      `json:"confirms,omitempty"` // a stronger log-in of a session that there is
	Began    time.Time `json:"began"`
}

// Begin seals an attempt for the browser to keep.
func (s *Sessions) Begin(a Attempt) (string, error) {
	a.Began = s.clock.Moment()
	text, err := json.Marshal(a)
	if err != nil {
		return "", errors.New("encoding log-in")
	}
	return base64.RawURLEncoding.EncodeToString(s.ring.SealBriefly(text, record.AttemptContext(a.State))), nil
}

// Resume opens what Begin sealed for a state. The error is ErrEnded.
func (s *Sessions) Resume(kept, state string) (a Attempt, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(kept)
	if err != nil {
		return a, ErrEnded
	}
	text, err := s.ring.OpenBriefly(raw, record.AttemptContext(state))
	if err != nil || json.Unmarshal(text, &a) != nil || !s.clock.Now().Before(a.Began.Add(attemptFor)) {
		return Attempt{}, ErrEnded
	}
	a.State = state
	return a, nil
}
