package auditor

import (
	"cmp"
	"context"
	"net/http"
	"unicode/utf8"

	"cpis/service/domain"
	"cpis/service/identity"
	"cpis/service/oversight"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// Reviews are of break-glass look-ups. *oversight.Reports keeps them.
type Reviews interface {
	GetReview(ctx context.Context, c *identity.Caller, q *oversight.GetReviewRequest) (*oversight.Review, error)
	CloseReview(ctx context.Context, c *identity.Caller, q *oversight.CloseReviewRequest) (*oversight.CloseReviewResult, error)
}

const reviewTitle = "Review of a break-glass look-up"

// envelopePage is a review that is not opened yet.
type envelopePage struct {
	frame.Page

	Heading nhsuk.Heading
	ID      string
	Reason  nhsuk.Radios
	Words   nhsuk.CharacterCount
	Open    nhsuk.Button
}

// reviewEnvelope asks why a review is opened.
func reviewEnvelope(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	return showEnvelope(v, http.StatusOK, f)
}

func showEnvelope(v *frame.Visit, status int, f *frame.Form) error {
	return v.Show(status, "review_closed", &envelopePage{
		Page:    frame.Page{Title: reviewTitle, Problems: f.Problems, Back: nhsuk.BackLink{Text: "Break-glass look-ups", Href: "/reports/break_glass"}},
		Heading: frame.Heading(reviewTitle), ID: v.R.PathValue("id"),
		Reason: nhsuk.Radios{
			Name: "reason", Value: f.Or("reason", string(oversight.Routine)), Choices: reasonChoices, Error: f.Error("reason"),
			Legend: nhsuk.Legend{Text: "Why do you open it?", Size: nhsuk.Medium}, Hint: nhsuk.Hint{Text: "Opening this is recorded, with your reason"},
		},
		Words: nhsuk.CharacterCount{MaxLength: domain.MaxReasonLength, Textarea: nhsuk.Textarea{
			Name: "words", Value: f.Text("words"), Rows: 3, Label: nhsuk.Label{Text: "Say more (optional)"}, Error: f.Error("words"),
			Autocomplete: "off", NoSpellcheck: true,
		}},
		Open: nhsuk.Button{Text: "Open the review", PreventDoubleClick: true},
	})
}

// askReview keeps why a review is opened, and leads to it.
func askReview(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	q := question{Reason: f.Text("reason"), Words: f.Text("words")}
	f.Refuse(oversight.Read(oversight.BreakGlass, q.query(reportFilter{}), v.Request).Err(), reportFields)
	if !f.Fine() {
		return showEnvelope(v, http.StatusUnprocessableEntity, f)
	}
	id, err := keepQuestion(v, &q)
	if err != nil {
		return err
	}
	return v.To("/reviews/" + v.R.PathValue("id") + "/" + id)
}

// reviewPage is a review that was opened.
type reviewPage struct {
	frame.Page

	Heading  nhsuk.Heading
	Path     string
	About    nhsuk.SummaryList
	Withheld bool
	Closed   *nhsuk.SummaryList
	Own      bool // of the person's own look-up, which somebody else must review
	Closable bool
	Outcome  nhsuk.Radios
	Found    nhsuk.CharacterCount
	Close    nhsuk.Button
	Act      string
}

// openReview shows a review.
func (p *pages) openReview(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	return p.showReview(v, http.StatusOK, f)
}

func (p *pages) showReview(v *frame.Visit, status int, f *frame.Form) error {
	id := v.R.PathValue("id")
	held, ok, err := held(v, v.R.PathValue("question"))
	if err != nil {
		return err
	}
	if !ok {
		return v.To("/reviews/" + id)
	}
	r, err := p.Reviews.GetReview(v.R.Context(), v.Caller(), &oversight.GetReviewRequest{
		ReviewID: id, Reason: oversight.Reason(held.Reason), Words: held.Words, Request: v.Request,
	})
	if err != nil {
		return err
	}
	page := &reviewPage{
		Page:    frame.Page{Title: reviewTitle, Problems: f.Problems, Back: nhsuk.BackLink{Text: "Break-glass look-ups", Href: "/reports/break_glass"}},
		Heading: frame.Heading(reviewTitle), Path: "/reviews/" + id + "/" + v.R.PathValue("question"), Withheld: r.Withheld, Act: f.Act(),
		About: aboutReview(v, r), Own: r.Actor == v.Session.Caller.ID, Closable: v.Is(frame.PrivacyOfficers) && r.Organisation == v.Session.Caller.Organisation,
		Outcome: nhsuk.Radios{
			Name: "outcome", Value: f.Or("outcome", string(oversight.NotJustified)), Error: f.Error("outcome"), Legend: nhsuk.Legend{Text: "What do you find?", Size: nhsuk.Medium},
			Choices: []nhsuk.Choice{
				{Value: string(oversight.NotJustified), Text: "Not justified"},
				{Value: string(oversight.Justified), Text: "Justified"},
				{Value: string(oversight.Referred), Text: "Somebody must look into it further"},
			},
		},
		Found: nhsuk.CharacterCount{MaxLength: domain.MaxReasonLength, Textarea: nhsuk.Textarea{
			Name: "found", Value: f.Text("found"), Rows: 3, Label: nhsuk.Label{Text: "Say what you found"}, Error: f.Error("found"),
			Hint: nhsuk.Hint{Text: "In 10 characters or more. It is kept sealed"}, Autocomplete: "off", NoSpellcheck: true,
		}},
		Close: nhsuk.Button{Text: "Close this review", PreventDoubleClick: true},
	}
	if c := r.Closed; c != nil {
		page.Closed = &nhsuk.SummaryList{Rows: []nhsuk.Row{
			{Key: "Found", Value: reviewTexts[string(c.Outcome)]},
			{Key: "When", Value: frame.Moment(c.At)},
			{Key: "By", Value: c.By},
			{Key: "In words", Value: cmp.Or(c.Words, "Withheld")},
		}}
	}
	return v.Show(status, "review", page)
}

func aboutReview(v *frame.Visit, r *oversight.Review) nhsuk.SummaryList {
	claim := cmp.Or(r.Claim, "None")
	if r.Withheld {
		claim = "Withheld"
	}
	return nhsuk.SummaryList{Rows: []nhsuk.Row{
		{Key: "Who looked", Value: r.Actor},
		{Key: "Where", Value: cmp.Or(v.Names.Name(r.Organisation), r.Organisation)},
		{Key: "When", Value: frame.Moment(r.At)},
		{Key: "What they did", ValueBody: nhsuk.Group{nhsuk.Plain(actionWords("look_up")), nhsuk.Plain(" "), glassTag}},
		{Key: "The reason they wrote", Value: claim},
		{Key: "Entry in the log", Value: words.Number(r.Index)},
	}}
}

// leastFound is how many characters say what was found.
const leastFound = 10

// closeReview says what was found of a break-glass look-up.
func (p *pages) closeReview(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	if utf8.RuneCountInString(f.Text("found")) < leastFound {
		f.Reject("found", "Say what you found, in 10 characters or more")
	}
	if reviewTexts[f.Text("outcome")] == "" {
		f.Reject("outcome", "Select what you found")
	}
	if !f.Fine() {
		return p.showReview(v, http.StatusUnprocessableEntity, f)
	}
	_, err = p.Reviews.CloseReview(v.R.Context(), v.Caller(), &oversight.CloseReviewRequest{
		ReviewID: v.R.PathValue("id"), Outcome: oversight.ReviewOutcome(f.Text("outcome")), Words: f.Text("found"), Request: f.Act(),
	})
	switch {
	case err == nil:
		return v.ToTelling("/reports/break_glass", "The review is closed.")
	case f.Refuse(err, map[string]string{"words": "found|Say what you found, in 500 characters or fewer"}):
		return p.showReview(v, http.StatusUnprocessableEntity, f)
	}
	return err
}
