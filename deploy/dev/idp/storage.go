package idp

import (
	"context"
	"crypto/subtle"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

const (
	// signInTime is how long a person has to sign in, and an application to
	// fetch the tokens.
	signInTime = 10 * time.Minute
	// maxSignIns is how many can be under way at once.
	maxSignIns = 1000
)

var (
	errNoSignIn    = errors.New("no such sign-in")
	errNoClient    = errors.New("no such application")
	errUnsupported = errors.New("not supported here")
)

// storage is what the library keeps its state in. Its methods are the
// library's, which documents them; what is not needed is refused.
type storage struct {
	provider     *Provider
	applications []Application

	mu      sync.Mutex
	signIns map[string]*signIn // by id
	codes   map[string]string  // id of the sign-in, by code
}

var _ op.Storage = (*storage)(nil)

func newStorage(p *Provider, applications []Application) *storage {
	return &storage{
		provider: p, applications: applications,
		signIns: make(map[string]*signIn), codes: make(map[string]string),
	}
}

// signIn returns a sign-in that is under way.
func (s *storage) signIn(id string) (*signIn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.signIns[id]
	if !ok || s.provider.now().Sub(found.begun) > signInTime {
		return nil, errNoSignIn
	}
	return found, nil
}

// finish says who signed in. Nobody can change that afterwards.
func (s *storage) finish(id string, person Person, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	under, ok := s.signIns[id]
	if !ok || under.done {
		return errNoSignIn
	}
	finished := *under
	finished.done, finished.person, finished.at = true, person, now
	s.signIns[id] = &finished
	return nil
}

// CreateAuthRequest begins a sign-in.
func (s *storage) CreateAuthRequest(_ context.Context, r *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	if r.CodeChallenge == "" || r.CodeChallengeMethod != oidc.CodeChallengeMethodS256 {
		return nil, oidc.ErrInvalidRequest().WithDescription("a code challenge by S256 is needed")
	}
	if slices.Contains(r.Prompt, oidc.PromptNone) {
		return nil, oidc.ErrLoginRequired()
	}
	now := s.provider.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, old := range s.signIns {
		if now.Sub(old.begun) > signInTime {
			s.forgetLocked(id)
		}
	}
	if len(s.signIns) >= maxSignIns {
		return nil, oidc.ErrServerError().WithDescription("too many are signing in")
	}
	begun := newSignIn(r, now)
	s.signIns[begun.id] = begun
	return begun, nil
}

// AuthRequestByID returns a sign-in.
func (s *storage) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	return s.signIn(id)
}

// SaveAuthCode keeps the code of a sign-in.
func (s *storage) SaveAuthCode(_ context.Context, id, code string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codes[code] = id
	return nil
}

// AuthRequestByCode ends a sign-in: a code counts once, whatever comes of it.
func (s *storage) AuthRequestByCode(_ context.Context, code string) (op.AuthRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, ok := s.codes[code]
	if !ok {
		return nil, errNoSignIn
	}
	found := s.signIns[id]
	s.forgetLocked(id)
	if found == nil || s.provider.now().Sub(found.begun) > signInTime {
		return nil, errNoSignIn
	}
	return found, nil
}

// DeleteAuthRequest forgets a sign-in.
func (s *storage) DeleteAuthRequest(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgetLocked(id)
	return nil
}

func (s *storage) forgetLocked(id string) {
	delete(s.signIns, id)
	for code, of := range s.codes {
		if of == id {
			delete(s.codes, code)
		}
	}
}

// GetClientByClientID returns an application.
func (s *storage) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	for _, a := range s.applications {
		if a.ID == id {
			return client{a, s.provider}, nil
		}
	}
	return nil, errNoClient
}

// AuthorizeClientIDSecret checks the secret of an application that has one.
func (s *storage) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	for _, a := range s.applications {
		if a.ID == id && a.Secret != "" && subtle.ConstantTimeCompare([]byte(a.Secret), []byte(secret)) == 1 {
			return nil
		}
	}
	return errNoClient
}

// SetUserinfoFromScopes puts into an ID token what the scopes ask for.
func (s *storage) SetUserinfoFromScopes(_ context.Context, info *oidc.UserInfo, user, _ string, asked []string) error {
	return fill(info, user, asked)
}

