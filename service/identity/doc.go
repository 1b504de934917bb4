// Package identity turns bearer tokens and client certificates into callers.
// The service is an OAuth 2 resource server: it checks access tokens and
// issues none. Whatever is not certain is refused, always with the same words.
//
// # What is trusted
//
// A [Config] lists the issuers whose tokens count, where each publishes its
// public keys, and how its claims say who somebody is: which organisation,
// which roles, how strongly authenticated. Nothing inside a token can add to
// that list: keys, key addresses and algorithms are never taken from it.
//
// # The order of the checks
//
// [Verifier.Verify] reads the token (one signature, compact form, strict
// JSON), finds its issuer and key, checks the signature, then the claims, then
// maps the claims to a [Caller]. What was verified is remembered under the
// SHA-256 of the token until the token ends or its key is withdrawn. What can
// change while a token lives is looked at on every use: the certificate of the
// connection, and whether the organisation is still known.
//
// # Keys
//
// The keys of an issuer are kept in memory and asked for again every few
// minutes, and at once (though not often) when a token names a key nobody has
// seen. An issuer that cannot be reached therefore stops no token whose key is
// known, and somebody who invents key names cannot make the service pester it.
package identity
