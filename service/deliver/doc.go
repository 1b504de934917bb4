// Package deliver sends notices on, on the channels that an authority set up:
// each at least once, always under its own id, and for each person in order.
// What fails is tried for three days, and then goes to the next channel.
//
// The packages below it send: webhook and mesh, which share outbound.
package deliver
