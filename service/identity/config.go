package identity

import (
	"errors"
	"net/http"
	"time"
)

// Limits and defaults of a Config.
const (
	maxLeeway           = time.Minute
	maxTokenLifetime    = 24 * time.Hour
	defaultLeeway       = 30 * time.Second
	defaultMaxLifetime  = time.Hour
	defaultRemember     = 16384
	defaultRefreshKeys  = 5 * time.Minute
	defaultRetryKeys    = 10 * time.Second
	defaultKeepKeys     = 24 * time.Hour
	defaultFetchTimeout = 5 * time.Second
	defaultClient       = "client_id"
	defaultID           = "sub"
)

// Config says whose tokens count and how to read them. It can be written in Go
// or read from a JSON file with [LoadConfig]; the JSON names are in the tags.
// What is left out gets its default.
type Config struct {
	// Audiences are the names of this service. A token must be meant for at
	// least one of them. None may be the client id of an application, or that
	// application's ID tokens would name this service. Required.
	Audiences []string `json:"audiences"`

	// Issuers are the issuers that are trusted, each with its own rules.
	// Required.
	Issuers []Issuer `json:"issuers"`

	// Leeway is how far an issuer's clock may run ahead of ours: it is granted
	// to a token's beginning, not to its end. At most 60s; default 30s.
	Leeway Duration `json:"leeway,omitzero"`

	// MaxLifetime is the longest time a token may be valid, from its issue to
	// its end. At most 24h; default 1h.
	MaxLifetime Duration `json:"max_lifetime,omitzero"`

	// Remember is how many verified tokens are remembered. One takes about a
	// kilobyte. Default 16384.
	Remember int `json:"remember,omitzero"`

	// RefreshKeys is how often an issuer's keys are asked for while tokens
	// arrive. A key that the issuer withdraws stops counting within this time.
	// Default 5m.
	RefreshKeys Duration `json:"refresh_keys,omitzero"`

	// RetryKeys is the least time between two questions to one issuer, after a
	// failure or when tokens name keys that nobody knows. Default 10s.
	RetryKeys Duration `json:"retry_keys,omitzero"`

	// KeepKeys is how long keys count that the issuer has not confirmed,
	// because it cannot be reached. Default 24h.
	KeepKeys Duration `json:"keep_keys,omitzero"`

	// FetchTimeout is how long an issuer has to answer with its keys.
	// Default 5s.
	FetchTimeout Duration `json:"fetch_timeout,omitzero"`

	// Client fetches keys. Redirects are never followed. If nil, a client with
	// the system's root certificates and no cookies is used.
	Client *http.Client `json:"-"`
}

// Issuer is somebody whose tokens are trusted, and how to read them.
type Issuer struct {
	// URL is the issuer's name exactly as it stands in the claim iss. It is an
	// https address, or http on the loopback interface. Required.
	URL string `json:"url,omitzero"`

	// JWKSURL is where the issuer publishes its keys. If it and JWKSFile are
	// empty, the address is learned from the issuer by OpenID discovery.
	JWKSURL string `json:"jwks_url,omitzero"`

	// JWKSFile is a file with the issuer's keys, for issuers that cannot be
	// reached from here. It is read again like an address is asked again.
	JWKSFile string `json:"jwks_file,omitzero"`

	// Algorithms are the signature algorithms agreed with the issuer: of
	// RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 and EdDSA.
	// Required.
	Algorithms []string `json:"algorithms,omitzero"`

	// Client is the path of the claim that holds the id of the software that
	// the token was issued to. Default client_id.
	Client string `json:"client,omitzero"`

	// RequireCertificate refuses tokens of this issuer that are not bound to a
	// client certificate. Bound tokens are always checked, of any issuer.
	RequireCertificate bool `json:"require_certificate,omitzero"`

	// People says how to read the token of a signed-in person. If nil, people
	// of this issuer are refused.
	People *Mapping `json:"people,omitzero"`

	// Systems says how to read the token of a system with nobody signed in: one
	// whose claim sub is the client's id. If nil, systems are refused.
	Systems *Mapping `json:"systems,omitzero"`

	// Pages says how people of this issuer log in to the pages, and is read with
	// People. If nil, they cannot.
	Pages *Pages `json:"pages,omitzero"`
}

