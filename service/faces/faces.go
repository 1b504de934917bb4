// Package faces hands the rooms of the service to its faces, which know neither the
// service as a whole nor the policy. It is the one list of what each face shows, for
// the program and for whoever tests it as a whole.
package faces

import (
	"context"

	"cpis/policy"
	"cpis/service"
	"cpis/service/domain"
	"cpis/service/identity"
	"cpis/service/rpc"
)

// RPC returns what the contract shows.
func RPC(s *service.Service) rpc.UseCases {
	return rpc.UseCases{
		LookUps: s.LookUps, Plans: s.Plans, Changes: s.Persons, Uploads: s.Uploads, Notices: s.Notices, Channels: s.Channels,
		Encounters: s.Notices, Contacts: s.Contacts, Work: s.Work, Proofs: s.Proofs, Reports: s.Reports, Oversight: s.Reports,
		Releases: s.Releases, Exports: s.Exports, Installation: s.Installation,
		Refuse: func(ctx context.Context, c *identity.Caller, action, request string, why *domain.InvalidError) error {
			return s.Guard.Refuse(ctx, c, policy.Action(action), request, why)
		},
	}
}
