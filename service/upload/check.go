package upload

import (
	"cmp"
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"slices"

	"cpis/audit"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/notice"
	"cpis/service/record"
	"cpis/service/store"
)

// maxReasons is how many kinds of problems are counted apart.
const maxReasons = 50

// finding is what a check says about an upload as a whole.
type finding struct {
	state    State
	code     string
	problems []domain.Violation
	warnings []string
	brake    bool
}

// check checks a file that was received, and says what is to become of
// it.
func (s *Uploads) check(ctx context.Context, u *upload) error {
	p := s.newCheck(u)
	found, err := s.findOut(ctx, u, p)
	if errors.Is(err, guard.ErrDamaged) {
		found, err = unreadable(), nil // trying again would not help
	}
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *store.Tx) error {
		to := *u // fn may run again
		to.note(p, found)
		lease := turnLease
		if found.state != Applying {
			lease = 0
		}
		if err := to.move(ctx, tx, found.state, s.clock.Moment(), lease); err != nil {
			return err
		}
		if err := tx.Files.DeleteRows(ctx, u.row.ID, p.run); err != nil {
			return err
		}
		if found.state == Waiting && u.details.System {
			s.notices.Tell(tx, notice.News{To: u.row.Authority, Kind: notice.UploadWaiting, Reference: u.row.ID.String()})
		}
		e := to.entry(actionCheck, u.details.Request)
		p.describe(&e)
		e.Reason = string(found.state)
		_, err := s.guard.Enter(ctx, tx, &e)
		return err
	})
}

// unreadable is what is said of a file that does not verify.
func unreadable() finding {
	return finding{state: Rejected, code: codeBroken, problems: []domain.Violation{{
		Field: "file", Problem: "could not be checked, because stored data does not verify: ask who operates the service",
	}}}
}

// describe adds to the entry of a pass what an auditor wants to count.
func (p *pass) describe(e *audit.Entry) {
	e.Counts = p.counts.audit()
	if p.guesses > 0 {
		e.Counts["mismatched"] = int64(p.guesses)
	}
}

// note takes what a pass found into an upload.
func (u *upload) note(p *pass, f finding) {
	u.counts = p.counts
	d := &u.details
	d.Day, d.Run, d.Pages, d.Preview = p.day, p.run, p.pages, p.digest.Sum(nil)
	d.Code, d.Problems, d.Warnings, d.Brake, d.Reasons = f.code, f.problems, f.warnings, f.brake, p.reasonCounts()
	if f.state == Applying {
		d.Decided = record.Author{Act: "approve", Actor: decidedByRule, Organisation: u.row.Authority}
		d.DecidedAt, d.DecidedRequest = p.s.clock.Moment(), d.Request
	}
}

// decidedByRule stands for who approved a file, if a rule did.
const decidedByRule = "rule"

// reasonCounts returns the problems of rejected rows, the most frequent first.
func (p *pass) reasonCounts() []ReasonCount {
	all := make([]ReasonCount, 0, len(p.reasons))
	for r, n := range p.reasons {
		r.Rows = n
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b ReasonCount) int {
		return cmp.Or(cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.Field, b.Field), cmp.Compare(a.Problem, b.Problem), cmp.Compare(a.Code, b.Code))
	})
	return all[:min(len(all), maxReasons)]
}

// findOut runs a pass, and says what is to become of the file.
func (s *Uploads) findOut(ctx context.Context, u *upload, p *pass) (finding, error) {
	if f, err := s.whoseFile(ctx, u); f != nil || err != nil {
		return orNone(f), err
	}
	earlier, f, err := s.earlier(ctx, u)
	if f != nil || err != nil {
		return orNone(f), err
	}
	err = p.through(ctx)
	if v, is := broken(err); is {
		return finding{state: Rejected, code: codeBroken, problems: []domain.Violation{v}}, nil
	}
	if err != nil {
		return finding{}, err
	}
	if earlier.ended, err = s.db.Uploads.EndedSince(ctx, u.row.Authority, s.clock.Moment().Add(-brakeSpan)); err != nil {
		return finding{}, err
	}
	if err := p.countInForce(ctx, earlier.ended); err != nil {
		return finding{}, err
	}
	rules, err := rulesOf(ctx, s.db.Uploads.Rules, u.row.Authority)
	if err != nil {
		return finding{}, err
	}
	return p.conclude(earlier, &rules), nil
}

// countInForce counts the plans in force if it matters how many there are:
// so many end that the safety brake may hold the file. Of a whole list they are
// counted already.
func (p *pass) countInForce(ctx context.Context, ended int) error {
	ends := p.counts.Ends()
	if p.u.whole() || ends == 0 || ends+ended <= alwaysMayEnd {
		return nil
	}
	others, err := p.findMissing(ctx)
	p.counts.InForce = p.absence.inForce + len(others)
	return err
}

func orNone(f *finding) finding {
	if f == nil {
		return finding{}
	}
	return *f
}

// rejectedFor is what becomes of a file because of one thing.
func rejectedFor(code, field, problem string) *finding {
	return &finding{state: Rejected, code: code, problems: []domain.Violation{{Field: field, Problem: problem}}}
}

