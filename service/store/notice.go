package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// NoticeRow is a message to an authority, such as that a person with one of its
// plans was seen.
type NoticeRow struct {
	ID           uuid.UUID
	Person       uuid.UUID // zero if it is about nobody
	Authority    string    // GSS code
	Kind         string
	Priority     bool
	At           time.Time
	Organisation string // empty if it must not be named
	Setting      string
	Encounter    []byte    // keyed hash; nil if none was given
	Sealed       []byte    // who asked or reported, and what they said, under the person's key
	Corrects     uuid.UUID // the notice that was wrong; zero if none was
	Reference    string    // identifier of a transfer, proposal or upload
	Dedupe       bool      // write it once for an encounter, see Append; not kept
	Log          LogID     // when read: the log of its entry
	Entry        int       // in a Batch: the place of its entry there. When read: the entry's index in its log

	// What became of it: filled in when read.
	Version          int // from 1, one more with each change
	OrganisationName string
	CorrectedBy      uuid.UUID // the notice that says this one was wrong; zero if none does
	AcknowledgedAt   *time.Time
	AssignedTo       string
	Undelivered      bool
}

const noticeColumns = `n.id, n.person_id, n.authority, n.kind, n.priority, n.at, n.organisation, n.setting, n.encounter, n.sealed,
	       n.corrects, n.reference, n.log, n.entry, n.version, n.acknowledged_at, n.assigned_to, n.undelivered, n.mac`

// targets are where the columns of a notice go.
func (n *NoticeRow) targets() []any {
	return []any{
		&n.ID, (*idTarget)(&n.Person), &n.Authority, &n.Kind, &n.Priority, &n.At, &n.Organisation, &n.Setting, &n.Encounter, &n.Sealed,
		(*idTarget)(&n.Corrects), &n.Reference, &n.Log, &n.Entry, &n.Version, &n.AcknowledgedAt, &n.AssignedTo, &n.Undelivered,
	}
}

func (n *NoticeRow) cover(c *cover) {
	c.of("notice")
	c.id("id", n.ID)
	c.id("person_id", n.Person)
	c.str("authority", n.Authority)
	c.str("kind", n.Kind)
	c.bool("priority", n.Priority)
	c.time("at", n.At)
	c.str("organisation", n.Organisation)
	c.str("setting", n.Setting)
	c.bytes("encounter", n.Encounter)
	c.bool("sealed", n.Sealed != nil) // what is sealed proves itself, but not that it is there
	c.id("corrects", n.Corrects)
	c.str("reference", n.Reference)
	c.int("log", int(n.Log))
	c.int("entry", n.Entry)
	c.int("version", n.Version)
	c.maybe("acknowledged_at", n.AcknowledgedAt)
	c.str("assigned_to", n.AssignedTo)
	c.bool("undelivered", n.Undelivered)
}

// shownNotice is noticeColumns with what is shown beside a notice.
const shownNotice = noticeColumns + `,
	       coalesce(o.name, (SELECT a.name FROM cpis.authority AS a WHERE a.gss_code = n.organisation), ''),
	       (SELECT c.id FROM cpis.notice AS c WHERE c.corrects = n.id)`

const noticeTables = `
	FROM cpis.notice AS n
	LEFT JOIN cpis.organisation AS o ON o.code = n.organisation`

func (q queries) scanNotice(row pgx.CollectableRow) (n NoticeRow, err error) {
	var mac []byte
	err = row.Scan(append(n.targets(), &mac, &n.OrganisationName, (*idTarget)(&n.CorrectedBy))...)
	return n, q.guard.check(err, &n, mac)
}

// readNotices runs a query of notices. Those that correct others must verify, too:
// otherwise one that is not corrected would look as if it were.
func (q queries) readNotices(ctx context.Context, doing, sql string, args ...any) ([]NoticeRow, error) {
	found, err := all(ctx, q.q, doing, q.scanNotice, sql, args...)
	if err != nil {
		return nil, err
	}
	return found, q.checkCorrections(ctx, found...)
}

