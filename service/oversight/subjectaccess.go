package oversight

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/store"
)

// SubjectAccessRequest asks who looked at a child's record, to tell whoever asks
// for it rightly.
type SubjectAccessRequest struct {
	NHSNumber string
	From      time.Time
	Until     time.Time
	Words     string // who asks, and why: kept sealed
	// NameStaff says that a privacy officer has decided to name the people of the
	// own organisation.
	NameStaff bool
	Request   string // request id
}

// SubjectAccessResult is who looked at a child's record, in plain words.
type SubjectAccessResult struct {
	guard.Receipt
	Coverage

	Looks  []Look // the oldest first
	Letter string // the same as a text to hand over; empty if it needs a release
	// NeedsRelease says that the child is restricted, and that nothing is shown
	// because no two people of the organisation have released it.
	NeedsRelease bool
	ReleaseID    string // under which a restricted child's were released
}

// Look is one look at a record, or one act on it, in plain words.
type Look struct {
	At           time.Time
	Organisation string // its code
	Organised    string // its name
	Role         string
	What         string
	Why          string
	Staff        string // empty unless people are named
}

// maxLooks is how many looks one letter takes: who gets it should get all.
const maxLooks = 5000

// GetSubjectAccess shows who looked at a child's record, in words for whoever asks
// for it rightly. A privacy officer tells what the own organisation did, and an
// auditor what all did. Of a restricted child nothing is shown, unless two privacy
// officers of the organisation have released it. Its errors are those of
// ListEntries.
func (s *Reports) GetSubjectAccess(ctx context.Context, c *identity.Caller, q *SubjectAccessRequest) (*SubjectAccessResult, error) {
	r := read(Query{Reason: SubjectAccess, Words: q.Words, NHSNumber: q.NHSNumber, From: q.From, Until: q.Until}, "subject_access", q.Request)
	r.narrow(Child)
	r.size, r.apart = maxReportPage, true
	r.fetch = func(context.Context) error { return q.mayName(r.own) }
	return answer(ctx, s, c, r, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*SubjectAccessResult, error) {
		out := &SubjectAccessResult{}
		var err error
		if out.Coverage, err = s.coverage(ctx, tx, r.asked); err != nil {
			return nil, err
		}
		e.Counts = audit.Counts{"shown": 0}
		there, err := tx.Index.Count(ctx, &r.filter)
		if err != nil {
			return nil, err
		}
		// Who never looked hears what is said of everybody: nobody learns here that a
		// child is restricted.
		if r.restricted && there > 0 {
			if out.ReleaseID, err = s.released(ctx, tx, c, r.asked); err != nil || out.ReleaseID == "" {
				out.NeedsRelease = true
				return out, err
			}
			e.Counts["released"] = 1
		}
		if out.Looks, err = s.looks(ctx, tx, r.asked, q.NameStaff); err != nil {
			return nil, err
		}
		if e.Counts["shown"] = int64(len(out.Looks)); q.NameStaff {
			e.Counts["staff_named"] = 1
		}
		out.Letter = letter(out.Looks, &r.filter, s.clock.Moment())
		return out, nil
	})
}

// mayName refuses to name people whose privacy officer has not decided that.
func (q *SubjectAccessRequest) mayName(own bool) error {
	var v domain.Violations
	if q.NameStaff && !own {
		v.Add("name_staff", "must be decided by the privacy officer of their organisation, who can name its own people only", "")
	}
	return v.Err()
}

// released returns the release under which a restricted child's looks may be told;
// none if nobody may be told. An auditor has none.
func (s *Reports) released(ctx context.Context, tx *store.Tx, c *identity.Caller, q *asked) (string, error) {
	if !q.own {
		return "", nil
	}
	ids := make([]uuid.UUID, len(q.people))
	for i, h := range q.people {
		ids[i] = h.Row.ID
	}
	return s.releases.Released(ctx, tx, c.Organisation, q.filter.Subjects, ids)
}

// looks finds all looks that a query asks for, the oldest first.
func (s *Reports) looks(ctx context.Context, tx *store.Tx, q *asked, named bool) ([]Look, error) {
	names := staff{}
	if named {
		var err error
		if names, err = s.staffOf(ctx, tx, q); err != nil {
			return nil, err
		}
	}
	page, looks := *q, []Look{}
	for {
		entries, next, err := s.find(ctx, tx, &page)
		if err != nil {
			return nil, err
		}
		for i := range entries {
			if look, is := lookOf(&entries[i]); is {
				if named {
					look.Staff = names.name(&entries[i])
				}
				looks = append(looks, look)
			}
		}
		if next == nil {
			break
		}
		if page.filter.Beyond = next; len(looks) > maxLooks {
			var v domain.Violations
			v.Add("from", "must be later, or until earlier: the period has more than 5000 looks", "")
			return nil, v.Err()
		}
	}
	slices.Reverse(looks)
	return looks, nil
}
