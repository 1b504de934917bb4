package upload

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/planfile"
	"cpis/service/store"
)

// Format is how a file of plans is written.
type Format string

// The formats.
const (
	CSV Format = Format(planfile.CSV) // one file with the columns of the template
	SSD Format = Format(planfile.SSD) // tables of the Standard Safeguarding Dataset
)

// FormatOf returns the format of a file by its name.
func FormatOf(name string) Format { return Format(planfile.FormatOf(name)) }

// Template returns an empty file to fill in: the columns of a CSV file.
func Template() string { return planfile.Template() }

// Extent is how much of an authority's plans a file holds.
type Extent string

// The extents.
const (
	Delta Extent = "delta" // what is missing stays as it is
	Whole Extent = "whole" // all plans in force: those that are missing end
)

// State is where a file stands.
type State string

// The states.
const (
	receiving State = "receiving" // it arrives, and nobody but who sends it knows of it

	Received  State = "received"  // it arrived whole
	Checked   State = "checked"   // it changes nothing
	Waiting   State = "waiting"   // somebody must approve it
	Applying  State = "applying"  // it was approved
	Applied   State = "applied"   // its rows that are right are held now
	Rejected  State = "rejected"  // it is broken, or no row is right
	Cancelled State = "cancelled" // it was given up
)

// over reports whether nothing becomes of a file any more.
func (s State) over() bool { return slices.Contains(over, s) }

// Counts says what a file does.
type Counts struct {
	Rows         int `json:"rows"`
	New          int `json:"new"`
	Unchanged    int `json:"unchanged"`
	Changed      int `json:"changed"`
	Ending       int `json:"ending"`        // plans that a whole list lacks, and that end
	HeldBack     int `json:"held_back"`     // plans that a whole list lacks, and that stay all the same
	Rejected     int `json:"rejected"`      // rows that are wrong
	ValidNumbers int `json:"valid_numbers"` // rows with a valid NHS number
	Closing      int `json:"closing"`       // of Changed: plans in force that get an earlier end
	InForce      int `json:"in_force"`      // plans in force before; of a delta only if several end
}

// Ends returns how many plans in force a file ends, be it that it lacks them or
// that their rows say so.
func (c *Counts) Ends() int { return c.Ending + c.Closing }

// changes reports whether a file changes anything.
func (c *Counts) changes() bool { return c.New+c.Changed+c.Ending > 0 }

// audit returns the counts that stand in entries.
func (c *Counts) audit() audit.Counts {
	return audit.Counts{
		"rows": int64(c.Rows), "new": int64(c.New), "unchanged": int64(c.Unchanged), "changed": int64(c.Changed),
		"ending": int64(c.Ending), "closing": int64(c.Closing), "held_back": int64(c.HeldBack), "rejected": int64(c.Rejected),
	}
}

// ReasonCount counts rows with the same problem.
type ReasonCount struct {
	Field   string
	Code    string // CPR01 to CPR07
	Problem string
	Rows    int
}

// Upload is a file of plans.
type Upload struct {
	ID       string
	Version  int
	State    State
	Format   Format
	Extent   Extent
	Sequence int64 // the sender's running number; 0 if there is none
	Counts   Counts
	Code     string             // CPF01 to CPF06; empty while it waits
	Problems []domain.Violation // what is wrong with the file as a whole
	Warnings []string           // why it is not approved by rule, and what else is to be known
	Brake    bool               // the safety brake holds it
	Sent     domain.Change
	Decided  domain.Change // zero while nothing is decided
	Changed  time.Time
	Size     int64 // in bytes
	Reasons  []ReasonCount
	Result   bool // DownloadResult has one
	// KeptUntil is until when it has one, if nothing becomes of the file any more.
	KeptUntil time.Time
}

// Answer is an upload, and where the act stands that it answers.
type Answer struct {
	guard.Receipt

	Upload Upload
}

// Request says what comes.
type Request struct {
	Format    Format
	Extent    Extent
	Sequence  int64
	Authority string // code of the authority the file is of; empty if it is not said
	Request   string `json:"-"` // request id
	// Wait is how long whoever sends it waits for what becomes of it; if 0, as long as
	// it takes.
	Wait time.Duration `json:"-"`
}

