package rpc

import (
	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/lookup"
	"cpis/service/plan"
)

// answerToProto returns an answer as it leaves. Most have no plans, contacts or
// history, and cost no more than three allocations.
func answerToProto(a *lookup.Answer) *cpisv1.LookUpResponse {
	return &cpisv1.LookUpResponse{
		Answer:             toEnum[cpisv1.Answer](verdicts, a.Verdict),
		CannotSayReason:    toEnum[cpisv1.CannotSayReason](reasons, a.Reason),
		DetailsUnavailable: a.Degraded,
		Restricted:         a.Restricted,
		IdentityChecked:    a.IdentityChecked,
		Superseded:         a.Superseded,
		Plans:              each(a.Plans, planToProto),
		Contacts:           each(a.Contacts, contactToProto),
		History:            each(a.History, accessToProto),
		Advice:             a.Advice,
		AdviceCode:         toEnum[cpisv1.AdviceCode](advices, a.AdviceCode),
		AccessMode:         modeToProto(a.Mode),
		Receipt:            receiptToProto(&a.Receipt),
	}
}

// each converts a list; an empty one becomes none.
func each[S, P any](list []S, convert func(*S) *P) []*P {
	if len(list) == 0 {
		return nil
	}
	out := make([]*P, len(list))
	for i := range list {
		out[i] = convert(&list[i])
	}
	return out
}

func planToProto(p *lookup.Plan) *cpisv1.Plan {
	m := &cpisv1.Plan{
		Id:           p.ID,
		Version:      count(p.Version),
		Kind:         toEnum[cpisv1.PlanKind](kinds, p.Kind),
		Start:        p.Start.String(),
		End:          p.End.String(),
		Expected:     p.Expected.String(),
		VisibleUntil: p.VisibleUntil.String(),
		Note:         p.Kind.Note(),
	}
	if p.ID == "" {
		return m // of a restricted person's plan nothing but its kind is said
	}
	m.Status = statusToProto(p.Ended)
	m.Contact = contactToProto(&p.Contact)
	if p.Receiving != (domain.Contact{}) {
		m.Receiving = contactToProto(&p.Receiving)
	}
	return m
}

func statusToProto(ended bool) cpisv1.PlanStatus {
	if ended {
		return cpisv1.PlanStatus_PLAN_STATUS_ENDED
	}
	return cpisv1.PlanStatus_PLAN_STATUS_ACTIVE
}

func contactToProto(c *domain.Contact) *cpisv1.Contact {
	m := &cpisv1.Contact{
		Name:          c.Name,
		Office:        phoneToProto(c.Office),
		EmergencyDuty: phoneToProto(c.Duty),
		RingNow: &cpisv1.RingNow{
			Number: c.RingNow.Number,
			Who:    c.RingNow.Who,
			Until:  timeToProto(c.RingNow.Until),
		},
	}
	if c.Authority != (domain.Authority{}) {
		m.LocalAuthority = authorityToProto(c.Authority)
	}
	return m
}

func authorityToProto(a domain.Authority) *cpisv1.LocalAuthority {
	return &cpisv1.LocalAuthority{GssCode: a.GSS, DfeCode: a.DfE, Name: a.Name}
}

// phoneToProto returns nil for a number that is not known.
func phoneToProto(p domain.Phone) *cpisv1.Phone {
	if p.Number == "" {
		return nil
	}
	return &cpisv1.Phone{Number: p.Number, Hours: p.Hours}
}

func accessToProto(a *lookup.Access) *cpisv1.Access {
	return &cpisv1.Access{
		At:               timeToProto(a.At),
		Organisation:     a.Organisation,
		OrganisationName: a.OrganisationName,
		Setting:          toEnum[cpisv1.Setting](settings, a.Setting),
		Who:              a.Who,
		WrongPatient:     a.WrongPatient,
	}
}

func receiptToProto(r *guard.Receipt) *cpisv1.Receipt {
	return &cpisv1.Receipt{
		Log:      r.Log,
		Index:    r.Index,
		TreeSize: r.TreeSize,
		LeafHash: r.Leaf[:],
	}
}

func itemsToProto(a *lookup.ListAnswer) *cpisv1.LookUpManyResponse {
	return &cpisv1.LookUpManyResponse{Results: each(a.Items, itemToProto)}
}

func itemToProto(i *lookup.ItemAnswer) *cpisv1.LookUpManyResult {
	if i.Answer == nil {
		return &cpisv1.LookUpManyResult{Outcome: &cpisv1.LookUpManyResult_Invalid{Invalid: invalidToProto(i.Invalid)}}
	}
	return &cpisv1.LookUpManyResult{Outcome: &cpisv1.LookUpManyResult_Response{Response: answerToProto(i.Answer)}}
}

func invalidToProto(e *domain.InvalidError) *cpisv1.InvalidRequest {
	if e == nil {
		return &cpisv1.InvalidRequest{}
	}
	return &cpisv1.InvalidRequest{Violations: each(e.Violations, violationToProto)}
}

func violationToProto(v *domain.Violation) *cpisv1.FieldViolation {
	return &cpisv1.FieldViolation{Field: v.Field, Problem: v.Problem, Example: v.Example}
}

func registerPlanToProto(r *plan.RegisterPlanResult) *cpisv1.RegisterPlanResponse {
	return &cpisv1.RegisterPlanResponse{
		PlanId:  r.PlanID,
		Version: count(r.Version),
		Receipt: receiptToProto(&r.Receipt),
	}
}

func endPlanToProto(e *plan.ChangeResult) *cpisv1.EndPlanResponse {
	return &cpisv1.EndPlanResponse{
		Version:      count(e.Version),
		VisibleUntil: e.VisibleUntil.String(),
		Receipt:      receiptToProto(&e.Receipt),
	}
}

func getPersonToProto(p *plan.OwnPerson) *cpisv1.GetPersonResponse {
	out := &cpisv1.GetPersonResponse{
		Person:     ownPersonToProto(&p.Person),
		Plans:      each(p.Plans, ownPlanToProto),
		Restricted: p.Restricted,
		Receipt:    receiptToProto(&p.Receipt),
		PersonId:   p.ID,
	}
	for _, n := range p.Person.Former {
		out.FormerNhsNumbers = append(out.FormerNhsNumbers, n.Reveal())
	}
	return out
}

func ownPlanToProto(p *plan.Plan) *cpisv1.OwnPlan {
	return &cpisv1.OwnPlan{
		Id:           p.ID,
		Version:      count(p.Version),
		Kind:         toEnum[cpisv1.PlanKind](kinds, p.Details.Kind),
		Status:       statusToProto(p.Ended),
		Start:        p.Details.Start.String(),
		End:          p.Details.End.String(),
		Expected:     p.Details.Expected.String(),
		VisibleUntil: p.VisibleUntil.String(),
		LegalBasis:   toEnum[cpisv1.LegalBasis](bases, p.Details.Basis),
		Reference:    p.Details.Reference,
		Changed:      timeToProto(p.Changed),
		EndReason:    p.Details.EndReason,
		Removed:      p.Removed,
		TransferTo:   p.TransferTo,
	}
}
