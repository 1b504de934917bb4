package identity

import (
	"cmp"
	"errors"
	"maps"
	"regexp"
	"slices"
)

// Pages says how people log in to the pages at an issuer, which is an OpenID
// provider: by the authorization code flow with PKCE.
type Pages struct {
	// Path names the provider in addresses, /log-in/PATH: small letters, digits and
	// hyphens. Required.
	Path string `json:"path,omitzero"`

	// Name is what stands on the button: "NHS Care Identity". Required.
	Name string `json:"name,omitzero"`

	// Client is the client id of the pages at the provider. Required. It must not be
	// one of the audiences.
	Client string `json:"client,omitzero"`

	// SecretFile is a file with the client's secret. It or KeyFile is required.
	SecretFile string `json:"secret_file,omitzero"`

	// KeyFile is a PEM file with the private key with which the client signs in
	// instead of a secret (private_key_jwt), RSA or P-256, and KeyID its name at the
	// provider.
	KeyFile string `json:"key_file,omitzero"`
	KeyID   string `json:"key_id,omitzero"`

	// Scopes are what is asked for. Default openid and profile.
	Scopes []string `json:"scopes,omitzero"`

	// UserInfo asks the provider's userinfo endpoint for claims that the ID token
	// does not hold.
	UserInfo bool `json:"user_info,omitzero"`

	// ACR is how strong every log-in has to be, in the provider's words. Empty for
	// whatever the provider does.
	ACR string `json:"acr,omitzero"`

	// StrongerACR is what is asked for where level 3 is needed, such as AAL3_ANY.
	// Empty if the provider knows of none: then nobody is asked.
	StrongerACR string `json:"stronger_acr,omitzero"`

	// Help says whom to ask for a role, as a sentence.
	Help string `json:"help,omitzero"`
}

// defaultScopes are asked for if nobody says otherwise.
var defaultScopes = []string{"openid", "profile"}

// pathForm is what names a provider in addresses.
var pathForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// check notes what is wrong with the settings.
func (p *Pages) check(at string, of *Issuer, audiences []string, m *mistakes) {
	at += ".pages"
	switch {
	case !pathForm.MatchString(p.Path):
		m.add(at+".path", "must be small letters, digits and hyphens, such as nhs-care-identity")
	case of.People == nil:
		m.add(at, "needs people: nobody else logs in to pages")
	}
	if p.Name == "" {
		m.add(at+".name", "is needed")
	}
	if p.Client == "" {
		m.add(at+".client", "is needed")
	}
	if slices.Contains(audiences, p.Client) {
		m.add(at+".client", "is one of the audiences: ID tokens of the pages would be taken for access tokens")
	}
	if (p.SecretFile == "") == (p.KeyFile == "") {
		m.add(at+".secret_file", "is needed, or key_file instead")
	}
	if (p.KeyFile == "") != (p.KeyID == "") {
		m.add(at+".key_id", "and key_file belong together")
	}
}

// LogIn is a provider at which people log in to the pages.
type LogIn struct {
	Pages

	URL        string   // the issuer
	Algorithms []string // of its ID tokens
}

// LogIns returns the providers at which people log in to the pages, by name.
func (v *Verifier) LogIns() []LogIn {
	var all []LogIn
	for _, i := range v.issuers {
		if i.pages == nil {
			continue
		}
		one := LogIn{Pages: *i.pages, URL: i.url, Algorithms: slices.Sorted(maps.Keys(i.algorithms))}
		if len(one.Scopes) == 0 {
			one.Scopes = defaultScopes
		}
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b LogIn) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Somebody is a person whom an issuer vouches for at a log-in to the pages.
type Somebody struct {
	// Caller is what the issuer says they act as. If it says nothing, or nothing that
	// counts here, the caller has neither organisation nor roles.
	Caller Caller
	// Choices are all that they can be, each once: the job roles of which the
	// mapping chooses one, if it does.
	Choices []Caller
}

// maxChoices is how many job roles of a person are looked at.
const maxChoices = 200

// Somebody reads who it is from the claims of an ID token that was verified, and
// from the answer of the userinfo endpoint, if there is one: by the same mapping
// as access tokens. An error is ErrUnauthenticated.
func (v *Verifier) Somebody(issuer string, idToken, userInfo []byte) (*Somebody, error) {
	i := v.issuers[issuer]
	if i == nil || i.people == nil || i.pages == nil {
		return nil, refuse(UnknownIssuer)
	}
	c, err := together(idToken, userInfo)
	if err != nil {
		return nil, &RefusalError{Claims, issuer}
	}
	person, reason := i.people.person(c)
	if reason != "" {
		return nil, &RefusalError{reason, issuer}
	}
	out := &Somebody{Caller: v.ofPages(i, person)}
	for _, one := range i.people.choices(c) {
		one = v.ofPages(i, one)
		if v.Place(&one) == nil && !slices.Contains(out.Choices, one) {
			out.Choices = append(out.Choices, one)
		}
	}
	if stated, reason := i.people.caller(c); reason == "" {
		stated = v.ofPages(i, stated)
		if v.Place(&stated) == nil {
			out.Caller = stated
		}
	}
	return out, nil
}

func (v *Verifier) ofPages(i *issuer, c Caller) Caller {
	c.Issuer, c.ClientID = i.url, i.pages.Client
	return c
}

// Place finds the class of a caller's organisation, as it is now. An error says that
// the organisation is not known any more, or that the issuer's people do not log in
// to the pages any more.
func (v *Verifier) Place(c *Caller) error {
	if i := v.issuers[c.Issuer]; i == nil || i.pages == nil || i.pages.Client != c.ClientID {
		return refuse(UnknownIssuer)
	}
	class, known := v.directory.Class(c.Organisation)
	if !known {
		return &RefusalError{Organisation, c.Issuer}
	}
	c.Class = class
	return nil
}

// errOtherSubject says that userinfo and ID token do not belong together.
var errOtherSubject = errors.New("userinfo is about somebody else")

// together returns the claims of an ID token, and those that only userinfo has. Both
// must be about the same subject.
func together(idToken, userInfo []byte) (claims, error) {
	c, err := parseObject(idToken)
	if err != nil || userInfo == nil {
		return c, err
	}
	more, err := parseObject(userInfo)
	if err != nil {
		return nil, err
	}
	if subject, ok := c["sub"].(string); !ok || more["sub"] != any(subject) {
		return nil, errOtherSubject
	}
	for name, value := range more {
		if _, has := c[name]; !has {
			c[name] = value
		}
	}
	return c, nil
}

// choices returns all callers that the claims allow: if the mapping chooses one
// object of a list, the callers of each.
func (m *mapping) choices(c claims) []Caller {
	at, list := m.choosing(c)
	if at == nil {
		if one, reason := m.caller(c); reason == "" {
			return []Caller{one}
		}
		return nil
	}
	var all []Caller
	for _, o := range list[:min(len(list), maxChoices)] {
		object, _ := o.(map[string]any)
		name, ok := object[at.member].(string)
		if !ok {
			continue
		}
		one := maps.Clone(c)
		one[at.claim] = name
		if caller, reason := m.caller(one); reason == "" {
			all = append(all, caller)
		}
	}
	return all
}

// choosing returns the step by which the organisation is chosen, and the list that
// it chooses from; nil if it is not chosen.
func (m *mapping) choosing(c claims) (*step, []any) {
	var v any = map[string]any(c)
	for i := range m.organisation {
		object, _ := v.(map[string]any)
		v = object[m.organisation[i].name]
		if m.organisation[i].member != "" {
			list, _ := v.([]any)
			return &m.organisation[i], list
		}
	}
	return nil, nil
}
