package release

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

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

// Release is what may be told of a restricted child, to whoever asks for it
// rightly.
type Release struct {
	ID        string
	State     domain.State
	NHSNumber domain.NHSNumber
	Proposed  domain.Change
	Decided   *domain.Change // nil while open
	Until     time.Time      // when it ends that was accepted; zero of others
}

// minWords is how many characters say why: a full stop is no reason.
const minWords = 10

// releasedFor is how long a release counts after it was accepted.
const releasedFor = 30 * 24 * time.Hour

// releaseProposed stands in the entry of a release that is proposed.
const releaseProposed = "proposed"

const exampleRelease = "The mother asked, and the court sees no danger: case 12/26"

// sealedRelease is what is sealed of a release: when it is proposed, and, without
// the number, when it is decided.
type sealedRelease struct {
	NHSNumber string `json:"nhs,omitempty"`
	Name      string `json:"name,omitempty"`
	Words     string `json:"words"`
}

// What is sealed of a release counts as its versions.
const (
	versionProposed = 1
	versionDecided  = 2
)

func releaseContext(id uuid.UUID, version int) keys.Context {
	return record.DetailsContext(record.TableRelease, id, version)
}

// ProposeReleaseRequest asks a colleague to let something be told of a restricted
// child.
type ProposeReleaseRequest struct {
	NHSNumber string
	Words     string // why: kept sealed
	Request   string `json:"-"` // request id
}

// ProposeReleaseResult is the answer to ProposeRelease.
type ProposeReleaseResult struct {
	guard.Receipt `json:"-"`

	ReleaseID string
}

// ProposeRelease asks another privacy officer of the organisation to let be told
// who of it looked at a restricted child. Whether the child is restricted, or
// known at all, is not looked at, and not told.
func (s *Releases) ProposeRelease(ctx context.Context, c *identity.Caller, q *ProposeReleaseRequest) (*ProposeReleaseResult, error) {
	check := domain.Reader{Form: domain.RequestForms}
	number, words := check.Number(q.NHSNumber), releaseWords(&check, c, q.Words)
	row := store.ReleaseRow{
		ID: guard.NewID(), Organisation: c.Organisation, ProposedBy: guard.Clip(c.ID), ProposedIssuer: guard.Clip(c.Issuer),
	}
	var key *keys.DataKey
	a := guard.Act{
		Caller: c, Action: policy.ReleaseRestricted, Own: true, Request: q.Request, Asks: q,
		Subject: s.records.Subject(number), Check: check.Err(),
		Prepare: func(ctx context.Context) error {
			made, err := s.ring.New(ctx, []string{store.ReleaseKeys.Owner(row.ID)})
			if err != nil {
				return fmt.Errorf("making the key of a release: %w", s.records.KeyError(err))
			}
			row.WrappedKey, key = made[0].Wrapped.Text, made[0].Key
			return nil
		},
	}
	return guard.Once(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (_ *ProposeReleaseResult, err error) {
		said := sealedRelease{NHSNumber: number.Reveal(), Name: guard.Clip(c.Name), Words: words}
		if row.Proposed, err = record.SealJSON(key, releaseContext(row.ID, versionProposed), &said); err != nil {
			return nil, err
		}
		row.Subject, row.ProposedAt, e.Reason = a.Subject, s.clock.Moment(), releaseProposed
		guard.ShowOne(e, guard.KindRelease, row.ID)
		return &ProposeReleaseResult{ReleaseID: row.ID.String()}, tx.Releases.Insert(ctx, &row)
	})
}

// releaseWords reads why a release is asked for, or decided so. Two people agree:
// a system is none.
func releaseWords(r *domain.Reader, c *identity.Caller, words string) string {
	words = r.RequiredText("words", words, domain.MaxReasonLength, exampleRelease)
	switch {
	case words != "" && utf8.RuneCountInString(words) < minWords:
		r.Add("words", "must say why, in ten characters or more", exampleRelease)
	case c.System:
		r.Add("words", "must be a person's: a system neither proposes a release nor decides about one", exampleRelease)
	}
	return words
}

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
// organisation proposed, or takes back what the caller proposed. Its own errors
// are ErrNotFound, ErrSamePerson, and *StateError (somebody has decided).
func (s *Releases) DecideRelease(ctx context.Context, c *identity.Caller, q *DecideReleaseRequest) (*DecideReleaseResult, error) {
	check := domain.Reader{Form: domain.RequestForms}
	check.Decision(q.Decision)
	said := sealedRelease{Name: guard.Clip(c.Name), Words: releaseWords(&check, c, q.Words)}
	var found store.ReleaseRow
	var key *keys.DataKey
	a := guard.Act{
		Caller: c, Action: policy.ReleaseRestricted, Own: true, Request: q.Request, Asks: q, Check: check.Err(),
		Target: guard.Target(guard.KindRelease, q.ReleaseID),
		Prepare: func(ctx context.Context) (err error) {
			if found, err = guard.FindOwn(ctx, s.db.Releases.Get, c.Organisation, q.ReleaseID); err != nil {
				return guard.Translate(err)
			}
			opened, err := s.releaseKeys(ctx, []store.ReleaseRow{found})
			if err == nil {
				key = opened[0]
			}
			return err
		},
	}
	return guard.Once(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*DecideReleaseResult, error) {
		row, err := tx.Releases.Get(ctx, found.ID)
		if err != nil {
			return nil, err
		}
		e.Subject = row.Subject
		if err := mayRelease(c, &row, q.Decision); err != nil {
			return nil, err
		}
		row.State, row.DecidedBy, row.DecidedIssuer = string(q.Decision.LeadsTo()), guard.Clip(c.ID), guard.Clip(c.Issuer)
		row.DecidedAt, e.Reason = s.clock.Moment(), row.State
		if row.Decided, err = record.SealJSON(key, releaseContext(row.ID, versionDecided), &said); err != nil {
			return nil, err
		}
		return &DecideReleaseResult{State: domain.State(row.State), Until: releasedUntil(&row)}, tx.Releases.Decide(ctx, &row)
	})
}

