package auditor

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"cpis/service/auditlog"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// Proofs show that the log is what was signed. *auditlog.Reader does it.
type Proofs interface {
	Checkpoint(ctx context.Context, c *identity.Caller, q *auditlog.CheckpointRequest) (*auditlog.SignedCheckpoint, error)
	InclusionProof(ctx context.Context, c *identity.Caller, q *auditlog.ProofRequest) (*auditlog.Proof, error)
}

// logPage says how the log is, and takes a receipt to check.
type logPage struct {
	frame.Page

	Heading nhsuk.Heading
	Damaged bool
	Signed  bool
	About   nhsuk.SummaryList
	Receipt nhsuk.Textarea
	Check   nhsuk.Button
}

// showLog says how the log is.
func (p *pages) showLog(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	return p.writeLog(v, http.StatusOK, f)
}

func (p *pages) writeLog(v *frame.Visit, status int, f *frame.Form) error {
	signed, err := p.Proofs.Checkpoint(v.R.Context(), v.Caller(), &auditlog.CheckpointRequest{})
	if err != nil && !errors.Is(err, guard.ErrNotFound) {
		return err
	}
	title := "The log is sound"
	switch {
	case err != nil:
		title, signed = "The log has not been signed yet", &auditlog.SignedCheckpoint{}
	case signed.Damaged:
		title = "The log has been changed"
	}
	return v.Show(status, "log", &logPage{
		Page: frame.Page{Title: title, Problems: f.Problems}, Heading: frame.Heading(title), Damaged: signed.Damaged, Signed: err == nil, About: aboutLog(signed),
		Receipt: nhsuk.Textarea{
			Name: "receipt", Value: f.Or("receipt", ""), Rows: 3, Label: nhsuk.Label{Text: "Check a receipt", Size: nhsuk.Medium}, Error: f.Error("receipt"),
			Hint: nhsuk.Hint{Text: "Paste the whole receipt: the log, a number, and a text of letters and digits"}, Autocomplete: "off", NoSpellcheck: true,
		},
		Check: nhsuk.Button{Text: "Check", PreventDoubleClick: true},
	})
}

// aboutLog is what is known of the log.
func aboutLog(c *auditlog.SignedCheckpoint) nhsuk.SummaryList {
	list := nhsuk.SummaryList{Rows: []nhsuk.Row{
		{Key: "Entries", Value: words.Number(c.Size)},
		{Key: "Last signed", Value: "Not yet"},
		{Key: "Last read again and compared", Value: "Not since this server started"},
	}}
	if c.Log != "" {
		list.Rows = append(list.Rows, nhsuk.Row{Key: "Name of the log", Value: c.Log})
	}
	if !c.At.IsZero() {
		list.Rows[1].Value = frame.Moment(c.At)
	}
	if !c.ReadAgain.IsZero() {
		list.Rows[2].Value = frame.Moment(c.ReadAgain)
	}
	return list
}

// askReceipt keeps a receipt, and leads to what it proves.
func (p *pages) askReceipt(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	r, ok := readReceipt(f.Text("receipt"))
	if !ok {
		f.Reject("receipt", "Paste the whole receipt, from the first to the last character")
		return p.writeLog(v, http.StatusUnprocessableEntity, f)
	}
	id, err := keepReceipt(v, r)
	if err != nil {
		return err
	}
	return v.To("/log/" + id)
}

// receiptPage says what a receipt proves.
type receiptPage struct {
	frame.Page

	Heading nhsuk.Heading
	Fits    bool
	Early   bool // it may be signed in a moment
	Proves  []string
	About   nhsuk.SummaryList
	Again   string
	Around  string // asks what else belongs to the entry; only of who may
}

// checkReceipt says what a receipt proves.
func (p *pages) checkReceipt(v *frame.Visit) error {
	r, found, err := keptReceipt(v)
	if err != nil {
		return err
	}
	if !found { // it is somebody else's, or gone: it is pasted again
		return v.To("/log")
	}
	proof, err := p.Proofs.InclusionProof(v.R.Context(), v.Caller(), &auditlog.ProofRequest{Log: r.Log, Index: r.Index})
	page := &receiptPage{
		Page:  frame.Page{Title: "This receipt does not fit the log", Back: nhsuk.BackLink{Text: "Back to the log", Href: "/log"}},
		Again: v.R.URL.Path,
	}
	switch {
	case errors.Is(err, guard.ErrNotFound):
		page.Early, page.Title = true, "This receipt cannot be checked yet"
	case err != nil:
		return err
	case string(proof.Leaf[:]) == string(r.Leaf):
		page.Fits, page.Title = true, "This entry is in the log"
		page.Proves = []string{
			"The act that this receipt was given for is entry " + words.Number(r.Index) + " of the log, word for word as it was then.",
			"It is among the " + words.Number(proof.Size) + " entries that were signed on " + frame.Moment(proof.Signed) + ". Nobody can take it out, or change it, without breaking that signature.",
		}
	}
	if v.Is(frame.Watchers) && page.Fits {
		page.Around = "/reports/request?" + url.Values{"request-id": {r.text()}}.Encode()
	}
	page.Heading = frame.Heading(page.Title)
	page.About = nhsuk.SummaryList{Rows: []nhsuk.Row{{Key: "Name of the log", Value: r.Log}, {Key: "Entry", Value: words.Number(r.Index)}}}
	return v.Show(http.StatusOK, "log_receipt", page)
}
