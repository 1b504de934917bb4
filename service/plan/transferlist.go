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

// TransferQuery asks for transfers from and to the caller's authority.
type TransferQuery struct {
	ID       string // only this one
	OpenOnly bool   // only those that nobody has decided about
	Paging   guard.Paging
	Request  string // request id
}

// Transfer is a plan on its way from one authority to another, or one that was.
type Transfer struct {
	ID       string
	State    domain.State
	From, To string  // GSS codes
	Plan     *Listed // while it is open, and if the plan is now the caller's; otherwise nil
	Proposed domain.Change
	Decided  *domain.Change // nil while it is open

	// Person is whom the plan is about: as it is shown, or as the caller's
	// authority knew them last. So is Restricted.
	Person     domain.Person
	Restricted bool
	known      audit.Disclosed // the version of the plan from which that comes
}

// TransferPage is a part of a list of transfers.
type TransferPage struct {
	guard.Receipt

	Transfers []Transfer // newest first
	Next      string     // where to go on; empty at the end
}

// ListTransfers shows transfers from and to the caller's authority. The error
// is ErrDenied, *InvalidError, *OverloadedError, ErrUnrecorded, ErrUnavailable
// or ErrDamaged; of one alone also ErrNotFound (also for one between others).
func (s *Plans) ListTransfers(ctx context.Context, c *identity.Caller, q *TransferQuery) (*TransferPage, error) {
	check := domain.Reader{}
	size, before := q.Paging.Read(&check, uuid.Max)
	a := guard.Act{
		Caller: c, Action: policy.ListPlans, Own: true, Request: q.Request, Target: guard.Target(guard.KindTransfer, q.ID), Check: check.Err(),
	}
	return guard.Answer(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*TransferPage, error) {
		rows, err := q.find(ctx, tx, c.Organisation, before, size)
		if err != nil {
			return nil, err
		}
		out := &TransferPage{}
		if out.Transfers, err = s.openTransfers(ctx, tx, rows, c.Organisation); err != nil {
			return nil, err
		}
		if q.ID == "" && len(rows) > 0 {
			out.Next = guard.Next(len(rows), size, rows[len(rows)-1].ID)
		}
		e.Counts = audit.Counts{"transfers": int64(len(out.Transfers))}
		guard.Show(e, guard.KindTransfer, out.Transfers, func(t *Transfer) string { return t.ID })
		for i := range out.Transfers {
			t := &out.Transfers[i]
			e.Restricted = e.Restricted || t.Restricted
			e.Disclosed = append(e.Disclosed, t.known)
		}
		return out, nil
	})
}

// find finds the transfers of an authority that are asked for.
func (q *TransferQuery) find(ctx context.Context, tx *store.Tx, authority string, before uuid.UUID, size int) ([]store.TransferRow, error) {
	if q.ID == "" {
		return tx.Transfers.List(ctx, authority, q.OpenOnly, before, size)
	}
	row, err := guard.FindOwn(ctx, tx.Transfers.Get, authority, q.ID)
	return []store.TransferRow{row}, err
}

// openTransfers opens transfers as an authority may see them. What was said
// about them is sealed under the key of whom they were about; the plan may have
// moved to another record of the same person since. Transfers of plans about
// persons who were erased are left out.
func (s *Plans) openTransfers(
	ctx context.Context, tx *store.Tx, rows []store.TransferRow, authority string,
) ([]Transfer, error) {
	ids := make([]uuid.UUID, len(rows))
	for i := range rows {
		ids[i] = rows[i].Plan
	}
	plans, err := tx.Plans.ByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	byID := make(map[uuid.UUID]store.PlanRow, len(plans))
	persons := make([]uuid.UUID, 0, 2*len(rows))
	for _, p := range plans {
		byID[p.ID] = p
		persons = append(persons, p.Person)
	}
	for i := range rows {
		persons = append(persons, rows[i].Person)
	}
	about, err := s.records.OpenPersons(ctx, tx, persons)
	if err != nil {
		return nil, err
	}
	known, err := s.recallTransferred(ctx, tx, authority, ids)
	if err != nil {
		return nil, err
	}
	var out []Transfer
	for i := range rows {
		h, past := about[rows[i].Person], known[rows[i].Plan]
		if h == nil || past == nil {
			continue
		}
		t, err := s.openTransfer(h, &rows[i])
		if err != nil {
			return nil, err
		}
		plan := byID[rows[i].Plan]
		if t.Plan, err = s.openTransferred(about[plan.Person], &plan, &t, authority); err != nil {
			return nil, err
		}
		t.name(past)
		out = append(out, t)
	}
	return out, nil
}

// name says whom the plan is about. past is what the authority knew last.
func (t *Transfer) name(past *record.Record) {
	if p := t.Plan; p != nil {
		t.Person, t.Restricted, t.known = p.Person, p.Restricted, audit.Disclosed{Plan: p.Plan.ID, Version: p.Plan.Version}
		return
	}
	t.Person, t.Restricted = past.Person, past.Row.Restricted
	t.known = audit.Disclosed{Plan: past.Past.Row.ID.String(), Version: past.Past.Row.Version}
}

// openTransfer opens what was said about a transfer.
func (s *Plans) openTransfer(h *record.Record, row *store.TransferRow) (Transfer, error) {
	t := Transfer{ID: row.ID.String(), State: domain.State(row.State), From: row.Sender, To: row.Receiver}
	by, err := s.openChange(h.Key, row, transferProposed)
	if err != nil {
		return Transfer{}, err
	}
	t.Proposed = by.Shown(row.ProposedAt)
	if row.DecidedAt == nil {
		return t, nil
	}
	if by, err = s.openChange(h.Key, row, transferDecided); err != nil {
		return Transfer{}, err
	}
	decided := by.Shown(*row.DecidedAt)
	t.Decided = &decided
	return t, nil
}

// openTransferred opens the plan of a transfer, if an authority may see it:
// while the transfer is open, and if the plan is its own.
func (s *Plans) openTransferred(h *record.Record, row *store.PlanRow, t *Transfer, authority string) (*Listed, error) {
	isOwn := row.Authority == authority
	if h == nil || t.State != domain.Open && !isOwn {
		return nil, nil //nolint:nilnil // there is nothing to show, and nothing wrong
	}
	own := record.Plan{Row: *row}
	if err := s.records.OpenOwn(h.Key, &own); err != nil {
		return nil, err
	}
	if !isOwn {
		own.Reference = "" // the sender's
	}
	listed := listPlan(&own, h, s.clock.Today())
	return &listed, nil
}
