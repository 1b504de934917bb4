// Package admin is what administrators see of an installation, and do with it: by
// which rules it decides, and why. It sees no person, no plan and no notice.
package admin
