package rpc_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"cpis/policy"
	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/admin"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/rpc"
)

// clientList stands for what lists client systems.
type clientList struct {
	rpc.Installation

	asking *admin.ListClientsRequest
	answer admin.Clients
}

func (u *clientList) ListClients(_ context.Context, _ *identity.Caller, q *admin.ListClientsRequest) (*admin.Clients, error) {
	u.asking = q
	return &u.answer, nil
}

func TestClients_GoThrough(t *testing.T) {
	t.Parallel()
	receipt, out := someReceipt()
	at := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	u := &clientList{answer: admin.Clients{
		Receipt: receipt, Next: "next", Behind: 7,
		Issuers: []identity.Trust{{
			Issuer: "i", Audiences: []string{"a"}, Algorithms: []string{"ES256"}, RequireCertificate: true, PagesName: "n", PagesClient: "c",
			Systems: &identity.Says{Roles: policy.RolesOf(policy.ClinicalSystem), Levels: []int{2, 3}},
			Keys:    []identity.PublicKey{{ID: "k", Algorithm: "ES256", Thumbprint: "t"}}, Confirmed: at, Away: true,
		}},
		Used: []admin.Client{{
			Issuer: "i", ID: "c", Organisation: "o", OrganisationName: "O", Pages: true, Trusted: true, First: at, Last: at.AddDate(0, 0, 1),
		}},
	}}
	_, c := wires[0].open(t, func(cfg *rpc.Config) { cfg.UseCases.Installation = u })
	got, err := c.admin.ListClients(t.Context(), &cpisv1.ListClientsRequest{PageSize: 9, Page: "place"})
	if err != nil {
		t.Fatalf("ListClients: %v", err)
	}
	want := &cpisv1.ListClientsResponse{
		Receipt: out, NextPage: "next", Behind: 7,
		Issuers: []*cpisv1.TrustedIssuer{{
			Issuer: "i", Audiences: []string{"a"}, Algorithms: []string{"ES256"}, RequireCertificate: true, PagesName: "n", PagesClient: "c",
			Systems: &cpisv1.IssuerSays{Roles: []string{"clinical_system"}, Levels: []int32{2, 3}},
			Keys:    []*cpisv1.IssuerKey{{Id: "k", Algorithm: "ES256", Thumbprint: "t"}}, Confirmed: timestamppb.New(at), Away: true,
		}},
		Clients: []*cpisv1.UsedClient{{
			Issuer: "i", Client: "c", Organisation: "o", OrganisationName: "O", Pages: true, Trusted: true, FirstDay: "2026-11-22", LastDay: "2026-11-23",
		}},
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("ListClients (-want +got):\n%s", diff)
	}
	asked := &admin.ListClientsRequest{Paging: guard.Paging{Size: 9, Page: "place"}, Request: aRequest}
	if diff := cmp.Diff(asked, u.asking); diff != "" {
		t.Errorf("what was asked (-want +got):\n%s", diff)
	}
}
