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

// Reviews are of look-ups that somebody else must look at. *oversight.Reports keeps
// them.
type Reviews interface {
	ListReviews(ctx context.Context, c *identity.Caller, q *oversight.ListReviewsRequest) (*oversight.ReviewPage, error)
	GetReview(ctx context.Context, c *identity.Caller, q *oversight.GetReviewRequest) (*oversight.Review, error)
	CloseReview(ctx context.Context, c *identity.Caller, q *oversight.CloseReviewRequest) (*oversight.CloseReviewResult, error)
}

const reviewTitle = "Review of a look-up"

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
		Page:    frame.Page{Title: reviewTitle, Problems: f.Problems, Back: nhsuk.BackLink{Text: "Reviews", Href: "/reviews"}},
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
	First    *nhsuk.SummaryList // that misuse was found, which another must confirm
	Closed   *nhsuk.SummaryList
	Own      bool // of the person's own look-up, which somebody else must review
	Again    bool // the person found misuse, which somebody else must confirm
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
		Page:    frame.Page{Title: reviewTitle, Problems: f.Problems, Back: nhsuk.BackLink{Text: "Reviews", Href: "/reviews"}},
		Heading: frame.Heading(reviewTitle), Path: "/reviews/" + id + "/" + v.R.PathValue("question"), Withheld: r.Withheld, Act: f.Act(),
		About: aboutReview(v, r), First: foundList(r.First), Closed: foundList(r.Closed),
		Own: r.Actor == v.Session.Caller.ID, Again: r.First != nil && r.First.By == v.Session.Caller.ID,
		Closable: v.Is(frame.PrivacyOfficers) && r.Organisation == v.Session.Caller.Organisation,
		Outcome:  outcomeRadios(f, r.First != nil),
		Found: nhsuk.CharacterCount{MaxLength: domain.MaxReasonLength, Textarea: nhsuk.Textarea{
			Name: "found", Value: f.Text("found"), Rows: 3, Label: nhsuk.Label{Text: "Say what you found"}, Error: f.Error("found"),
			Hint: nhsuk.Hint{Text: "In 10 characters or more. It is kept sealed"}, Autocomplete: "off", NoSpellcheck: true,
		}},
		Close: nhsuk.Button{Text: "Save what you found", PreventDoubleClick: true},
	}
	return v.Show(status, "review", page)
}

// outcomeRadios asks what somebody finds. Not justified is offered first: whoever
// looked has to be explained.
func outcomeRadios(f *frame.Form, second bool) nhsuk.Radios {
	misuse := nhsuk.Choice{Value: string(oversight.Misuse), Text: "Misuse", Hint: nhsuk.Hint{Text: "Another privacy officer must look, too, before the review is closed"}}
	if second {
		misuse.Hint.Text = "You confirm what your colleague found"
	}
	return nhsuk.Radios{
		Name: "outcome", Value: f.Or("outcome", string(oversight.NotJustified)), Error: f.Error("outcome"), Legend: nhsuk.Legend{Text: "What do you find?", Size: nhsuk.Medium},
		Choices: []nhsuk.Choice{
			{Value: string(oversight.NotJustified), Text: "Not justified"},
			{Value: string(oversight.Justified), Text: "Justified"},
			{Value: string(oversight.Referred), Text: "Somebody must look into it further"},
			misuse,
		},
	}
}

// foundList shows what somebody found; nil if nobody has.
func foundList(c *oversight.Closing) *nhsuk.SummaryList {
	if c == nil {
		return nil
	}
	return &nhsuk.SummaryList{Rows: []nhsuk.Row{
		{Key: "Found", Value: reviewTexts[string(c.Outcome)]},
		{Key: "When", Value: frame.Moment(c.At)},
		{Key: "By", Value: c.By},
		{Key: "In words", Value: cmp.Or(c.Words, "Withheld")},
	}}
}

func aboutReview(v *frame.Visit, r *oversight.Review) nhsuk.SummaryList {
	rows := []nhsuk.Row{
		{Key: "Why it is reviewed", Value: textOf(kindOptions, string(r.Kind))},
		{Key: "Who looked", Value: r.Actor},
		{Key: "Where", Value: cmp.Or(v.Names.Name(r.Organisation), r.Organisation)},
		{Key: "When", Value: frame.Moment(r.At)},
		{Key: "What they did", ValueBody: lookedUp(r)},
	}
	switch {
	case r.Withheld && r.Kind == oversight.OfBreakGlass:
		rows = append(rows, nhsuk.Row{Key: "The reason they wrote", Value: "Withheld"})
	case r.Kind == oversight.OfBreakGlass:
		rows = append(rows, nhsuk.Row{Key: "The reason they wrote", Value: cmp.Or(r.Claim, "None")})
	}
	if r.State != oversight.ReviewClosed {
		rows = append(rows, nhsuk.Row{Key: "Due", Value: frame.Day(r.Due)})
	}
	return nhsuk.SummaryList{Rows: append(rows,
		nhsuk.Row{Key: "Person, as the log calls them", Value: cmp.Or(shortSubject(r.Subject), "Not known any more")},
		nhsuk.Row{Key: "Entry in the log", Value: words.Number(r.Index)},
	)}
}

// lookedUp says what was done, and that it was by break-glass.
func lookedUp(r *oversight.Review) nhsuk.Component {
	all := nhsuk.Group{nhsuk.Plain(actionWords("look_up"))}
	if r.Kind == oversight.OfBreakGlass {
		all = append(all, nhsuk.Plain(" "), glassTag)
	}
	return all
}

// leastFound is how many characters say what was found.
const leastFound = 10

// closeReview says what was found of a look-up.
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
	done, err := p.Reviews.CloseReview(v.R.Context(), v.Caller(), &oversight.CloseReviewRequest{
		ReviewID: v.R.PathValue("id"), Outcome: oversight.ReviewOutcome(f.Text("outcome")), Words: f.Text("found"), Request: f.Act(),
	})
	switch {
	case err == nil && done.State == oversight.ReviewSecond:
		return v.ToTelling("/reviews", "Another privacy officer must look now, too.")
	case err == nil:
		return v.ToTelling("/reviews", "The review is closed.")
	case f.Refuse(err, map[string]string{"words": "found|Say what you found, in 500 characters or fewer"}):
		return p.showReview(v, http.StatusUnprocessableEntity, f)
	}
	return err
}