// mayRelease says what keeps a caller from deciding about a release.
func mayRelease(c *identity.Caller, row *store.ReleaseRow, d domain.Decision) error {
	own := guard.SameActor(row.ProposedBy, row.ProposedIssuer, c.ID, c.Issuer)
	switch {
	case domain.State(row.State) != domain.Open:
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

// Released returns the release under which an organisation may tell of a child who
// is known by some tags; an empty text if there is none.
func (s *Releases) Released(ctx context.Context, tx *store.Tx, organisation string, subjects [][]byte) (string, error) {
	rows, err := tx.Releases.Accepted(ctx, organisation, subjects, s.clock.Moment().Add(-releasedFor))
	if err != nil || len(rows) == 0 {
		return "", err
	}
	return rows[0].ID.String(), nil
}

// releaseKeys unwraps the keys of releases.
func (s *Releases) releaseKeys(ctx context.Context, rows []store.ReleaseRow) ([]*keys.DataKey, error) {
	wrapped, opened := make([]keys.Wrapped, len(rows)), make([]*keys.DataKey, len(rows))
	for i := range rows {
		wrapped[i] = keys.Wrapped{Owner: store.ReleaseKeys.Owner(rows[i].ID), Text: rows[i].WrappedKey}
	}
	for i, r := range s.ring.Unwrap(ctx, wrapped) {
		if r.Err != nil {
			return nil, fmt.Errorf("unwrapping the key of a release: %w", s.records.KeyError(r.Err))
		}
		opened[i] = r.Value
	}
	return opened, nil
}

// ListReleasesRequest asks for the releases of the caller's organisation.
type ListReleasesRequest struct {
	OpenOnly bool // only those that nobody has decided about
	Paging   guard.Paging
	Request  string // request id
}

// ReleasePage is a part of the releases of an organisation.
type ReleasePage struct {
	guard.Receipt

	Releases []Release // the newest first
	Next     string    // where to go on; empty at the end
}

// ListReleases shows the releases of the caller's organisation, the newest first.
func (s *Releases) ListReleases(ctx context.Context, c *identity.Caller, q *ListReleasesRequest) (*ReleasePage, error) {
	check := domain.Reader{Form: domain.RequestForms}
	size, before := q.Paging.Read(&check, uuid.Nil)
	a := guard.Act{Caller: c, Action: policy.ReleaseRestricted, Own: true, Request: q.Request, Check: check.Err()}
	return guard.Answer(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*ReleasePage, error) {
		rows, err := tx.Releases.List(ctx, c.Organisation, q.OpenOnly, before, size)
		if err != nil {
			return nil, err
		}
		out := &ReleasePage{}
		if out.Releases, err = s.openReleases(ctx, rows); err != nil {
			return nil, err
		}
		if len(rows) > 0 {
			out.Next = guard.Next(len(rows), size, rows[len(rows)-1].ID)
		}
		e.Counts = audit.Counts{"shown": int64(len(rows))}
		guard.Show(e, guard.KindRelease, out.Releases, func(r *Release) string { return r.ID })
		return out, nil
	})
}

// openReleases opens releases.
func (s *Releases) openReleases(ctx context.Context, rows []store.ReleaseRow) ([]Release, error) {
	opened, err := s.releaseKeys(ctx, rows)
	if err != nil {
		return nil, err
	}
	out := make([]Release, len(rows))
	for i := range rows {
		if out[i], err = openRelease(opened[i], &rows[i]); err != nil {
			return nil, s.records.Damaged(record.TableRelease)
		}
	}
	return out, nil
}

func openRelease(key *keys.DataKey, row *store.ReleaseRow) (Release, error) {
	out := Release{ID: row.ID.String(), State: domain.State(row.State), Until: releasedUntil(row)}
	var said sealedRelease
	if err := record.OpenJSON(key, releaseContext(row.ID, versionProposed), row.Proposed, &said); err != nil {
		return out, err
	}
	number, problem := domain.StoredNHSNumber(said.NHSNumber)
	if problem != "" {
		return out, guard.ErrDamaged
	}
	out.NHSNumber = number
	out.Proposed = domain.Change{
		Act: "propose", Actor: row.ProposedBy, Name: said.Name, Organisation: row.Organisation, Reason: said.Words, At: row.ProposedAt.UTC(),
	}
	if row.Decided == nil {
		return out, nil
	}
	var decided sealedRelease
	if err := record.OpenJSON(key, releaseContext(row.ID, versionDecided), row.Decided, &decided); err != nil {
		return out, err
	}
	out.Decided = &domain.Change{
		Act: row.State, Actor: row.DecidedBy, Name: decided.Name, Organisation: row.Organisation, Reason: decided.Words, At: row.DecidedAt.UTC(),
	}
	return out, nil
}
