package release

import (
	"cmp"
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
	Ended     *domain.Change // who took it back after it was accepted; nil if nobody did
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
// the number, when it is decided and when it is taken back.
type sealedRelease struct {
	NHSNumber string `json:"nhs,omitempty"`
	Name      string `json:"name,omitempty"`
	Words     string `json:"words"`
	// Organisation is whose person that is, if not of the release's.
	Organisation string `json:"organisation,omitempty"`
}

// What is sealed of a release counts as its versions.
const (
	versionProposed = 1
	versionDecided  = 2
	versionEnded    = 3
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

// Page is a part of the releases of an organisation.
type Page struct {
	guard.Receipt

	Releases []Release // the newest first
	Next     string    // where to go on; empty at the end
}

// ListReleases shows the releases of the caller's organisation, the newest first; to
// oversight those of all that give care and that nobody has decided about.
func (s *Releases) ListReleases(ctx context.Context, c *identity.Caller, q *ListReleasesRequest) (*Page, error) {
	check := domain.Reader{Form: domain.RequestForms}
	size, before := q.Paging.Read(&check, uuid.Nil)
	a, second := s.act(c, q.Request)
	a.Check = check.Err()
	return guard.Answer(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*Page, error) {
		list := func() ([]store.ReleaseRow, error) {
			if second {
				return tx.Releases.OpenOfCare(ctx, before, size)
			}
			return tx.Releases.List(ctx, c.Organisation, q.OpenOnly, before, size)
		}
		rows, err := list()
		if err != nil {
			return nil, err
		}
		out := &Page{}
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
	var err error
	if out.Decided, err = openWords(key, row, versionDecided, row.Decided, row.DecidedBy, row.DecidedAt); err != nil {
		return out, err
	}
	out.Ended, err = openWords(key, row, versionEnded, row.Ended, row.EndedBy, row.EndedAt)
	if out.Decided != nil && out.Ended == nil {
		out.Decided.Act = row.State
	}
	return out, err
}

// openWords opens what somebody said who decided about a release, or took it back;
// nil if nobody did.
func openWords(key *keys.DataKey, row *store.ReleaseRow, version int, sealed []byte, by string, at time.Time) (*domain.Change, error) {
	if sealed == nil {
		return nil, nil //nolint:nilnil // nobody did
	}
	var said sealedRelease
	if err := record.OpenJSON(key, releaseContext(row.ID, version), sealed, &said); err != nil {
		return nil, err
	}
	act := domain.Accepted // what was taken back had been accepted
	if version == versionEnded {
		act = domain.Withdrawn
	}
	return &domain.Change{
		Act: string(act), Actor: by, Name: said.Name, Organisation: cmp.Or(said.Organisation, row.Organisation), Reason: said.Words, At: at.UTC(),
	}, nil
}