// SetUserinfoFromRequest puts into an ID token what this sign-in is: how strong it
// was, and how its session is called.
func (s *storage) SetUserinfoFromRequest(_ context.Context, info *oidc.UserInfo, r op.IDTokenRequest, _ []string) error {
	if begun, ok := r.(*signIn); ok {
		info.AppendClaims("authentication_assurance_level", strconv.Itoa(begun.level()))
		info.AppendClaims("sid", begun.sid)
	}
	return nil
}

// SetUserinfoFromToken answers whoever holds an access token with all there is
// to say.
func (s *storage) SetUserinfoFromToken(_ context.Context, info *oidc.UserInfo, _, user, _ string) error {
	return fill(info, user, scopes[:])
}

// fill says of a person what the scopes ask for, named as in CIS2.
func fill(info *oidc.UserInfo, user string, asked []string) error {
	person, ok := byID(user)
	if !ok || person.System {
		return ErrNobody
	}
	info.Subject = person.ID
	for _, scope := range asked {
		switch scope {
		case oidc.ScopeProfile:
			info.Name, info.GivenName, info.FamilyName = person.Name, person.GivenName, person.FamilyName
		case scopePerson:
			info.AppendClaims("nhsid_useruid", person.ID)
			info.AppendClaims("uid", person.ID)
		case scopeAccess:
			info.AppendClaims("nhsid_nrbac_roles", person.roles())
		case scopeSelected:
			if person.selected() {
				info.AppendClaims("selected_roleid", person.roleProfile)
			}
		case oidc.ScopeOpenID:
			for name, v := range person.assurance(person.signsInAt(false)) {
				info.AppendClaims(name, v)
			}
		}
	}
	return nil
}

// SigningKey returns the key that signs ID tokens.
func (s *storage) SigningKey(context.Context) (op.SigningKey, error) {
	return signingKey{s.provider.keys.signing()}, nil
}

// SignatureAlgorithms returns what tokens are signed with.
func (s *storage) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{algorithm}, nil
}

// KeySet returns the keys that are published.
func (s *storage) KeySet(context.Context) ([]op.Key, error) {
	var all []op.Key
	for _, k := range s.provider.keys.public() {
		all = append(all, publicKey{k})
	}
	return all, nil
}

// Health says that all is well, as there is nothing that could be away.
func (s *storage) Health(context.Context) error { return nil }

// TerminateSession has nothing to end: there are no sessions here.
func (s *storage) TerminateSession(context.Context, string, string) error { return nil }

// CreateAccessToken is not called, as the token endpoint is our own.
func (s *storage) CreateAccessToken(context.Context, op.TokenRequest) (string, time.Time, error) {
	return "", time.Time{}, errUnsupported
}

// CreateAccessAndRefreshTokens is refused: there are no refresh tokens.
func (s *storage) CreateAccessAndRefreshTokens(context.Context, op.TokenRequest, string) (access, refresh string, expires time.Time, err error) {
	return "", "", time.Time{}, errUnsupported
}

// TokenRequestByRefreshToken is refused: there are no refresh tokens.
func (s *storage) TokenRequestByRefreshToken(context.Context, string) (op.RefreshTokenRequest, error) {
	return nil, errUnsupported
}

// RevokeToken is refused: tokens end by themselves.
func (s *storage) RevokeToken(context.Context, string, string, string) *oidc.Error {
	return oidc.ErrUnsupportedGrantType()
}

// GetRefreshTokenInfo is refused: there are no refresh tokens.
func (s *storage) GetRefreshTokenInfo(context.Context, string, string) (user, token string, err error) {
	return "", "", op.ErrInvalidRefreshToken
}

// SetIntrospectionFromToken is refused: tokens are checked by their signature.
func (s *storage) SetIntrospectionFromToken(context.Context, *oidc.IntrospectionResponse, string, string, string) error {
	return errUnsupported
}

// GetPrivateClaimsFromScopes is not called, as the token endpoint is our own.
func (s *storage) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return nil, errUnsupported
}

// GetKeyByIDAndClientID is refused: applications have no keys.
func (s *storage) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, errUnsupported
}

// ValidateJWTProfileScopes is refused: there is no such grant.
func (s *storage) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, errUnsupported
}
