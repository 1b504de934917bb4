package plan

import (
	"context"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/record"
	"cpis/service/store"
)

// Version is a plan as it was from one change to the next.
type Version struct {
	Plan      Plan // Ended is as of today
	Family    string
	Given     string
	Change    domain.Change // who made the version, and why
	Authority string        // GSS code of whose it was
	Entry     int64         // index in the log of the entry that records it
}

// ListVersionsRequest asks for all versions of a plan.
type ListVersionsRequest struct {
	PlanID  string
	Request string // request id
}

// Versions are all versions of a plan.
type Versions struct {
	guard.Receipt

	Versions []Version // newest first
}

// ListVersions shows all versions of a plan of the caller's authority, also of
// one that was removed. Of those made while the plan was another authority's it
// shows who and when. The errors are those of GetPlan.
func (s *Plans) ListVersions(ctx context.Context, c *identity.Caller, q *ListVersionsRequest) (*Versions, error) {
	a := guard.Act{
		Caller: c, Action: policy.GetPerson, Own: true, Request: q.Request, Target: guard.Target(guard.KindPlan, q.PlanID),
	}
	return guard.Answer(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*Versions, error) {
		row, err := guard.FindOwn(ctx, tx.Plans.Get, c.Organisation, q.PlanID)
		if err != nil {
			return nil, err
		}
		versions, err := tx.Plans.Versions(ctx, row.ID)
		if err != nil {
			return nil, err
		}
		about, err := s.records.OpenPersons(ctx, tx, personsOf(versions))
		if err != nil {
			return nil, err
		}
		h := about[row.Person]
		if h == nil {
			return nil, guard.ErrNotFound
		}
		e.Subject, e.Restricted = s.records.Subject(h.Person.NHSNumber), h.Row.Restricted
		out := &Versions{Versions: make([]Version, len(versions))}
		for i := range versions {
			if out.Versions[i], err = s.openVersion(about, &versions[i], c.Organisation); err != nil {
				return nil, err
			}
		}
		// All of them, of which there may be more than an entry can name.
		e.Disclosed = []audit.Disclosed{{Plan: row.ID.String(), Version: versions[0].Version}}
		e.Counts = audit.Counts{"versions": int64(len(versions))}
		return out, nil
	})
}

// personsOf returns whom versions are about: a plan may have moved from one
// person to another.
func personsOf(versions []store.PlanVersion) []uuid.UUID {
	ids := make([]uuid.UUID, len(versions))
	for i := range versions {
		ids[i] = versions[i].Person
	}
	return ids
}

// openVersion opens a version under the key of whom it was about, as an
// authority may see it.
func (s *Plans) openVersion(about map[uuid.UUID]*record.Record, row *store.PlanVersion, authority string) (Version, error) {
	v := Version{Authority: row.Authority, Entry: row.Entry}
	v.Plan.ID, v.Plan.Version, v.Plan.Changed = row.ID.String(), row.Version, row.At
	h := about[row.Person]
	if h == nil {
		v.Change.At = row.At // the person was erased: who made it stands in the log
		return v, nil
	}
	own := record.Plan{Row: row.PlanRow}
	if err := s.records.OpenOwn(h.Key, &own); err != nil {
		return Version{}, err
	}
	v.Change = own.Change.Shown(row.At)
	if row.Authority != authority {
		v.Change.Reason = ""
		return v, nil
	}
	v.Plan, v.Family, v.Given = showPlan(&own, s.clock.Today()), own.Family, own.Given
	return v, nil
}
