// Package pgdev runs a private PostgreSQL cluster from the binaries installed
// on this machine: for trying the service out, for tests and for measuring.
// No container, no root, no system cluster.
//
// A cluster lives in one directory:
//
//	data/          what initdb makes
//	run/           its unix socket, if the path is short enough for one
//	postgres.log   what the server says
//	password       of the superuser, for connections over TCP
//	lock           held by the process that runs the cluster
//
// The directory is open to its owner only, so whoever can reach the unix
// socket is trusted; loopback TCP asks for the password. PostgreSQL refuses to
// run as root: a root process hands the directory to the user postgres (or
// nobody) and runs the server as that user.
//
// A cluster ends with the process that started it, even if that process is
// killed (which only Linux can do, so this package is for Linux). Nothing here
// ever stops, changes or removes a cluster that it did not start.
package pgdev