// whoseFile rejects a file that is empty, or another authority's.
func (s *Uploads) whoseFile(ctx context.Context, u *upload) (*finding, error) {
	if u.row.Size == 0 {
		return rejectedFor(codeBroken, "file", "is empty"), nil
	}
	code := u.details.Claimed
	if code == "" || code == u.row.Authority {
		return nil, nil
	}
	all, err := s.db.Directory.Authorities(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range all {
		if a.GSS == u.row.Authority && (code == a.DfE || code == a.ODS && a.ODS != "") {
			return nil, nil
		}
	}
	return rejectedFor(codeNothing, "authority", "is not the code of your authority: the file is another's, or is meant for another"), nil
}

// before is how a file stands to those before it.
type before struct {
	last     int64 // the highest running number that was applied; 0 if there is none
	replayed bool  // the same file was applied
	ended    int   // plans that files ended within brakeSpan
}

// earlier compares a file with those that were applied before.
func (s *Uploads) earlier(ctx context.Context, u *upload) (before, *finding, error) {
	if u.row.Sequence == 0 {
		return before{}, nil, nil
	}
	last, err := s.db.Uploads.LastSequence(ctx, u.row.Authority)
	if err != nil {
		return before{}, nil, err
	}
	applied, err := s.db.Uploads.Applied(ctx, u.row.Authority, u.row.Sequence)
	if errors.Is(err, store.ErrNotFound) {
		return before{last: last}, nil, nil
	}
	if err != nil {
		return before{}, nil, err
	}
	if !hmac.Equal(applied.Digest, u.row.Digest) {
		return before{}, rejectedFor(codeNothing, "sequence", fmt.Sprintf(
			"%d was applied already with another file: give this one the next number", u.row.Sequence)), nil
	}
	return before{last: last, replayed: true}, nil, nil
}

// conclude says what is to become of a file that was read.
func (p *pass) conclude(earlier before, rules *Rules) finding {
	c := &p.counts
	f := finding{code: codeAll}
	if c.Rejected > 0 {
		f.code = codeSome
	}
	for _, n := range p.notes {
		f.warnings = append(f.warnings, fmt.Sprintf("%d × %s", n.Count, n.Text))
	}
	switch {
	case c.Rows == 0:
		return *rejectedFor(codeBroken, "file", "holds no rows")
	case c.Rejected == c.Rows:
		f.state, f.code = Rejected, codeNothing
		f.problems = []domain.Violation{{Field: "file", Problem: "holds no row that is right"}}
		return f
	case earlier.replayed && c.changes():
		return *rejectedFor(codeNothing, "sequence", fmt.Sprintf(
			"%d was applied already, and what is held has changed since: send a new file under the next number", p.u.row.Sequence))
	case !c.changes():
		f.state = Checked
		f.warnings = append(p.absence.warnings(c), f.warnings...)
		return f
	}
	p.await(&f, earlier, rules)
	return f
}

// await says what whoever approves a file must know and, if nobody need
// know anything and the rules allow it, approves it.
func (p *pass) await(f *finding, earlier before, rules *Rules) {
	c, system := &p.counts, p.u.details.System
	var against []string
	if f.brake = rules.brakes(c.Ends(), c.InForce); f.brake {
		against = append(against, brakeText(c))
	}
	against = append(against, earlier.gap(p.u.row.Sequence)...)
	if p.u.details.Again {
		against = append(against, "what this file does has changed since it was approved: look at it again")
	}
	against = append(against, p.doubtful()...)
	if system {
		against = append(against, rules.against(c, earlier.ended)...)
	}
	f.state, f.code = Waiting, ""
	if system && rules.ApproveSystems && len(against) == 0 {
		f.state = Applying
	}
	f.warnings = slices.Concat(against, p.absence.warnings(c), f.warnings)
}

func brakeText(c *Counts) string {
	return fmt.Sprintf("safety brake: this file ends %d of the %d plans in force; whoever approves it must repeat that number", c.Ends(), c.InForce)
}

// doubtful says what nobody but a person should let pass.
func (p *pass) doubtful() []string {
	var all []string
	if p.returning > 0 {
		all = append(all, oneOrMany(p.returning,
			"1 of the new plans was removed here as entered in error: if it should not come back, remove it in the system that makes the file",
			"%d of the new plans were removed here as entered in error: if they should not come back, remove them in the system that makes the file"))
	}
	if n := p.absence.fresh; n > 0 {
		all = append(all, oneOrMany(n,
			"1 of the plans that end because the list lacks them was recorded here within a day: the list may be older than that",
			"%d of the plans that end because the list lacks them were recorded here within a day: the list may be older than that"))
	}
	return all
}

// oneOrMany returns the words for one, or those for another number.
func oneOrMany(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return fmt.Sprintf(many, n)
}

// gap says what is wrong with a running number.
func (q before) gap(number int64) []string {
	switch {
	case number == 0 || q.last == 0 || number == q.last+1:
		return nil
	case number <= q.last:
		return []string{fmt.Sprintf("number %d is older than %d, which was applied last", number, q.last)}
	}
	return []string{fmt.Sprintf("number %d does not follow %d, which was applied last: files between them are missing", number, q.last)}
}

// warnings says that plans stay although a whole list lacks them.
func (a *absence) warnings(c *Counts) []string {
	if c.HeldBack == 0 {
		return nil
	}
	text := oneOrMany(c.HeldBack,
		"1 plan is missing from the list and stays as it is, because a row that is wrong may be about it",
		"%d plans are missing from the list and stay as they are, because rows that are wrong may be about them")
	if len(a.unsure) > 0 {
		text += ". Correct " + a.unsure.lines() + ": whom they are about cannot be known, and until then no plan ends for being missing"
	}
	return []string{text}
}
