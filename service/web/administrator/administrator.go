// Package administrator has the pages of administrators: how the service
// does, and by which rules the installation decides, and why. They show no person, no plan and no notice.
package administrator

import (
	"context"
	"embed"
	"io/fs"

	"cpis/service/admin"
	"cpis/service/identity"
	"cpis/service/web/frame"
)

// UseCases are what these pages show and do. All are required.
type UseCases struct {
	Policy  Policy
	Status  Status
	Clients Clients
}

// Policy says by which rules is decided, and why. *admin.Installation does.
type Policy interface {
	GetPolicy(ctx context.Context, c *identity.Caller, q *admin.GetPolicyRequest) (*admin.Policy, error)
	ExplainPolicy(ctx context.Context, c *identity.Caller, q *admin.ExplainPolicyRequest) (*admin.Explanation, error)
}

// pages are the pages over their use cases.
type pages struct{ UseCases }

//go:embed template/*.html
var files embed.FS

// Area returns the pages.
func Area(u UseCases) frame.Area {
	p := &pages{u}
	templates, _ := fs.Sub(files, "template") // is embedded
	return frame.Area{
		Who: frame.Administrators, Routes: p.routes(), Templates: templates,
		Menu: frame.Menu(frame.Line{Text: "Status", Href: "/status"}, frame.Line{Text: "Policy", Href: "/policy"}, frame.Line{Text: "Client systems", Href: "/clients"}),
		Ways: []frame.Way{
			{Text: "How the service does", Href: "/status", About: "Database, keys, log, look-ups and notices, and what to do if one of them is away"},
			{Text: "May they do that, and why not?", Href: "/policy/ask", About: "Ask what is decided about a role, a place and an action"},
			{Text: "Policy", Href: "/policy", About: "All rules by which the service decides who may do what"},
			{Text: "Client systems", Href: "/clients", About: "Whose log-ins and tokens are trusted, and which systems were used when last"},
		},
	}
}

func (p *pages) routes() []frame.Route {
	return []frame.Route{
		{Pattern: "GET /status", Who: frame.Administrators, Action: "read_service", Level: 2, Serve: p.showStatus},
		{Pattern: "GET /status/channels", Who: frame.Administrators, Action: "read_service", Level: 2, Serve: p.showFailing},
		{Pattern: "GET /policy", Who: frame.Administrators, Action: "explain_policy", Level: 2, Serve: p.showPolicy},
		{Pattern: "GET /policy/ask", Who: frame.Administrators, Level: 2, Serve: askPolicy},
		{Pattern: "POST /policy/ask", Who: frame.Administrators, Level: 2, Serve: readPolicy},
		{Pattern: "GET /policy/answer", Who: frame.Administrators, Action: "explain_policy", Level: 2, Serve: p.answerPolicy},
		{Pattern: "GET /clients", Who: frame.Administrators, Action: "read_service", Level: 2, Serve: p.showClients},
	}
}
