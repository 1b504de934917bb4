package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/keys"
	"cpis/service/record"
	"cpis/service/store"
)

// How long drafts are kept.
const (
	KeepDraft    = 12 * time.Hour
	KeepQuestion = 15 * time.Minute // of a look-up
	// MaxDraft is the largest draft, in bytes of JSON.
	MaxDraft = 64 << 10
)

// ErrDraftTooLarge says that a draft has more than MaxDraft bytes.
var ErrDraftTooLarge = fmt.Errorf("draft of more than %d bytes", MaxDraft)

// Drafts are what people have typed and not sent yet. A draft belongs to a person
// who acts for one organisation, and outlives their session: whoever is logged out
// in the middle of a form finds it again.
type Drafts struct {
	db    *store.DB
	ring  *keys.Ring
	clock domain.Clock
}

// Owner is whose a draft is.
type Owner struct{ issuer, id, organisation string }

// OwnerOf returns the owner of drafts that a caller makes.
func OwnerOf(c *identity.Caller) Owner { return Owner{c.Issuer, c.ID, c.Organisation} }

// Draft says how a draft is kept.
type Draft struct {
	Of          string        // what it is a draft of: a journey, or a question
	For         time.Duration // KeepDraft if 0
	UntilLogOut bool          // it goes when its owner logs out
}

// Domains of the hashes by which drafts are found.
const (
	hashDraft = "draft"
	hashOwner = "draft owner"
)

func (s *Drafts) owners(o Owner) [][]byte {
	return slicesOf(s.ring.Hashes(hashOwner, o.issuer, o.id, o.organisation))
}

func (s *Drafts) ids(o Owner, of string) [][]byte {
	return slicesOf(s.ring.Hashes(hashDraft, o.issuer, o.id, o.organisation, of))
}

// draft is what is sealed: what was typed, and until when it counts.
type draft struct {
	Expires time.Time       `json:"expires"`
	Typed   json.RawMessage `json:"typed"`
}

// SaveDraft keeps what an owner has typed, in the place of what was kept before.
func (s *Drafts) SaveDraft(ctx context.Context, o Owner, d Draft, typed any) error {
	text, err := json.Marshal(typed)
	if err != nil {
		return errors.New("encoding draft") // not err: it may quote it
	}
	if len(text) > MaxDraft {
		return ErrDraftTooLarge
	}
	if d.For == 0 {
		d.For = KeepDraft
	}
	expires := s.clock.Moment().Add(d.For)
	kept, err := json.Marshal(draft{expires, text})
	if err != nil {
		return errors.New("encoding draft")
	}
	id := s.ids(o, d.Of)[0]
	row := &store.DraftRow{
		ID: id, Owner: s.owners(o)[0], UntilLogOut: d.UntilLogOut, ExpiresAt: expires, Sealed: s.ring.SealBriefly(kept, record.DraftContext(id)),
	}
	return guard.Translate(s.db.Tx(ctx, func(tx *store.Tx) error { return tx.Drafts.Put(ctx, row) }))
}

// FindDraft reads what an owner has typed; guard.ErrNotFound if there is nothing, or
// nothing any more.
func (s *Drafts) FindDraft(ctx context.Context, o Owner, of string, typed any) error {
	row, err := s.db.Drafts.Get(ctx, s.ids(o, of))
	if err != nil {
		return guard.Translate(err)
	}
	text, err := s.ring.OpenBriefly(row.Sealed, record.DraftContext(row.ID))
	var kept draft
	if err != nil || json.Unmarshal(text, &kept) != nil || !s.clock.Now().Before(kept.Expires) {
		return guard.ErrNotFound
	}
	if json.Unmarshal(kept.Typed, typed) != nil {
		return guard.ErrNotFound // of an earlier version of the page
	}
	return nil
}

// DropDraft removes what an owner has typed, when it was sent or given up.
func (s *Drafts) DropDraft(ctx context.Context, o Owner, of string) error {
	return guard.Translate(s.db.Tx(ctx, func(tx *store.Tx) error { return tx.Drafts.Delete(ctx, s.ids(o, of)) }))
}
