package rpc

import (
	"context"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/directory"
	"cpis/service/identity"
)

// Contacts are the use cases behind ContactService.
type Contacts interface {
	GetContacts(ctx context.Context, c *identity.Caller, q *directory.GetContactsRequest) (*directory.OwnContacts, error)
	SetContacts(ctx context.Context, c *identity.Caller, q *directory.SetContactsRequest) (*directory.SetContactsResult, error)
	ConfirmContacts(ctx context.Context, c *identity.Caller, q *directory.ConfirmContactsRequest) (*directory.SetContactsResult, error)
}

// contactHandler is ContactService.
type contactHandler struct{ uses Contacts }

func (h *contactHandler) GetContacts(ctx context.Context, m *cpisv1.GetContactsRequest) (*cpisv1.GetContactsResponse, error) {
	return relay(ctx, m, getContactsFromProto, h.uses.GetContacts, getContactsToProto)
}

func (h *contactHandler) SetContacts(ctx context.Context, m *cpisv1.SetContactsRequest) (*cpisv1.SetContactsResponse, error) {
	return relay(ctx, m, setContactsFromProto, h.uses.SetContacts, setContactsToProto)
}

func (h *contactHandler) ConfirmContacts(ctx context.Context, m *cpisv1.ConfirmContactsRequest) (*cpisv1.ConfirmContactsResponse, error) {
	return relay(ctx, m, confirmContactsFromProto, h.uses.ConfirmContacts, confirmContactsToProto)
}

func getContactsFromProto(_ *cpisv1.GetContactsRequest, request string) *directory.GetContactsRequest {
	return &directory.GetContactsRequest{Request: request}
}

func getContactsToProto(o *directory.OwnContacts) *cpisv1.GetContactsResponse {
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
	}
}

func setContactsFromProto(m *cpisv1.SetContactsRequest, request string) *directory.SetContactsRequest {
	to := m.GetContacts()
	return &directory.SetContactsRequest{
		Contacts: directory.Numbers{Office: to.GetOfficePhone(), Hours: to.GetOfficeHours(), Duty: to.GetDutyPhone()},
		Version:  int(m.GetVersion()),
		Request:  request,
	}
}

func setContactsToProto(r *directory.SetContactsResult) *cpisv1.SetContactsResponse {
	return &cpisv1.SetContactsResponse{Version: count(r.Version), Receipt: receiptToProto(&r.Receipt)}
}

func confirmContactsFromProto(m *cpisv1.ConfirmContactsRequest, request string) *directory.ConfirmContactsRequest {
	return &directory.ConfirmContactsRequest{Version: int(m.GetVersion()), Request: request}
}

func confirmContactsToProto(r *directory.SetContactsResult) *cpisv1.ConfirmContactsResponse {
	return &cpisv1.ConfirmContactsResponse{Receipt: receiptToProto(&r.Receipt)}
}
