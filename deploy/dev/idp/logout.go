package idp

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// logoutEvent is the member of a logout token that makes it one.
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// LogoutToken returns what an application is told when somebody signs out (OpenID
// Connect Back-Channel Logout): of all sessions, or of one. Options change it.
func (p *Provider) LogoutToken(client, subject, sid string, options ...Option) (string, error) {
	now := p.now().Unix()
	claims := map[string]any{
		"iss": p.url, "aud": client, "iat": now, "exp": now + int64(2*time.Minute/time.Second), "jti": rand.Text(),
		"events": map[string]any{logoutEvent: map[string]any{}},
	}
	if subject != "" {
		claims["sub"] = subject
	}
	if sid != "" {
		claims["sid"] = sid
	}
	for _, change := range options {
		change(claims)
	}
	return p.MintRaw(map[string]any{"typ": "logout+jwt"}, claims)
}

// SignOut tells all applications that want to know that a person has signed out.
func (p *Provider) SignOut(ctx context.Context, key string) error {
	person, ok := byKey(key)
	if !ok {
		return fmt.Errorf("%w: %q", ErrNobody, key)
	}
	for _, a := range p.storage.applications {
		if a.BackChannelLogoutURI == "" {
			continue
		}
		if err := p.tell(ctx, &a, person.ID); err != nil {
			return err
		}
	}
	return nil
}

func (p *Provider) tell(ctx context.Context, a *Application, subject string) error {
	token, err := p.LogoutToken(a.ID, subject, "")
	if err != nil {
		return err
	}
	body := strings.NewReader(url.Values{"logout_token": {token}}.Encode())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.BackChannelLogoutURI, body)
	if err != nil {
		return fmt.Errorf("telling %s: %w", a.ID, err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := cmp.Or(a.Client, http.DefaultClient).Do(r)
	if err != nil {
		return fmt.Errorf("telling %s: %w", a.ID, err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("telling %s: it answered %s", a.ID, answer.Status)
	}
	return nil
}

// devLogOut signs out whoever the query names, everywhere.
func (p *Provider) devLogOut(w http.ResponseWriter, r *http.Request) {
	if err := p.SignOut(r.Context(), r.FormValue("as")); err != nil {
		writeJSON(w, http.StatusBadGateway, map[string]any{"error": err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"signed_out": r.FormValue("as")})
}
