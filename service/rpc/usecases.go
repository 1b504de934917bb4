package rpc

import (
	"context"

	"cpis/service/auditlog"
	"cpis/service/domain"
	"cpis/service/identity"
	"cpis/service/lookup"
)

// LookUps are the use cases behind LookupService.
type LookUps interface {
	LookUp(ctx context.Context, c *identity.Caller, q *lookup.Question) (*lookup.Answer, error)
	LookUpMany(ctx context.Context, c *identity.Caller, list *lookup.ClinicList) (*lookup.ListAnswer, error)
}

// Proofs are the use cases behind LogService, and behind the paths under which
// auditors read a log.
type Proofs interface {
	Checkpoint(ctx context.Context, c *identity.Caller, q *auditlog.CheckpointRequest) (*auditlog.SignedCheckpoint, error)
	InclusionProof(ctx context.Context, c *identity.Caller, q *auditlog.ProofRequest) (*auditlog.Proof, error)
	ConsistencyProof(ctx context.Context, c *identity.Caller, q *auditlog.ConsistencyRequest) (*auditlog.Consistency, error)
	Tile(ctx context.Context, c *identity.Caller, q *auditlog.TileRequest) (*auditlog.HashTile, error)
	EntryBundle(ctx context.Context, c *identity.Caller, q *auditlog.BundleRequest) (*auditlog.Bundle, error)
}

// Refuse records a request that is not valid on its face, and returns why. If
// it could not be recorded, the error is guard.ErrUnrecorded as well.
type Refuse func(ctx context.Context, c *identity.Caller, action, request string, why *domain.InvalidError) error

// UseCases are what the face is made for. All are required. The interfaces that
// are not here stand beside their handlers.
type UseCases struct {
	LookUps      LookUps
	Plans        Plans
	Changes      Changes
	Uploads      Uploads
	Notices      Notices
	Channels     Channels
	Encounters   Encounters
	Contacts     Contacts
	Work         Work
	Proofs       Proofs
	Reports      Reports
	Oversight    Oversight
	Releases     Releases
	Exports      Exports
	Installation Installation
	Refuse       Refuse
}