// readNotice is readNotices for a query that returns one.
func (q queries) readNotice(ctx context.Context, doing, sql string, args ...any) (NoticeRow, error) {
	n, err := one(ctx, q.q, doing, q.scanNotice, sql, args...)
	if err != nil {
		return n, err
	}
	return n, q.checkCorrections(ctx, n)
}

func (q queries) checkCorrections(ctx context.Context, corrected ...NoticeRow) error {
	var by []uuid.UUID
	for i := range corrected {
		if corrected[i].CorrectedBy != uuid.Nil {
			by = append(by, corrected[i].CorrectedBy)
		}
	}
	if len(by) == 0 {
		return nil
	}
	_, err := all(ctx, q.q, "reading corrections", scanner[NoticeRow](q.guard), `
		SELECT `+noticeColumns+`
		FROM cpis.notice AS n
		WHERE n.id = ANY ($1::uuid[])`, by)
	return err
}

// Notify returns notices to be written with the entries of the transaction: where
// they stand among other notices follows from where these do. It does so for
// none as well, so that an act which says nothing takes as long as one that does.
func (tx noticeWrites) Notify(rows ...NoticeRow) {
	tx.notifies = true
	tx.notices = append(tx.notices, rows...)
}

// insertNotices writes them, all as of the entry with index first.
func (tx *work) insertNotices(ctx context.Context, log LogID, first int64) error {
	if !tx.notifies {
		return nil
	}
	corrects, references := make([]uuid.UUID, len(tx.notices)), make([]string, len(tx.notices))
	for i := range tx.notices {
		n := &tx.notices[i]
		corrects[i], references[i] = n.Corrects, n.Reference
		n.Entry = 0 // some are copies of others
	}
	args := append(noticeArgs(tx.notices), newMACs(tx.guard, tx.notices, log, first), corrects, references, log, first)
	_, err := tx.execLast(ctx, "writing notices", `
		INSERT INTO cpis.notice (id, authority, person_id, kind, priority, at, organisation, setting, encounter, sealed,
		    corrects, reference, log, entry, mac)
		SELECT n.id, n.authority, NULLIF(n.person_id, '00000000-0000-0000-0000-000000000000'::uuid), n.kind, n.priority, n.at,
		       n.organisation, n.setting, n.encounter, n.sealed,
		       NULLIF(n.corrects, '00000000-0000-0000-0000-000000000000'::uuid), n.reference, $16, $17, n.mac
		FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::boolean[], $6::timestamptz[], $7::text[], $8::text[],
		        $9::bytea[], $10::boolean[], $11::bigint[], $12::bytea[], $13::bytea[], $14::uuid[], $15::text[])
		    AS n (id, authority, person_id, kind, priority, at, organisation, setting,
		        encounter, dedupe, entry, sealed, mac, corrects, reference)`, args...)
	return err
}

// Inbox says which notices of an authority are wanted. Zero values want all.
type Inbox struct {
	Authority   string
	Open        bool // only those that nobody has acknowledged
	Priority    bool
	Undelivered bool
	Kind        string
	AssignedTo  []string // any of these
	// BeforeAt and BeforeID are of the last notice of the page before.
	BeforeAt time.Time
	BeforeID uuid.UUID
}

const inboxPage = `
	SELECT ` + shownNotice + noticeTables + `
	WHERE n.authority = $1
	  AND (n.at, n.id) < (coalesce($2::timestamptz, 'infinity'), $3)
	  AND (NOT $4 OR n.acknowledged_at IS NULL)
	  AND (NOT $5 OR n.priority)
	  AND (NOT $6 OR n.undelivered)
	  AND ($7 = '' OR n.kind = $7)
	  AND (cardinality($8::text[]) = 0 OR n.assigned_to = ANY ($8))
	ORDER BY n.at DESC, n.id DESC
	LIMIT $9`

