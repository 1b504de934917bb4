package rpc

import (
	"context"

	"cpis/service"
	"cpis/service/identity"
)

// LookUps are the use cases behind LookupService.
type LookUps interface {
	LookUp(ctx context.Context, c *identity.Caller, q *service.Question) (*service.Answer, error)
	LookUpMany(ctx context.Context, c *identity.Caller, list *service.ClinicList) ([]service.ItemAnswer, error)
}

// Proofs are the use cases behind LogService.
type Proofs interface {
	Checkpoint(ctx context.Context, c *identity.Caller, log string) ([]byte, error)
	InclusionProof(ctx context.Context, c *identity.Caller, log string, index int64) (*service.Proof, error)
}

// Refuse records a request that is not valid on its face, and gives why. If it
// could not be recorded, the error is service.ErrUnrecorded as well.
type Refuse func(ctx context.Context, c *identity.Caller, action, request string, why *service.InvalidError) error

// UseCases are what the face is made for. All are required.
type UseCases struct {
	LookUps    LookUps
	Plans      Plans
	Changes    Changes
	Uploads    Uploads
	Notices    Notices
	Channels   Channels
	Encounters Encounters
	Contacts   Contacts
	Proofs     Proofs
	Refuse     Refuse
}