// Part is the next part of an upload: the name of the file that begins
// with it, or bytes.
type Part struct {
	File  string
	Chunk []byte // the service's until the next part is asked for
}

// acted is the answer to an act on an upload that is kept: which one it is
// about.
type acted struct {
	guard.Receipt `json:"-"`

	ID string
}

const (
	// maxReceiving is how many files arrive at the same time, and maxReceivingEach
	// how many of one authority. Each holds a piece in memory.
	maxReceiving     = 24
	maxReceivingEach = 2
	// receiveWait is how long a file waits for others that arrive.
	receiveWait = 30 * time.Second
	// receiveTimeout bounds how long a file may take to arrive.
	receiveTimeout = 4 * time.Minute
	// turnWait is how long a file that arrived, or is to be applied, waits for
	// other acts: to send it again would cost more.
	turnWait = 30 * time.Second
	// attendTimeout bounds how long somebody waits for what becomes of a file.
	// Whatever is left to do then, the service does by itself.
	attendTimeout = 4 * time.Minute
)

// Upload takes a file of plans of the caller's authority and checks it. Parts
// are asked for one after the other; the error io.EOF ends them. What a broken
// file gets is an answer, not an error; the error is *InvalidError if the
// request is not valid, *OverloadedError if too many files arrive, ErrDenied,
// ErrReused, ErrUnrecorded, ErrUnavailable, ErrDamaged or that of the parts:
// context.DeadlineExceeded if they took too long. docs/upload-format.md
// describes files.
//
// Nothing changes before somebody approves it: see ApproveUpload. Only files
// that systems send are approved by themselves, if the authority's rules say
// so. If many files wait to be checked, the answer may be that the file was
// received: it is checked later.
func (s *Uploads) Upload(
	ctx context.Context, c *identity.Caller, q *Request, next func() (Part, error),
) (*Answer, error) {
	in := &arrival{s: s, caller: c, q: q, content: content{Request: *q}}
	a := guard.Act{
		Caller: c, Action: policy.UploadPlans, Own: true, Request: q.Request, Asks: &in.content,
		Within: guard.Timeout + turnWait, Wait: turnWait,
		Prepare: func(ctx context.Context) error { return in.receiveInTurn(ctx, next) },
	}
	out, err := guard.Once(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*acted, error) {
		return &acted{ID: in.id.String()}, in.arrive(ctx, tx, e)
	})
	if err != nil {
		in.drop(ctx)
		return nil, err
	}
	if out.ID != in.id.String() {
		in.drop(ctx) // the same request had brought it already
	}
	return s.attended(ctx, c.Organisation, out, q.Wait)
}

// content is all that Upload is asked for.
type content struct {
	Request

	Digest []byte // of names and bytes
}

// attended does what is to be done next with an upload, and returns what became
// of it. It is no error if that could not be done: it will be. After wait, if that
// is not 0, it is done meanwhile.
func (s *Uploads) attended(ctx context.Context, authority string, a *acted, wait time.Duration) (*Answer, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), attendTimeout+guard.Timeout)
	defer cancel()
	id, err := uuid.Parse(a.ID)
	if err != nil {
		return nil, guard.ErrDamaged
	}
	if wait == 0 {
		_ = s.attend(ctx, authority, id, attendTimeout)
	} else {
		s.attendMeanwhile(ctx, authority, id, wait)
	}
	row, err := s.db.Uploads.Get(ctx, id)
	if err != nil {
		return nil, guard.Translate(err)
	}
	u, err := s.open(ctx, &row)
	if err != nil {
		return nil, err
	}
	return &Answer{Upload: u.show(s.clock.Moment()), Receipt: a.Receipt}, nil
}

// attendMeanwhile attends to an upload, and returns when that is done, or after a
// while.
func (s *Uploads) attendMeanwhile(ctx context.Context, authority string, id uuid.UUID, wait time.Duration) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), attendTimeout+guard.Timeout)
		defer cancel()
		_ = s.attend(ctx, authority, id, attendTimeout)
	}()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}
