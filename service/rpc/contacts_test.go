package rpc_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/directory"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/rpc"
)

// contactUses stands for the use cases behind ContactService.
type contactUses struct {
	mu       sync.Mutex
	request  string // of reading
	setting  *directory.SetContactsRequest
	confirm  *directory.ConfirmContactsRequest
	contacts directory.OwnContacts
	kept     directory.SetContactsResult
	err      error
}

func (u *contactUses) GetContacts(_ context.Context, _ *identity.Caller, q *directory.GetContactsRequest) (*directory.OwnContacts, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.request = q.Request
	return &u.contacts, u.err
}

func (u *contactUses) SetContacts(
	_ context.Context, _ *identity.Caller, q *directory.SetContactsRequest,
) (*directory.SetContactsResult, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.setting = q
	return &u.kept, u.err
}

func (u *contactUses) ConfirmContacts(
	_ context.Context, _ *identity.Caller, q *directory.ConfirmContactsRequest,
) (*directory.SetContactsResult, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.confirm = q
	return &u.kept, u.err
}

func TestContacts_GoThrough(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	receipt := guard.Receipt{Log: "cpis.example/log/1", Index: 7, TreeSize: 8}
	authority := domain.Authority{GSS: "E09000019", DfE: "206", Name: "Islington"}
	u := &contactUses{
		contacts: directory.OwnContacts{
			Authority: authority, Contacts: directory.Numbers{Office: "1", Hours: "2", Duty: "3"}, Version: 4, Confirmed: at, Overdue: true,
			Shown: domain.Contact{Authority: authority, Name: "Islington children's services"}, Receipt: receipt,
		},
		kept: directory.SetContactsResult{Version: 5, Receipt: receipt},
	}
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			_, c := w.open(t, func(cfg *rpc.Config) { cfg.UseCases.Contacts = u })
			got, err := c.contact.GetContacts(t.Context(), &cpisv1.GetContactsRequest{})
			if err != nil {
				t.Fatalf("GetContacts: %v", err)
			}
			proto := &cpisv1.LocalAuthority{GssCode: "E09000019", DfeCode: "206", Name: "Islington"}
			want := &cpisv1.GetContactsResponse{
				LocalAuthority: proto, Contacts: &cpisv1.Contacts{OfficePhone: "1", OfficeHours: "2", DutyPhone: "3"}, Version: 4,
				Confirmed: timestamppb.New(at), Overdue: true,
				Receipt: &cpisv1.Receipt{Log: "cpis.example/log/1", Index: 7, TreeSize: 8, LeafHash: make([]byte, 32)},
				Shown:   &cpisv1.Contact{LocalAuthority: proto, Name: "Islington children's services", RingNow: &cpisv1.RingNow{}},
			}
			if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
				t.Errorf("GetContacts (-want +got):\n%s", diff)
			}
			set, err := c.contact.SetContacts(t.Context(), &cpisv1.SetContactsRequest{Version: 4, Contacts: want.GetContacts()})
			if err != nil || set.GetVersion() != 5 || set.GetReceipt().GetIndex() != 7 {
				t.Errorf("SetContacts: got %v, %v", set, err)
			}
			confirmed, err := c.contact.ConfirmContacts(t.Context(), &cpisv1.ConfirmContactsRequest{Version: 4})
			if err != nil || confirmed.GetReceipt().GetIndex() != 7 {
				t.Errorf("ConfirmContacts: got %v, %v", confirmed, err)
			}
			u.check(t, &directory.SetContactsRequest{Contacts: u.contacts.Contacts, Version: 4, Request: aRequest})
		})
	}
}

// check checks what the use cases were asked.
func (u *contactUses) check(t *testing.T, want *directory.SetContactsRequest) {
	t.Helper()
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.request != aRequest {
		t.Errorf("GetContacts asked with request %q, want %q", u.request, aRequest)
	}
	if diff := cmp.Diff(want, u.setting); diff != "" {
		t.Errorf("SetContacts asked for (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&directory.ConfirmContactsRequest{Version: want.Version, Request: aRequest}, u.confirm); diff != "" {
		t.Errorf("ConfirmContacts asked for (-want +got):\n%s", diff)
	}
}
