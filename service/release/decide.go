package release

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/keys"
	"cpis/service/record"
	"cpis/service/store"
)

// DecideReleaseRequest decides about a release.
type DecideReleaseRequest struct {
	ReleaseID string
	Decision  domain.Decision
	Words     string // why: kept sealed
	Request   string `json:"-"` // request id
}

// DecideReleaseResult is the answer to DecideRelease.
type DecideReleaseResult struct {
	guard.Receipt `json:"-"`

	State domain.State
	Until time.Time `json:",omitzero"` // when it ends, if it was accepted
}

// DecideRelease accepts or declines what another privacy officer of the caller's
// organisation proposed, or takes back what the caller proposed. Once accepted, any
// privacy officer of the organisation can take it back. For an organisation that
// gives care an auditor at oversight can be the second person, since a small one may
// have no other. Its own errors are
// ErrNotFound, ErrSamePerson, and *StateError (somebody has decided).
func (s *Releases) DecideRelease(ctx context.Context, c *identity.Caller, q *DecideReleaseRequest) (*DecideReleaseResult, error) {
	check := domain.Reader{Form: domain.RequestForms}
	check.Decision(q.Decision)
	d := &deciding{s: s, caller: c, ruling: q}
	d.said = sealedRelease{Name: guard.Clip(c.Name), Words: releaseWords(&check, c, q.Words)}
	a, second := s.act(c, q.Request)
	if second {
		d.second, d.said.Organisation = true, c.Organisation
	}
	a.Asks, a.Check, a.Target, a.Prepare = q, check.Err(), guard.Target(guard.KindRelease, q.ReleaseID), d.find
	return guard.Once(ctx, s.guard, a, d.run)
}

// act begins an act on releases of the caller's organisation; or, if the caller is
// at oversight, as the second person of any that gives care.
func (s *Releases) act(c *identity.Caller, request string) (a guard.Act, second bool) {
	a = guard.Act{Caller: c, Action: policy.SecondRelease, Request: request}
	if s.guard.Decide(&a).Allowed {
		return a, true
	}
	a.Action, a.Own = policy.ReleaseRestricted, true
	return a, false
}

// deciding is a decision on its way through the guard.
type deciding struct {
	s      *Releases
	caller *identity.Caller
	ruling *DecideReleaseRequest
	second bool // as the second person, from oversight
	said   sealedRelease
	id     uuid.UUID
	key    *keys.DataKey
	number domain.NHSNumber // of the child
}

// find finds the release, and opens whom it is about.
func (d *deciding) find(ctx context.Context) error {
	row, err := d.get(ctx)
	if err != nil {
		return guard.Translate(err)
	}
	opened, err := d.s.releaseKeys(ctx, []store.ReleaseRow{row})
	if err != nil {
		return err
	}
	what, err := openRelease(opened[0], &row)
	if err != nil {
		return d.s.records.Damaged(record.TableRelease)
	}
	d.id, d.key, d.number = row.ID, opened[0], what.NHSNumber
	return nil
}

// get reads the release: one of the caller's organisation. Oversight reads any but
// those of authorities: it must not learn which of them knows a restricted child.
func (d *deciding) get(ctx context.Context) (store.ReleaseRow, error) {
	if !d.second {
		return guard.FindOwn(ctx, d.s.db.Releases.Get, d.caller.Organisation, d.ruling.ReleaseID)
	}
	id, err := uuid.Parse(d.ruling.ReleaseID)
	if err != nil {
		return store.ReleaseRow{}, guard.ErrNotFound
	}
	row, err := d.s.db.Releases.Get(ctx, id)
	if err != nil {
		return row, err
	}
	_, authority, err := d.s.db.Directory.NameOf(ctx, row.Organisation)
	if err == nil && authority {
		err = guard.ErrNotFound
	}
	return row, err
}

// run decides. It may run again.
func (d *deciding) run(ctx context.Context, tx *store.Tx, e *audit.Entry) (*DecideReleaseResult, error) {
	row, err := tx.Releases.Get(ctx, d.id)
	if err != nil {
		return nil, err
	}
	e.Subject = row.Subject
	if err := mayRelease(d.caller, &row, d.ruling.Decision); err != nil {
		return nil, err
	}
	taken := domain.State(row.State) == domain.Accepted
	row.State = string(d.ruling.Decision.LeadsTo())
	e.Reason = row.State
	if taken {
		err = d.end(ctx, tx, &row)
	} else {
		err = d.decide(ctx, tx, &row)
	}
	return &DecideReleaseResult{State: domain.State(row.State), Until: releasedUntil(&row)}, err
}

