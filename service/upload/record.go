package upload

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/record"
	"cpis/service/store"
)

// upload is an upload as it is kept, opened.
type upload struct {
	row     store.UploadRow
	counts  Counts
	details details
	key     *keys.DataKey // nil once it is forgotten; then there are no details
}

// details are what is sealed of an upload.
type details struct {
	Sent           record.Author      `json:"sent"`
	System         bool               `json:"system,omitempty"` // a system sent it
	Request        string             `json:"request"`          // id of the request that sent it
	Decided        record.Author      `json:"decided,omitzero"`
	DecidedAt      time.Time          `json:"decided_at,omitzero"`
	DecidedRequest string             `json:"decided_request,omitempty"`
	Claimed        string             `json:"claimed,omitempty"` // code of the authority, as sent
	Files          []fileSpan         `json:"files"`
	Day            domain.Date        `json:"day"`                 // in England, when it was checked
	Run            uuid.UUID          `json:"run"`                 // which rows count
	Pages          int                `json:"pages"`               // of rows
	Preview        []byte             `json:"preview"`             // hash of all that it would do
	Again          bool               `json:"again"`               // what it would do had changed since it was approved
	Code           string             `json:"code"`                // CPF01 to CPF06
	Problems       []domain.Violation `json:"problems"`            // of the file as a whole
	Warnings       []string           `json:"warnings"`            // to be shown
	Brake          bool               `json:"brake"`               // the safety brake holds it
	Reasons        []ReasonCount      `json:"reasons"`             // of rejected rows
	KeptUntil      time.Time          `json:"kept_until,omitzero"` // the file, once nothing becomes of it any more; not kept if zero
}

// fileSpan is one of the files of an upload: where it lies in the whole.
type fileSpan struct {
	Name   string `json:"name"`
	Offset int64  `json:"offset"`
	Size   int64  `json:"size"`
}

// open opens an upload. Of one that was forgotten only what was never
// sealed is known.
func (s *Uploads) open(ctx context.Context, row *store.UploadRow) (*upload, error) {
	u := &upload{row: *row}
	if json.Unmarshal(row.Counts, &u.counts) != nil {
		return nil, s.records.Damaged(record.TableUpload)
	}
	if row.WrappedKey == "" {
		return u, nil
	}
	ctx, cancel := context.WithTimeout(ctx, record.KeyWait)
	defer cancel()
	opened := s.ring.Unwrap(ctx, []keys.Wrapped{{Owner: store.UploadKeys.Owner(row.ID), Text: row.WrappedKey}})
	if err := opened[0].Err; err != nil {
		return nil, fmt.Errorf("unwrapping keys: %w", s.records.KeyError(err))
	}
	u.key = opened[0].Value
	if record.OpenJSON(u.key, u.detailsIn(), row.Sealed, &u.details) != nil {
		return nil, s.records.Damaged(record.TableUpload)
	}
	return u, nil
}

// seal puts what was opened back into the row.
func (u *upload) seal() (err error) {
	if u.row.Counts, err = json.Marshal(u.counts); err != nil {
		return fmt.Errorf("encoding counts: %w", err)
	}
	u.row.Sealed, err = record.SealJSON(u.key, u.detailsIn(), &u.details)
	return err
}

// move brings an upload into another state. If that is the last, its file is not
// needed any more, unless there are rows in it to correct.
func (u *upload) move(ctx context.Context, tx *store.Tx, to State, now time.Time, lease time.Duration) error {
	u.row.Version++
	u.row.State, u.row.ChangedAt, u.row.LeaseUntil = string(to), now, nil
	if lease > 0 {
		until := now.Add(lease)
		u.row.LeaseUntil = &until
	}
	correct := to.over() && to != Cancelled && u.details.Pages > 0 && u.counts.Rejected > 0
	if correct {
		u.details.KeptUntil = now.Add(keptToCorrect)
	}
	if err := u.seal(); err != nil {
		return err
	}
	if err := tx.Uploads.Update(ctx, &u.row); err != nil {
		return err
	}
	if to.over() && !correct {
		return tx.Files.DeleteParts(ctx, u.row.ID)
	}
	return nil
}

// state is where it stands.
func (u *upload) state() State { return State(u.row.State) }

// whole reports whether it is a list of all plans in force.
func (u *upload) whole() bool { return Extent(u.row.Extent) == Whole }

// show returns an upload as its authority sees it now.
func (u *upload) show(now time.Time) Upload {
	d := &u.details
	out := Upload{
		ID: u.row.ID.String(), Version: u.row.Version, State: u.state(),
		Format: Format(u.row.Format), Extent: Extent(u.row.Extent), Sequence: u.row.Sequence,
		Counts: u.counts, Code: d.Code, Problems: d.Problems, Warnings: d.Warnings, Brake: d.Brake,
		Sent: d.Sent.Shown(u.row.SentAt), Changed: u.row.ChangedAt, Size: u.row.Size, Reasons: d.Reasons,
		Result: u.hasResult(now), KeptUntil: d.KeptUntil,
	}
	if !d.DecidedAt.IsZero() {
		out.Decided = d.Decided.Shown(d.DecidedAt)
	}
	return out
}

// entry is the entry of something that the service does with an upload by
// itself. The request that it names is the one that made it do so.
func (u *upload) entry(action, request string) audit.Entry {
	return audit.Entry{
		Version: audit.Version, Actor: guard.ActorService, Organisation: u.row.Authority, Action: action,
		Request: request, Target: target(u.row.ID.String()), Outcome: guard.OutcomeDone, Counts: u.counts.audit(),
	}
}

// target is the file that a request names.
func target(id string) audit.Thing { return guard.Target(guard.KindUpload, id) }

// What the service does with uploads by itself, as it stands in entries.
const (
	actionCheck  = "check_upload"
	actionApply  = "apply_upload"
	actionCancel = "cancel_upload"
)

func (u *upload) detailsIn() keys.Context {
	return record.DetailsContext(record.TableUpload, u.row.ID, u.row.Version)
}
