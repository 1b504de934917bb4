package plans

import (
	"context"
	"embed"
	"io/fs"
	"slices"

	"cpis/service/domain"
	"cpis/service/identity"
	"cpis/service/person"
	"cpis/service/plan"
	"cpis/service/web/frame"
)

// Plans are an authority's. *plan.Plans are.
type Plans interface {
	GetPerson(ctx context.Context, c *identity.Caller, q *plan.GetPersonRequest) (*plan.OwnPerson, error)
	GetPlan(ctx context.Context, c *identity.Caller, q *plan.GetPlanRequest) (*plan.Found, error)
	ListVersions(ctx context.Context, c *identity.Caller, q *plan.ListVersionsRequest) (*plan.Versions, error)
	RegisterPlan(ctx context.Context, c *identity.Caller, r *domain.Registration) (*plan.RegisterPlanResult, error)
	AmendPlan(ctx context.Context, c *identity.Caller, q *plan.AmendPlanRequest) (*plan.ChangeResult, error)
	EndPlan(ctx context.Context, c *identity.Caller, q *plan.EndPlanRequest) (*plan.ChangeResult, error)
	RemovePlan(ctx context.Context, c *identity.Caller, q *plan.RemovePlanRequest) (*plan.ChangeResult, error)
	RecordBirth(ctx context.Context, c *identity.Caller, q *plan.RecordBirthRequest) (*plan.RecordBirthResult, error)
	ProposeTransfer(ctx context.Context, c *identity.Caller, q *plan.ProposeTransferRequest) (*plan.ProposeTransferResult, error)
	DecideTransfer(ctx context.Context, c *identity.Caller, q *plan.DecideTransferRequest) (*plan.DecideTransferResult, error)
	ListTransfers(ctx context.Context, c *identity.Caller, q *plan.TransferQuery) (*plan.TransferPage, error)
}

// Persons are whom plans are about. *person.Persons are.
type Persons interface {
	ReplaceNHSNumber(ctx context.Context, c *identity.Caller, q *person.ReplaceNHSNumberRequest) (*person.ReplaceNHSNumberResult, error)
	ProposeChange(ctx context.Context, c *identity.Caller, q *person.ProposeChangeRequest) (*person.ProposeChangeResult, error)
	DecideChange(ctx context.Context, c *identity.Caller, q *person.DecideChangeRequest) (*person.DecideChangeResult, error)
	ListChanges(ctx context.Context, c *identity.Caller, q *person.ChangeQuery) (*person.ChangePage, error)
}

// UseCases are what these pages show and do. All are required.
type UseCases struct {
	Plans   Plans
	Persons Persons
}

// pages are the pages about plans, over their use cases.
type pages struct{ UseCases }

// people are the pages about persons, over the same use cases: what is put right about
// them, and what of that needs a second person.
type people struct{ UseCases }

//go:embed template/*.html
var files embed.FS

// Area returns the pages.
func Area(u UseCases) frame.Area {
	templates, _ := fs.Sub(files, "template") // is embedded
	return frame.Area{
		Who: frame.Leads, Routes: slices.Concat((&pages{u}).routes(), (&people{u}).routes()), Templates: templates,
		Ways: []frame.Way{
			{Text: "Register a plan", Href: "/plans/new", About: "Care staff see the flag as soon as you have registered it"},
			{Text: "Plans offered to you and by you", Href: "/transfers", About: "Accept, decline or withdraw"},
			{Text: "Proposals", Href: "/proposals", About: "What needs a second person, such as lifting a restriction"},
		},
	}
}

func (p *pages) routes() []frame.Route {
	return slices.Concat(
		p.registering().Routes(),
		[]frame.Route{{Pattern: "GET /plans/{id}", Who: frame.Leads, Action: "get_person", Serve: p.showPlan}},
		p.amendingPlan().Routes(), p.endingPlan().Routes(), p.removingPlan().Routes(), p.recordingBirth().Routes(), p.offeringPlan().Routes(),
		[]frame.Route{
			{Pattern: "GET /transfers", Who: frame.Leads, Action: "list_plans", Serve: p.listTransfers},
			{Pattern: "GET /transfers/{id}", Who: frame.Leads, Action: "list_plans", Level: 3, Serve: p.showTransfer},
			{Pattern: "POST /transfers/{id}", Who: frame.Leads, Action: "decide_transfer", Level: 3, Serve: p.decideTransfer},
		},
	)
}

func (p *people) routes() []frame.Route {
	return slices.Concat(
		p.restricting().Routes(), p.lifting().Routes(), p.replacing().Routes(), p.merging().Routes(),
		[]frame.Route{
			{Pattern: "GET /proposals", Who: frame.Leads, Action: "list_plans", Serve: p.listProposals},
			{Pattern: "GET /proposals/{id}", Who: frame.Leads, Action: "list_plans", Level: 3, Serve: p.showProposal},
			{Pattern: "POST /proposals/{id}", Who: frame.Leads, Action: "decide_change", Level: 3, Serve: p.decideProposal},
		},
		p.undoing().Routes(),
	)
}