// Inbox returns a page of an authority's notices, the newest first.
func (q noticeReads) Inbox(ctx context.Context, in *Inbox, limit int) ([]NoticeRow, error) {
	var before *time.Time
	if !in.BeforeAt.IsZero() {
		before = &in.BeforeAt
	}
	return q.readNotices(ctx, "reading notices", inboxPage, in.Authority, before, in.BeforeID, in.Open, in.Priority, in.Undelivered, in.Kind, append([]string{}, in.AssignedTo...), limit)
}

// NoticesAbout says which notices to an authority about a person are wanted.
type NoticesAbout struct {
	Authority   string
	Person      uuid.UUID
	At          time.Time // only those before this moment,
	ID          uuid.UUID // and at it those with a smaller id
	Corrections bool      // only those that correct another, or were corrected
	Limit       int
}

// About returns notices to an authority about a person, the newest first.
func (q noticeReads) About(ctx context.Context, a *NoticesAbout) ([]NoticeRow, error) {
	return q.readNotices(ctx, "reading notices about a person", `
		SELECT `+shownNotice+noticeTables+`
		WHERE n.person_id = $2
		  AND n.authority = $1
		  AND (n.at, n.id) < ($3, $4)
		  AND (NOT $5 OR n.corrects IS NOT NULL OR EXISTS (SELECT FROM cpis.notice AS c WHERE c.corrects = n.id))
		ORDER BY n.at DESC, n.id DESC
		LIMIT $6`, a.Authority, a.Person, a.At, a.ID, a.Corrections, a.Limit)
}

// Newest returns the newest notices to an authority.
func (q noticeReads) Newest(ctx context.Context, authority string, limit int) ([]NoticeRow, error) {
	return q.Inbox(ctx, &Inbox{Authority: authority}, limit)
}

const noticesAfter = `
	SELECT ` + shownNotice + noticeTables + `
	WHERE n.authority = $1
	  AND n.log = $2
	  AND (n.entry, n.id) > ($3, $4)
	ORDER BY n.entry, n.id
	LIMIT $5`

// After returns the notices of an authority in a log that come after one,
// in the order in which they were committed. What has no entry yet comes later
// than all that has: whoever goes on from the last notice that was read misses
// none.
func (q noticeReads) After(ctx context.Context, authority string, log LogID, entry int64, id uuid.UUID, limit int) ([]NoticeRow, error) {
	return q.readNotices(ctx, "reading notices", noticesAfter, authority, log, entry, id, limit)
}

// Get returns a notice; ErrNotFound if there is none with that id.
func (q noticeReads) Get(ctx context.Context, id uuid.UUID) (NoticeRow, error) {
	return q.readNotice(ctx, "reading notice", `
		SELECT `+shownNotice+noticeTables+`
		WHERE n.id = $1`, id)
}

// Lock is Get for those who will change it.
func (tx noticeWrites) Lock(ctx context.Context, id uuid.UUID) (NoticeRow, error) {
	return tx.readNotice(ctx, "locking notice", `
		SELECT `+shownNotice+noticeTables+`
		WHERE n.id = $1
		FOR UPDATE OF n`, id)
}

// OfEncounter returns the notices that were made in an encounter since a
// time, corrections left out, in the order of their ids. A kind limits them; ""
// does not.
func (q noticeReads) OfEncounter(ctx context.Context, e *Encounter, since time.Time, kind string) ([]NoticeRow, error) {
	return q.readNotices(ctx, "reading notices of encounter", encounterNotices,
		e.Person, e.Organisation, e.Hashes, e.Subjects, since, kind)
}

const encounterNotices = `
	SELECT ` + shownNotice + noticeTables + `
	JOIN ` + whoseEncounter + ` ON w.id = n.person_id
	WHERE n.encounter = ANY ($3::bytea[])
	  AND n.organisation = $2
	  AND (w.id = $1 OR EXISTS (
	      SELECT FROM cpis.entry AS e WHERE e.log = n.log AND e.idx = n.entry AND e.subject = ANY ($4::bytea[])))
	  AND n.at > $5
	  AND n.corrects IS NULL
	  AND ($6 = '' OR n.kind = $6)
	ORDER BY n.id`
