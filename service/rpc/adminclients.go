package rpc

import (
	"context"
	"time"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/admin"
	"cpis/service/guard"
	"cpis/service/identity"
)

func (h *adminHandler) ListClients(ctx context.Context, m *cpisv1.ListClientsRequest) (*cpisv1.ListClientsResponse, error) {
	return relay(ctx, m, listClientsFromProto, h.uses.ListClients, clientsToProto)
}

func listClientsFromProto(m *cpisv1.ListClientsRequest, request string) *admin.ListClientsRequest {
	return &admin.ListClientsRequest{Paging: guard.Paging{Size: int(m.GetPageSize()), Page: m.GetPage()}, Request: request}
}

func clientsToProto(c *admin.Clients) *cpisv1.ListClientsResponse {
	return &cpisv1.ListClientsResponse{
		Issuers: each(c.Issuers, issuerToProto), Clients: each(c.Used, clientToProto), NextPage: c.Next, Behind: c.Behind,
		Receipt: receiptToProto(&c.Receipt),
	}
}

func issuerToProto(t *identity.Trust) *cpisv1.TrustedIssuer {
	return &cpisv1.TrustedIssuer{
		Issuer: t.Issuer, Audiences: t.Audiences, Algorithms: t.Algorithms, RequireCertificate: t.RequireCertificate,
		People: saysToProto(t.People), Systems: saysToProto(t.Systems), PagesName: t.PagesName, PagesClient: t.PagesClient,
		Keys: each(t.Keys, func(k *identity.PublicKey) *cpisv1.IssuerKey {
			return &cpisv1.IssuerKey{Id: k.ID, Algorithm: k.Algorithm, Thumbprint: k.Thumbprint}
		}),
		Confirmed: timeToProto(t.Confirmed), Away: t.Away,
	}
}

func saysToProto(s *identity.Says) *cpisv1.IssuerSays {
	if s == nil {
		return nil
	}
	out := &cpisv1.IssuerSays{}
	for role := range s.Roles.All() {
		out.Roles = append(out.Roles, role.String())
	}
	for _, level := range s.Levels {
		out.Levels = append(out.Levels, count(level))
	}
	return out
}

func clientToProto(c *admin.Client) *cpisv1.UsedClient {
	return &cpisv1.UsedClient{
		Issuer: c.Issuer, Client: c.ID, Organisation: c.Organisation, OrganisationName: c.OrganisationName, Pages: c.Pages,
		Trusted: c.Trusted, FirstDay: c.First.Format(time.DateOnly), LastDay: c.Last.Format(time.DateOnly),
	}
}
