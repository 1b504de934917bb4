package plan

import (
	"context"
	"slices"

	"cpis/audit"
	"cpis/service/guard"
	"cpis/service/notice"
	"cpis/service/store"
)

// What stands open about a person when its plan goes to another authority must
// be dealt with by somebody who can. The notices that nobody has acknowledged
// come to the receiver too; the sender keeps its own, because it may be dealing
// with them. What waits for a second person is decided first: nobody could
// decide it afterwards.

// handOn tells the receiver of a plan what the sender was told of and has not
// acknowledged: the same notices, of the same time, with the transfer as their
// reference.
func (p *changing) handOn(ctx context.Context, t *store.TransferRow) error {
	left, err := p.tx.Notices.Left(ctx, &p.own.Row, t.Sender, t.Receiver)
	if err != nil {
		return err
	}
	left = slices.DeleteFunc(left, func(n store.NoticeRow) bool { return !notice.Kind(n.Kind).AboutPerson() })
	for i := range left {
		n := left[i]
		n.ID, n.Authority, n.Person, n.Reference = guard.NewID(), t.Receiver, p.about.Row.ID, t.ID.String()
		n.Sealed = p.resealed(ctx, &left[i], &n)
		p.tx.Notices.Notify(n)
	}
	if len(left) > 0 {
		p.entry.Counts = audit.Counts{notice.CountNotices: int64(len(left))}
	}
	return nil
}

// resealed returns what is sealed of a notice as it belongs into another. If
// its key cannot be had now, who it was stands in the log alone.
func (p *changing) resealed(ctx context.Context, from, to *store.NoticeRow) []byte {
	if from.Sealed == nil {
		return nil
	}
	key, ok := p.s.ring.Cached(store.PersonKeys.Owner(from.Person))
	if !ok { // from before two records were joined
		p.s.records.FetchKeyFor(ctx, from.Person)
		if key, ok = p.s.ring.Cached(store.PersonKeys.Owner(from.Person)); !ok {
			return nil
		}
	}
	said, ok := p.s.notices.OpenSaid(key, from)
	if !ok {
		return nil
	}
	return notice.SealSaid(p.about.Key, to.ID, said)
}

// nothingProposed says that an authority has nothing open about the person that
// waits for a second person.
func (p *changing) nothingProposed(ctx context.Context, authority string) error {
	open, err := p.tx.Proposals.AnyOpen(ctx, authority, p.about.Row.ID)
	switch {
	case err != nil || !open:
		return err
	case authority == p.by.Organisation:
		return &guard.StateError{Problem: "a change of this person waits for a second person: decide that first"}
	}
	return &guard.StateError{Problem: "a change of this person waits for a second person at the authority that offers the plan: ask it to decide that first"}
}
