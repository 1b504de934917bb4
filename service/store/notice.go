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
	Person       uuid.UUID // zero where it is about nobody
	Authority    string    // GSS code
	Kind         string
	Priority     bool
	At           time.Time
	Organisation string // empty where it must not be named
	Setting      string
	Encounter    []byte    // keyed hash; nil where none was given
	Sealed       []byte    // who asked or reported, and what they said, under the person's key
	Corrects     uuid.UUID // the notice that was wrong; zero where none was
	Reference    string    // identifier of a transfer, proposal or upload
	Dedupe       bool      // write it once for an encounter, see Append; not kept
	Log          LogID     // when read: the log of its entry
	Entry        int       // in a Batch: the place of its entry there. When read: the entry's index in its log

	// What became of it: filled in when read.
	Version          int // from 1, one more with each change
	OrganisationName string
	CorrectedBy      uuid.UUID // the notice that says this one was wrong; zero where none does
	AcknowledgedAt   *time.Time
	AssignedTo       string
	Undelivered      bool
}

const noticeColumns = `
	       n.id, coalesce(n.person_id, '00000000-0000-0000-0000-000000000000'::uuid), n.authority, n.kind, n.priority, n.at,
	       n.organisation, coalesce(o.name, (SELECT a.name FROM cpis.authority AS a WHERE a.gss_code = n.organisation), ''), n.setting, n.encounter, n.sealed,
	       coalesce(n.corrects, '00000000-0000-0000-0000-000000000000'::uuid), n.reference, n.log, n.entry,
	       n.version, n.acknowledged_at, n.assigned_to, n.undelivered,
	       coalesce((SELECT c.id FROM cpis.notice AS c WHERE c.corrects = n.id), '00000000-0000-0000-0000-000000000000'::uuid)`

const noticeTables = `
	FROM cpis.notice AS n
	LEFT JOIN cpis.organisation AS o ON o.code = n.organisation`

func scanNotice(row pgx.CollectableRow) (n NoticeRow, err error) {
	err = row.Scan(&n.ID, &n.Person, &n.Authority, &n.Kind, &n.Priority, &n.At,
		&n.Organisation, &n.OrganisationName, &n.Setting, &n.Encounter, &n.Sealed,
		&n.Corrects, &n.Reference, &n.Log, &n.Entry,
		&n.Version, &n.AcknowledgedAt, &n.AssignedTo, &n.Undelivered, &n.CorrectedBy)
	return n, err
}

// Notify gives notices to be written with the entries of the transaction: where
// they stand among other notices follows from where these do. It does so for
// none as well, so that an act which says nothing takes as long as one that does.
func (tx *Tx) Notify(rows ...NoticeRow) {
	tx.notifies = true
	tx.notices = append(tx.notices, rows...)
}

