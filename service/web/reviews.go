package web

import (
	"cmp"
	"context"
	"net/http"
	"unicode/utf8"

	"cpis/service/domain"
	"cpis/service/identity"
	"cpis/service/oversight"
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
	Page

	Heading nhsuk.Heading
	ID      string
	Reason  nhsuk.Radios
	Words   nhsuk.CharacterCount
	Open    nhsuk.Button
}

// reviewEnvelope asks why a review is opened.
func reviewEnvelope(v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	return v.showEnvelope(http.StatusOK, f)
}

func (v *visit) showEnvelope(status int, f *form) error {
	return v.show(status, "review_closed", &envelopePage{
		Page:    Page{Title: reviewTitle, Problems: f.problems, Back: nhsuk.BackLink{Text: "Break-glass look-ups", Href: "/reports/break_glass"}},
		Heading: heading(reviewTitle), ID: v.r.PathValue("id"),
		Reason: nhsuk.Radios{
			Name: "reason", Value: f.or("reason", string(oversight.Routine)), Choices: reasonChoices, Error: f.error("reason"),
			Legend: nhsuk.Legend{Text: "Why do you open it?", Size: nhsuk.Medium}, Hint: nhsuk.Hint{Text: "Opening this is recorded, with your reason"},
		},
		Words: nhsuk.CharacterCount{MaxLength: domain.MaxReasonLength, Textarea: nhsuk.Textarea{
			Name: "words", Value: f.text("words"), Rows: 3, Label: nhsuk.Label{Text: "Say more (optional)"}, Error: f.error("words"),
			Autocomplete: "off", NoSpellcheck: true,
		}},
		Open: nhsuk.Button{Text: "Open the review", PreventDoubleClick: true},
	})
}

// askReview keeps why a review is opened, and leads to it.
func askReview(v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	q := question{Reason: f.text("reason"), Words: f.text("words")}
	f.refuse(oversight.Read(oversight.BreakGlass, q.query(reportFilter{}), v.request).Err(), reportFields)
	if !f.fine() {
		return v.showEnvelope(http.StatusUnprocessableEntity, f)
	}
	id, err := v.keepQuestion(&q)
	if err != nil {
		return err
	}
	return v.to("/reviews/" + v.r.PathValue("id") + "/" + id)
}

// reviewPage is a review that was opened.
type reviewPage struct {
	Page

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
func openReview(v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	return v.showReview(http.StatusOK, f)
}

func (v *visit) showReview(status int, f *form) error {
	id := v.r.PathValue("id")
	held, ok, err := v.held(v.r.PathValue("question"))
	if err != nil {
		return err
	}
	if !ok {
		return v.to("/reviews/" + id)
	}
	r, err := v.Reviews.GetReview(v.r.Context(), v.caller(), &oversight.GetReviewRequest{
		ReviewID: id, Reason: oversight.Reason(held.Reason), Words: held.Words, Request: v.request,
	})
	if err != nil {
		return err
	}
	page := &reviewPage{
		Page:    Page{Title: reviewTitle, Problems: f.problems, Back: nhsuk.BackLink{Text: "Break-glass look-ups", Href: "/reports/break_glass"}},
		Heading: heading(reviewTitle), Path: "/reviews/" + id + "/" + v.r.PathValue("question"), Withheld: r.Withheld, Act: f.act(),
		About: v.aboutReview(r), Own: r.Actor == v.session.Caller.ID, Closable: v.is(PrivacyOfficers) && r.Organisation == v.session.Caller.Organisation,
		Outcome: nhsuk.Radios{
			Name: "outcome", Value: f.or("outcome", string(oversight.NotJustified)), Error: f.error("outcome"), Legend: nhsuk.Legend{Text: "What do you find?", Size: nhsuk.Medium},
			Choices: []nhsuk.Choice{
				{Value: string(oversight.NotJustified), Text: "Not justified"},
				{Value: string(oversight.Justified), Text: "Justified"},
				{Value: string(oversight.Referred), Text: "Somebody must look into it further"},
			},
		},
		Found: nhsuk.CharacterCount{MaxLength: domain.MaxReasonLength, Textarea: nhsuk.Textarea{
			Name: "found", Value: f.text("found"), Rows: 3, Label: nhsuk.Label{Text: "Say what you found"}, Error: f.error("found"),
			Hint: nhsuk.Hint{Text: "In 10 characters or more. It is kept sealed"}, Autocomplete: "off", NoSpellcheck: true,
		}},
		Close: nhsuk.Button{Text: "Close this review", PreventDoubleClick: true},
	}
	if c := r.Closed; c != nil {
		page.Closed = &nhsuk.SummaryList{Rows: []nhsuk.Row{
			{Key: "Found", Value: reviewTexts[string(c.Outcome)]},
			{Key: "When", Value: moment(c.At)},
			{Key: "By", Value: c.By},
			{Key: "In words", Value: cmp.Or(c.Words, "Withheld")},
		}}
	}
	return v.show(status, "review", page)
}

func (v *visit) aboutReview(r *oversight.Review) nhsuk.SummaryList {
	claim := cmp.Or(r.Claim, "None")
	if r.Withheld {
		claim = "Withheld"
	}
	return nhsuk.SummaryList{Rows: []nhsuk.Row{
		{Key: "Who looked", Value: r.Actor},
		{Key: "Where", Value: cmp.Or(v.Names.Name(r.Organisation), r.Organisation)},
		{Key: "When", Value: moment(r.At)},
		{Key: "The reason they wrote", Value: claim},
		{Key: "Entry in the log", Value: words.Number(r.Index)},
	}}
}

// leastFound is how many characters say what was found.
const leastFound = 10

// closeReview says what was found of a break-glass look-up.
func closeReview(v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	if utf8.RuneCountInString(f.text("found")) < leastFound {
		f.reject("found", "Say what you found, in 10 characters or more")
	}
	if reviewTexts[f.text("outcome")] == "" {
		f.reject("outcome", "Select what you found")
	}
	if !f.fine() {
		return v.showReview(http.StatusUnprocessableEntity, f)
	}
	_, err = v.Reviews.CloseReview(v.r.Context(), v.caller(), &oversight.CloseReviewRequest{
		ReviewID: v.r.PathValue("id"), Outcome: oversight.ReviewOutcome(f.text("outcome")), Words: f.text("found"), Request: f.act(),
	})
	switch {
	case err == nil:
		return v.toTelling("/reports/break_glass", "The review is closed.")
	case f.refuse(err, map[string]string{"words": "found|Say what you found, in 500 characters or fewer"}):
		return v.showReview(http.StatusUnprocessableEntity, f)
	}
	return err
}
