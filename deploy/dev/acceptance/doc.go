// Package acceptance tests the service as its users meet it: real PostgreSQL,
// real keys, real tokens, the generated client over every protocol. It holds
// tests only.
package acceptance