// Mapping says where the claims of a token say who calls. Values of type
// string named "path" below are claim paths: names with dots between them, and
// list[member=claim] to choose the one object of a list whose member equals a
// top-level claim, as in
// nhsid_nrbac_roles[person_roleid=selected_roleid].org_code.
type Mapping struct {
	// ID is the path of the caller's stable identifier. Default sub.
	ID string `json:"id,omitzero"`

	// Name is the path of the person's name. Empty if there is none.
	Name string `json:"name,omitzero"`

	// Title is the path of the name of the job role the person acts in. Empty
	// if there is none.
	Title string `json:"title,omitzero"`

	// Organisation is the path of the code of the organisation the caller acts
	// for: an ODS code, or a GSS code of a local authority. Required.
	Organisation string `json:"organisation,omitzero"`

	// Roles turn codes into roles. Every rule that fits adds its role.
	// Required.
	Roles []RoleRule `json:"roles,omitzero"`

	// Assurance turns statements on how strongly the caller was authenticated
	// into levels. If there are several rules the lowest level counts. A value
	// that is missing or unknown is level 1. Without a rule the level is not
	// stated (0).
	Assurance []AssuranceRule `json:"assurance,omitzero"`
}

// RoleRule grants roles for the codes in one claim.
type RoleRule struct {
	// Claim is the path of a list of codes, or of a text with codes separated
	// by spaces (as OAuth writes scopes). Required.
	Claim string `json:"claim,omitzero"`

	// After, if not empty, makes only that part of a code count that follows
	// the last occurrence of this text: ":" finds R8001 in S8000:G8000:R8001.
	// A code without it counts whole.
	After string `json:"after,omitzero"`

	// Values are the names of the roles by code: clinician_unscheduled,
	// clinician_scheduled, clinical_system, safeguarding_lead, la_system,
	// privacy_officer, auditor or administrator. Required.
	Values map[string]string `json:"values,omitzero"`
}

// AssuranceRule reads an assurance level from one claim.
type AssuranceRule struct {
	// Claim is the path of a text, a number, or a list of texts of which the
	// highest counts, such as acr, amr or authentication_assurance_level.
	// Required.
	Claim string `json:"claim,omitzero"`

	// Values are the levels, 1 to 3, by value of the claim. Required.
	Values map[string]int `json:"values,omitzero"`
}

// Duration is a length of time, written like 30s, 5m or 1h30m.
type Duration time.Duration

// UnmarshalText reads a duration, which must be more than nothing.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil || v <= 0 {
		return errors.New("is not a length of time such as 30s or 5m")
	}
	*d = Duration(v)
	return nil
}

// MarshalText writes the duration so that UnmarshalText can read it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// Validate returns all that is wrong with the configuration, each mistake with
// the name of the setting it is in.
func (c *Config) Validate() error {
	_, problems := c.compile()
	return errors.Join(problems...)
}

// withDefaults returns c with every setting that was left out.
func (c *Config) withDefaults() Config {
	d := *c
	orDefault := func(v *Duration, otherwise time.Duration) {
		if *v == 0 {
			*v = Duration(otherwise)
		}
	}
	orDefault(&d.Leeway, defaultLeeway)
	orDefault(&d.MaxLifetime, defaultMaxLifetime)
	orDefault(&d.RefreshKeys, defaultRefreshKeys)
	orDefault(&d.RetryKeys, defaultRetryKeys)
	orDefault(&d.KeepKeys, defaultKeepKeys)
	orDefault(&d.FetchTimeout, defaultFetchTimeout)
	if d.Remember == 0 {
		d.Remember = defaultRemember
	}
	return d
}
