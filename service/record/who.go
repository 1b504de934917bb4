package record

import (
	"time"
)

// Who says who accessed a flag: what is sealed with an access.
type Who struct {
	Name        string `json:"name,omitempty"`
	Title       string `json:"title,omitempty"`
	Responsible string `json:"responsible,omitempty"`
	Role        string `json:"role,omitempty"`
	Phone       string `json:"phone,omitempty"`
	Lead        string `json:"lead,omitempty"` // safeguarding lead of a remote service
	LeadRole    string `json:"lead_role,omitempty"`
	LeadPhone   string `json:"lead_phone,omitempty"`
	// Start is when the encounter began by the caller's clock: recorded, never
	// trusted.
	Start time.Time `json:"start,omitzero"`
}

// String returns name and role of the person, or of whom a system acted for.
func (w Who) String() string {
	name, role := w.Name, w.Title
	if name == "" {
		name, role = w.Responsible, w.Role
	}
	if role == "" {
		return name
	}
	return name + ", " + role
}
