package files

import (
	"net/http"
	"strconv"
	"strings"

	"cpis/service/domain"
	"cpis/service/upload"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// approvePage asks whether a file is to be applied; of one that the safety brake
// holds, how many plans it ends.
type approvePage struct {
	frame.Page

	Heading nhsuk.Heading
	Panel   nhsuk.Panel
	Held    bool
	Confirm nhsuk.Input
	Counts  nhsuk.Table
	Submit  nhsuk.Button
	ID      string
	Act     string
	Version string
}

// askToApprove asks whether a file is to be applied.
func (p *pages) askToApprove(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	return p.showApprove(v, http.StatusOK, f)
}

func (p *pages) showApprove(v *frame.Visit, status int, f *frame.Form) error {
	u, err := p.get(v)
	if err != nil {
		return err
	}
	if u.State != upload.Waiting { // it was decided meanwhile: its page says how
		return v.To("/files/" + u.ID)
	}
	title := "Apply this file?"
	submit := nhsuk.Button{Text: "Approve and apply", PreventDoubleClick: true}
	if u.Brake {
		title = "You are about to end " + words.Number(u.Counts.Ends()) + " plans"
		submit = nhsuk.Button{Text: "End " + words.Number(u.Counts.Ends()) + " plans and apply the rest", Variant: nhsuk.Warning, PreventDoubleClick: true}
	}
	page := &approvePage{
		Page:    frame.Page{Title: title, Problems: f.Problems, Back: nhsuk.BackLink{Text: "Back to the file", Href: "/files/" + u.ID}},
		Heading: frame.Heading(title), Held: u.Brake, Counts: countTable(u), Submit: submit, ID: u.ID, Act: f.Act(), Version: f.Or("version", strconv.Itoa(u.Version)),
		Panel: nhsuk.Panel{
			Interruption: true, Heading: nhsuk.Heading{Text: title, Size: nhsuk.Large},
			Body: nhsuk.Lines{ended(brakeWords(u)), "When you go on, care staff no longer see a flag for these children, once the time has passed for which ended plans are shown."},
		},
		Confirm: nhsuk.Input{
			Name: "confirm", Value: f.Or("confirm", ""), Mode: "numeric", Width: 5, Autocomplete: "off", Error: f.Error("confirm"),
			Label: nhsuk.Label{Text: "Type the number of plans that will end", Size: nhsuk.Medium},
		},
	}
	return v.Show(status, "file_approve", page)
}

// approve applies a file.
func (p *pages) approve(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	confirmed, err := strconv.Atoi(strings.NewReplacer(",", "", " ", "").Replace(f.Or("confirm", "0")))
	if err != nil {
		confirmed = 0 // no number ends nothing
	}
	id := v.R.PathValue("id")
	_, err = p.Uploads.ApproveUpload(v.R.Context(), v.Caller(), &upload.ApproveRequest{
		UploadID: id, Version: f.Version(), ConfirmEnding: confirmed, Request: f.Act(), Wait: patience,
	})
	switch {
	case err == nil:
		return v.To("/files/" + id)
	case f.Refuse(err, map[string]string{"confirm_ending": "confirm|Type the number of plans that will end. It is shown above"}):
		return p.showApprove(v, http.StatusUnprocessableEntity, f)
	}
	return err
}

// cancelPage asks whether a file is to be given up.
type cancelPage struct {
	frame.Page

	Heading nhsuk.Heading
	Reason  nhsuk.CharacterCount
	Submit  nhsuk.Button
	ID      string
	Act     string
	Version string
}

// askToCancel asks whether a file is to be given up.
func (p *pages) askToCancel(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	return p.showCancel(v, http.StatusOK, f)
}

func (p *pages) showCancel(v *frame.Visit, status int, f *frame.Form) error {
	u, err := p.get(v)
	if err != nil {
		return err
	}
	if u.State != upload.Waiting && u.State != upload.Received { // it was decided meanwhile: its page says how
		return v.To("/files/" + u.ID)
	}
	const title = "Give this file up?"
	return v.Show(status, "file_cancel", &cancelPage{
		Page:    frame.Page{Title: title, Problems: f.Problems, Back: nhsuk.BackLink{Text: "Back to the file", Href: "/files/" + u.ID}},
		Heading: frame.Heading(title), ID: u.ID, Act: f.Act(), Version: f.Or("version", strconv.Itoa(u.Version)),
		Submit: nhsuk.Button{Text: "Give this file up", Variant: nhsuk.Warning, PreventDoubleClick: true},
		Reason: nhsuk.CharacterCount{MaxLength: domain.MaxReasonLength, Textarea: nhsuk.Textarea{
			Name: "reason", Value: f.Or("reason", ""), Label: nhsuk.Label{Text: "Why? (optional)"}, Error: f.Error("reason"), Autocomplete: "off", NoSpellcheck: true,
		}},
	})
}

// cancel gives a file up.
func (p *pages) cancel(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	id := v.R.PathValue("id")
	_, err = p.Uploads.CancelUpload(v.R.Context(), v.Caller(), &upload.CancelRequest{
		UploadID: id, Version: f.Version(), Reason: f.Text("reason"), Request: f.Act(),
	})
	switch {
	case err == nil:
		return v.ToTelling("/files", "The file was given up. Nothing has changed.")
	case f.Refuse(err, map[string]string{"reason": "reason|Reason must be 500 characters or fewer"}):
		return p.showCancel(v, http.StatusUnprocessableEntity, f)
	}
	return err
}
