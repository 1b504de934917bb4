// Package idp is an identity provider for trying the service out and for its
// tests. It is shaped like NHS Care Identity Service 2 for people, and like
// the NHS API platform for systems: OpenID Connect discovery, an authorization
// code flow with PKCE, and client credentials with a signed assertion. It is a
// toy where it matters most: anybody who reaches its sign-in page may be
// anyone. So it listens on the loopback interface and nowhere else.
//
// The people are invented. The organisations they work for are real, so that
// the reference data knows them, except the two that no health service has:
// see [Organisations].
//
// [Provider.Token] makes access tokens directly, and [Provider.MintRaw] makes
// tokens that an honest provider would not.
package idp
