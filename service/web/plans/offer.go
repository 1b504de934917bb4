package plans

import (
	"cpis/service/domain"
	"cpis/service/plan"
	"cpis/service/web/frame"
	"cpis/service/web/journey"
	"cpis/service/web/nhsuk"
)

// offer is a plan that is to be offered to another authority.
type offer struct {
	about

	To, Name, Reason string
}

// offeringPlan is the journey by which a plan is offered to another authority.
func (p *pages) offeringPlan() *journey.Journey[offer] {
	return &journey.Journey[offer]{
		Path: "/plans/{id}/transfer", Caption: "Offer a plan to another authority", Who: frame.Leads, Action: "propose_transfer", Reads: "get_person",
		Begin: p.beginOffer, Back: func(a *offer) string { return a.path() }, Words: say,
		Questions: []journey.Question[offer]{
			{
				Name: "to", Title: journey.Always[offer]("Which local authority is to take it over?"), Before: func(a *offer) nhsuk.Component { return a.inset() },
				Fields: []journey.Field[offer]{{
					Name: "to", Key: "Offered to", At: func(a *offer) *string { return &a.To },
					InputFor: authorityInput,
				}},
			},
			{
				Name: "reason", Title: journey.Always[offer]("Why do you offer it to them?"),
				Fields: []journey.Field[offer]{{
					Name: "reason", Key: "Reason", At: func(a *offer) *string { return &a.Reason },
					Input: journey.Reason{Label: "Why do you offer it to them?", Hint: "They read it when they decide"},
				}},
			},
		},
		Check: p.checkOffer, Act: p.propose,
		Changed: func(v *frame.Visit, a *offer) (*journey.Change, error) { return p.changed(v, &a.about, nil) },
		Again:   func(v *frame.Visit, a *offer) error { return p.again(v, &a.about, nil) },
	}
}

// authorityInput offers all local authorities with children's services but one's own.
func authorityInput(v *frame.Visit, _ *offer) journey.Input {
	in := journey.List{Label: "Local authority", Empty: "Select a local authority"}
	for _, code := range v.Names.Authorities() {
		if code != v.Session.Caller.Organisation {
			in.Options = append(in.Options, nhsuk.Option{Value: code, Text: v.Names.Name(code)})
		}
	}
	return in
}

// beginOffer sees the plan, if it can be offered.
func (p *pages) beginOffer(v *frame.Visit, a *offer) ([]string, error) {
	return nil, p.see(v, &a.about, notOffered)
}

func (p *pages) checkOffer(v *frame.Visit, a *offer) journey.Check {
	to := v.Names.Name(a.To)
	return journey.Check{
		Title: "Check before you offer this plan", Button: "Offer this plan", About: a.list(),
		Says: []string{
			to + " sees the plan, whom it is about, and your reason.",
			"You stay responsible until they accept. Until then care staff see the numbers of both.",
		},
	}
}

// propose offers the plan.
func (p *pages) propose(v *frame.Visit, a *offer, request string) (*journey.Ending, error) {
	done, err := p.Plans.ProposeTransfer(v.R.Context(), v.Caller(), &plan.ProposeTransferRequest{
		PlanID: a.id(), Version: a.Seen.Version, To: a.To, Reason: a.Reason, Request: request,
	})
	if err != nil {
		return nil, err
	}
	return &journey.Ending{
		Title: "Plan offered", Proof: frame.ReceiptText(&done.Receipt),
		Next: []string{
			v.Names.Name(a.To) + " has been told, and decides. You stay responsible until they accept, and get a notice when they have decided.",
			"You can withdraw the offer until then.",
		},
		Ways: append([]frame.Way{{Text: "See the offer", Href: "/transfers/" + done.TransferID}}, a.ways()...),
	}, nil
}

// stateOf is where something stands that was proposed, in a word.
func stateOf(s domain.State) nhsuk.Tag {
	switch s {
	case domain.Open:
		return nhsuk.Tag{Text: "Waiting", Colour: nhsuk.Yellow}
	case domain.Accepted:
		return nhsuk.Tag{Text: "Accepted", Colour: nhsuk.Green}
	case domain.Declined:
		return nhsuk.Tag{Text: "Declined", Colour: nhsuk.Grey}
	case domain.Withdrawn:
		return nhsuk.Tag{Text: "Withdrawn", Colour: nhsuk.White}
	}
	return nhsuk.Tag{Text: string(s)}
}