// decide decides about a release that is open. One that is accepted is for the
// restrictions that stand now.
func (d *deciding) decide(ctx context.Context, tx *store.Tx, row *store.ReleaseRow) (err error) {
	row.DecidedBy, row.DecidedIssuer, row.DecidedAt = guard.Clip(d.caller.ID), guard.Clip(d.caller.Issuer), d.s.clock.Moment()
	if domain.State(row.State) == domain.Accepted {
		if row.Stood, err = d.standing(ctx, tx); err != nil {
			return err
		}
	}
	if row.Decided, err = record.SealJSON(d.key, releaseContext(row.ID, versionDecided), &d.said); err != nil {
		return err
	}
	return tx.Releases.Decide(ctx, row)
}

// end takes a release back that was accepted.
func (d *deciding) end(ctx context.Context, tx *store.Tx, row *store.ReleaseRow) (err error) {
	row.EndedBy, row.EndedIssuer, row.EndedAt = guard.Clip(d.caller.ID), guard.Clip(d.caller.Issuer), d.s.clock.Moment()
	if row.Ended, err = record.SealJSON(d.key, releaseContext(row.ID, versionEnded), &d.said); err != nil {
		return err
	}
	return tx.Releases.End(ctx, row)
}

// standing names the restrictions of the child that stand now.
func (d *deciding) standing(ctx context.Context, tx *store.Tx) ([]string, error) {
	found, err := tx.People.ByTags(ctx, d.s.records.StoreTags(d.number))
	if err != nil {
		return nil, err
	}
	var ids []uuid.UUID
	for i := range found {
		ids = append(ids, found[i].ID)
	}
	if ids, err = tx.Index.JoinedPersons(ctx, ids, false); err != nil {
		return nil, err
	}
	return restrictions(ctx, tx, ids)
}

// restrictions names the restrictions of people that stand: each by the version of
// the person with which it began. One that is lifted and comes again is another.
func restrictions(ctx context.Context, tx *store.Tx, people []uuid.UUID) ([]string, error) {
	rows, err := tx.People.Restrictions(ctx, people)
	names := make([]string, len(rows))
	for i := range rows {
		names[i] = fmt.Sprintf("%s/%d", rows[i].ID, rows[i].Version)
	}
	return names, err
}

// mayRelease says what keeps a caller from deciding about a release.
func mayRelease(c *identity.Caller, row *store.ReleaseRow, d domain.Decision) error {
	own := guard.SameActor(row.ProposedBy, row.ProposedIssuer, c.ID, c.Issuer)
	switch state := domain.State(row.State); {
	case state == domain.Accepted && d == domain.Withdraw:
		return nil // whoever has the right: what was told cannot be taken back, so no more is to be told
	case state != domain.Open:
		return &guard.StateError{Problem: "the release was decided before: it is " + row.State}
	case d == domain.Accept && own:
		return guard.ErrSamePerson
	case d == domain.Withdraw && !own:
		var v domain.Violations
		v.Add("decision", "must not be withdraw: only who proposed it can withdraw it; decline it instead", string(domain.Decline))
		return v.Err()
	}
	return nil
}

// releasedUntil is when a release ends that was accepted; the zero time of others.
func releasedUntil(r *store.ReleaseRow) time.Time {
	if domain.State(r.State) != domain.Accepted {
		return time.Time{}
	}
	return r.DecidedAt.Add(releasedFor)
}

// Released returns the release under which an organisation may tell of a child, who
// is known by some tags and is some people: the newest that was accepted when all
// their restrictions stood already. It returns an empty text if there is none.
func (s *Releases) Released(ctx context.Context, tx *store.Tx, organisation string, subjects [][]byte, people []uuid.UUID) (string, error) {
	rows, err := tx.Releases.Accepted(ctx, organisation, subjects, s.clock.Moment().Add(-releasedFor))
	if err != nil || len(rows) == 0 {
		return "", err
	}
	stand, err := restrictions(ctx, tx, people)
	if err != nil {
		return "", err
	}
	for i := range rows {
		newer := func(r string) bool { return !slices.Contains(rows[i].Stood, r) }
		if !slices.ContainsFunc(stand, newer) {
			return rows[i].ID.String(), nil
		}
	}
	return "", nil
}
