// Package admin is what administrators see of an installation: by which rules it
// decides, and why; and how it does. It sees no person, no plan and no notice.
package admin