// insertNotices writes them, all as of the entry with index first.
func (tx *Tx) insertNotices(ctx context.Context, log LogID, first int64) error {
	if !tx.notifies {
		return nil
	}
	corrects, references := make([]uuid.UUID, len(tx.notices)), make([]string, len(tx.notices))
	for i, n := range tx.notices {
		corrects[i], references[i] = n.Corrects, n.Reference
	}
	args := append(noticeArgs(tx.notices), corrects, references, log, first)
	_, err := tx.execLast(ctx, "writing notices", `
		INSERT INTO cpis.notice (id, authority, person_id, kind, priority, at, organisation, setting, encounter, sealed,
		    corrects, reference, log, entry)
		SELECT n.id, n.authority, NULLIF(n.person_id, '00000000-0000-0000-0000-000000000000'::uuid), n.kind, n.priority, n.at,
		       n.organisation, n.setting, n.encounter, n.sealed,
		       NULLIF(n.corrects, '00000000-0000-0000-0000-000000000000'::uuid), n.reference, $15, $16
		FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::boolean[], $6::timestamptz[], $7::text[], $8::text[],
		        $9::bytea[], $10::boolean[], $11::bigint[], $12::bytea[], $13::uuid[], $14::text[])
		    AS n (id, authority, person_id, kind, priority, at, organisation, setting,
		        encounter, dedupe, entry, sealed, corrects, reference)`, args...)
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
	SELECT ` + noticeColumns + noticeTables + `
	WHERE n.authority = $1
	  AND (n.at, n.id) < (coalesce($2::timestamptz, 'infinity'), $3)
	  AND (NOT $4 OR n.acknowledged_at IS NULL)
	  AND (NOT $5 OR n.priority)
	  AND (NOT $6 OR n.undelivered)
	  AND ($7 = '' OR n.kind = $7)
	  AND (cardinality($8::text[]) = 0 OR n.assigned_to = ANY ($8))
	ORDER BY n.at DESC, n.id DESC
	LIMIT $9`

// Inbox gives a page of an authority's notices, the newest first.
func (q queries) Inbox(ctx context.Context, in *Inbox, limit int) ([]NoticeRow, error) {
	var before *time.Time
	if !in.BeforeAt.IsZero() {
		before = &in.BeforeAt
	}
	return all(ctx, q.q, "reading notices", scanNotice, inboxPage, in.Authority, before, in.BeforeID, in.Open, in.Priority, in.Undelivered, in.Kind, append([]string{}, in.AssignedTo...), limit)
}

// Notices gives the newest notices to an authority.
func (q queries) Notices(ctx context.Context, authority string, limit int) ([]NoticeRow, error) {
	return q.Inbox(ctx, &Inbox{Authority: authority}, limit)
}

const noticesAfter = `
	SELECT ` + noticeColumns + noticeTables + `
	WHERE n.authority = $1
	  AND n.log = $2
	  AND (n.entry, n.id) > ($3, $4)
	ORDER BY n.entry, n.id
	LIMIT $5`

// NoticesAfter gives the notices of an authority in a log that come after one,
// in the order in which they were committed. What has no entry yet comes later
// than all that has: whoever goes on from the last notice that was read misses
// none.
func (q queries) NoticesAfter(ctx context.Context, authority string, log LogID, entry int64, id uuid.UUID, limit int) ([]NoticeRow, error) {
	return all(ctx, q.q, "reading notices", scanNotice, noticesAfter, authority, log, entry, id, limit)
}

// Notice gives a notice; ErrNotFound if there is none with that id.
func (q queries) Notice(ctx context.Context, id uuid.UUID) (NoticeRow, error) {
	return one(ctx, q.q, "reading notice", scanNotice, `
		SELECT `+noticeColumns+noticeTables+`
		WHERE n.id = $1`, id)
}

// LockNotice is Notice for those who will change it.
func (tx *Tx) LockNotice(ctx context.Context, id uuid.UUID) (NoticeRow, error) {
	return one(ctx, tx.q, "locking notice", scanNotice, `
		SELECT `+noticeColumns+noticeTables+`
		WHERE n.id = $1
		FOR UPDATE OF n`, id)
}

// EncounterNotices gives the notices that were made in an encounter since a
// time, corrections left out, in the order of their ids. A kind limits them; ""
// does not.
func (q queries) EncounterNotices(ctx context.Context, e *Encounter, since time.Time, kind string) ([]NoticeRow, error) {
	return all(ctx, q.q, "reading notices of encounter", scanNotice, encounterNotices,
		e.Person, e.Organisation, e.Hashes, e.Subjects, since, kind)
}

const encounterNotices = `
	SELECT ` + noticeColumns + noticeTables + `
	JOIN ` + whoseEncounter + ` ON w.id = n.person_id
	WHERE n.encounter = ANY ($3::bytea[])
	  AND n.organisation = $2
	  AND (w.id = $1 OR EXISTS (
	      SELECT FROM cpis.entry AS e WHERE e.log = n.log AND e.idx = n.entry AND e.subject = ANY ($4::bytea[])))
	  AND n.at > $5
	  AND n.corrects IS NULL
	  AND ($6 = '' OR n.kind = $6)
	ORDER BY n.id`

// NoticeActRow is something that was done with a notice.
type NoticeActRow struct {
	Notice     uuid.UUID
	Version    int    // of the notice, that it made
	Act        string // "acknowledge" or "assign"
	Outcome    string // of an acknowledgement
	AssignedTo string // of an assignment
	Actor      string
	At         time.Time
	Sealed     []byte // who it was, and in words, under the person's key; nil where there is none
}

// ActOnNotice records that something was done with a notice. The row carries
// the new version, which must be one more than the stored one, else the error
// is ErrConflict.
func (tx *Tx) ActOnNotice(ctx context.Context, r *NoticeActRow) error {
	return tx.execAll(ctx, 1, "acting on notice", `
		WITH updated AS (
		    UPDATE cpis.notice
		    SET version = $2,
		        acknowledged_at = CASE WHEN $3 = 'acknowledge' THEN coalesce(acknowledged_at, $7) ELSE acknowledged_at END,
		        assigned_to = CASE WHEN $3 = 'assign' THEN $5 ELSE assigned_to END
		    WHERE id = $1
		      AND version = $2 - 1
		    RETURNING id
		)
		INSERT INTO cpis.notice_act (notice_id, version, act, outcome, assigned_to, actor, at, sealed)
		SELECT id, $2, $3, $4, $5, $6, $7, $8
		FROM updated`, r.Notice, r.Version, r.Act, r.Outcome, r.AssignedTo, r.Actor, r.At, r.Sealed)
}

// NoticeActs gives what was done with a notice, the oldest first.
func (q queries) NoticeActs(ctx context.Context, notice uuid.UUID) ([]NoticeActRow, error) {
	return all(ctx, q.q, "reading acts on notice",
		func(row pgx.CollectableRow) (r NoticeActRow, err error) {
			err = row.Scan(&r.Notice, &r.Version, &r.Act, &r.Outcome, &r.AssignedTo, &r.Actor, &r.At, &r.Sealed)
			return r, err
		}, `
		SELECT notice_id, version, act, outcome, assigned_to, actor, at, sealed
		FROM cpis.notice_act
		WHERE notice_id = $1
		ORDER BY version`, notice)
}
