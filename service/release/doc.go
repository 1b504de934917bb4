// Package release lets an organisation tell who of it looked at a restricted
// child. That tells where the child is, so nobody outside hears of it before two
// privacy officers of the organisation have agreed: one proposes a release,
// another accepts it, and it counts for a while.
package release
