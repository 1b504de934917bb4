// Package vaultdev runs a private Vault (or OpenBao) server: for trying the
// service out and for tests. No container, no root, no system service.
//
// Without a directory the server keeps everything in memory, is set up by
// nobody, and forgets all when it stops. With one it stores its data there, so
// that the next start finds its keys, and deploy/vault/setup.sh sets it up:
//
//	data/        what the server stores
//	unseal.json  the unseal key and the root token
//	role-id      for the service to sign in with
//	secret-id    likewise
//	lock         held by the process that runs the server
//
// A Vault whose unseal key lies beside it protects nothing: never use one for
// real data. The directory and its files are open to their owner only, and the
// server listens on loopback only, without TLS.
//
// A server ends with the process that started it, even if that process is
// killed (which only Linux can do, so this package is for Linux). Nothing here
// ever stops a server that it did not start.
package vaultdev
