package rpc

import (
	"context"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/directory"
	"cpis/service/identity"
)

// Contacts are the use cases behind ContactService.
type Contacts interface {
	GetContacts(ctx context.Context, c *identity.Caller, request string) (*directory.OwnContacts, error)
	SetContacts(ctx context.Context, c *identity.Caller, q *directory.SetContactsRequest) (*directory.SetContactsResult, error)
	ConfirmContacts(ctx context.Context, c *identity.Caller, q *directory.ConfirmContactsRequest) (*directory.SetContactsResult, error)
}

// contactHandler is ContactService.
type contactHandler struct{ uses Contacts }

func (h *contactHandler) GetContacts(ctx context.Context, _ *cpisv1.GetContactsRequest) (*cpisv1.GetContactsResponse, error) {
	c := callOf(ctx)
	o, err := h.uses.GetContacts(ctx, &c.caller, c.request)
	if err != nil {
		return nil, err
	}
	return &cpisv1.GetContactsResponse{
		LocalAuthority: authorityToProto(o.Authority),
		Contacts: &cpisv1.Contacts{
			OfficePhone: o.Contacts.Office, OfficeHours: o.Contacts.Hours, DutyPhone: o.Contacts.Duty,
		},
		Version:   count(o.Version),
		Confirmed: timeToProto(o.Confirmed),
		Overdue:   o.Overdue,
		Shown:     contactToProto(&o.Shown),
		Receipt:   receiptToProto(&o.Receipt),
	}, nil
}

func (h *contactHandler) SetContacts(ctx context.Context, m *cpisv1.SetContactsRequest) (*cpisv1.SetContactsResponse, error) {
	c, to := callOf(ctx), m.GetContacts()
	kept, err := h.uses.SetContacts(ctx, &c.caller, &directory.SetContactsRequest{
		Contacts: directory.Numbers{Office: to.GetOfficePhone(), Hours: to.GetOfficeHours(), Duty: to.GetDutyPhone()},
		Version:  int(m.GetVersion()),
		Request:  c.request,
	})
	if err != nil {
		return nil, err
	}
	return &cpisv1.SetContactsResponse{Version: count(kept.Version), Receipt: receiptToProto(&kept.Receipt)}, nil
}

func (h *contactHandler) ConfirmContacts(
	ctx context.Context, m *cpisv1.ConfirmContactsRequest,
) (*cpisv1.ConfirmContactsResponse, error) {
	c := callOf(ctx)
	kept, err := h.uses.ConfirmContacts(ctx, &c.caller, &directory.ConfirmContactsRequest{
		Version: int(m.GetVersion()), Request: c.request,
	})
	if err != nil {
		return nil, err
	}
	return &cpisv1.ConfirmContactsResponse{Receipt: receiptToProto(&kept.Receipt)}, nil
}
