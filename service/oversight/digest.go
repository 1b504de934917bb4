package oversight

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cpis/audit"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/keys"
	"cpis/service/notice"
	"cpis/service/store"
)

const (
	// actionDigest stands in the entry of a digest.
	actionDigest = "make_digest"
	// digestPage is for how many organisations digests are made at once.
	digestPage = 100
	// digestAfter is how long a week is over before its digest is made: what was
	// done in its last seconds may still be on its way into the log.
	digestAfter = 15 * time.Minute
	// digestWeeks is how many weeks are made up for, if the index was damaged or no
	// server ran.
	digestWeeks = 12
)

// MakeDigests tells each organisation what it did in the week that ended last, and
// in those before it that were left out: once, however many servers run, the oldest
// first. It waits until the index has all of a week. An authority hears of each by a
// notice, which goes on its channels; everybody reads it by GetDigest. It returns how
// many were made.
func (s *Reports) MakeDigests(ctx context.Context) (made int, err error) {
	if err := s.ready(); err != nil {
		return 0, err
	}
	complete, err := indexedUntil(ctx, s.db, s.clock.Moment())
	if err != nil {
		return 0, err
	}
	last := lastWeek(s.clock.Moment().Add(-digestAfter))
	for n := range digestWeeks {
		from := last.AddDate(0, 0, -7*(digestWeeks-1-n))
		until := from.AddDate(0, 0, 7)
		if until.Unix() <= s.digested.Load() || until.After(complete) {
			continue
		}
		more, err := s.makeWeek(ctx, from, until)
		if made += more; err != nil {
			return made, err
		}
		s.digested.Store(until.Unix())
	}
	return made, nil
}

// makeWeek makes the digests of a week that nobody has made.
func (s *Reports) makeWeek(ctx context.Context, from, until time.Time) (made int, err error) {
	for {
		organisations, err := s.db.Digests.Lacking(ctx, domain.DateOf(from).Time(), from, until, digestPage)
		if err != nil {
			return made, fmt.Errorf("looking for digests to make: %w", guard.Translate(err))
		}
		for _, organisation := range organisations {
			if err := s.makeDigest(ctx, organisation, from, until); err != nil {
				return made, fmt.Errorf("making a digest: %w", guard.Translate(err))
			}
			made++
		}
		if len(organisations) < digestPage {
			return made, nil
		}
	}
}

// lastWeek returns when the week of London's calendar began that ended last.
func lastWeek(now time.Time) time.Time {
	return domain.LondonDay(now).Monday().AddDays(-7).Begins()
}

// indexedUntil returns up to when the index has all that was done.
func indexedUntil(ctx context.Context, db *store.DB, now time.Time) (time.Time, error) {
	states, err := db.Index.States(ctx)
	if err != nil {
		return time.Time{}, guard.Translate(err)
	}
	until, _ := reachOf(states, now)
	return until, damagedIndex(states)
}

// makeDigest makes the digest of one organisation, and signs it before the
// transaction that keeps it: if another server was first, nothing is done.
func (s *Reports) makeDigest(ctx context.Context, organisation string, from, until time.Time) error {
	d := digest{organisation: organisation, from: from, until: until}
	if err := s.db.Tx(ctx, func(tx *store.Tx) error { return d.count(ctx, tx) }); err != nil {
		return err
	}
	note, err := sign(ctx, s.ring.Keeper(), s.log.Origin, d.text(s.log.Origin))
	if err != nil {
		return err
	}
	row := store.DigestRow{Organisation: organisation, Week: domain.DateOf(from).Time(), At: s.clock.Moment(), Note: note}
	return s.db.Tx(ctx, func(tx *store.Tx) error {
		kept, err := tx.Digests.Insert(ctx, &row)
		if err != nil || !kept {
			return err
		}
		if d.authority {
			s.notices.Tell(tx, notice.News{To: organisation, Kind: notice.Digest, Reference: domain.DateOf(from).String()})
		}
		_, err = s.guard.Enter(ctx, tx, &audit.Entry{
			Version: audit.Version, Actor: guard.ActorService, Organisation: organisation, Action: actionDigest,
			Request: guard.NewID().String(), Outcome: guard.OutcomeDone, Counts: audit.Counts{"open_reviews": int64(len(d.open))},
		})
		return err
	})
}

// sign signs a text with the log's key, as a signed note. Its first line tells it
// from a checkpoint.
func sign(ctx context.Context, keeper keys.Keeper, origin, text string) (string, error) {
	sig, pub, err := keeper.Sign(ctx, []byte(text))
	if err != nil {
		return "", keeperError(err)
	}
	note, err := audit.SignNote(origin, []byte(text), pub, sig)
	return string(note), err
}

// GetDigestRequest asks for the digest of a week.
type GetDigestRequest struct {
	Organisation string // code; the caller's own if empty
	Week         string // its Monday; the newest if empty
	Reason       Reason
	Request      string // request id
}

// Digest is what an organisation did in a week, as a signed text.
type Digest struct {
	guard.Receipt

	Organisation string
	Week         domain.Date
	Note         string
}

// GetDigest shows what an organisation did in a week: a privacy officer's own, an
// auditor's any. The error is ErrNotFound, or as of ListEntries.
func (s *Reports) GetDigest(ctx context.Context, c *identity.Caller, q *GetDigestRequest) (*Digest, error) {
	r := read(Query{Reason: q.Reason, Organised: q.Organisation}, "digest", q.Request)
	var week time.Time
	if day := r.Day("week", q.Week); !day.IsZero() {
		week = day.Time()
	}
	return answer(ctx, s, c, r, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*Digest, error) {
		of := r.filter.Organisation
		if of == "" {
			of = c.Organisation
		}
		row, err := tx.Digests.Get(ctx, of, week)
		if errors.Is(err, store.ErrNotFound) {
			return nil, guard.ErrNotFound
		}
		e.Counts = audit.Counts{"shown": 1}
		return &Digest{Organisation: row.Organisation, Week: domain.DateOf(row.Week), Note: row.Note}, err
	})
}
