package files

import (
	"net/http"
	"strconv"

	"cpis/service/domain"
	"cpis/service/upload"
	"cpis/service/web/frame"
	"cpis/service/web/journey"
	"cpis/service/web/nhsuk"
)

// rulesPage says which files are approved by themselves.
type rulesPage struct {
	frame.Page

	Heading nhsuk.Heading
	List    nhsuk.SummaryList
	Change  nhsuk.Button
}

// showRules says which files are approved by themselves.
func (p *pages) showRules(v *frame.Visit) error {
	found, err := p.Uploads.GetUploadRules(v.R.Context(), v.Caller(), &upload.GetRulesRequest{Request: v.Request})
	if err != nil {
		return err
	}
	const title = "Files that systems send"
	page := &rulesPage{
		Page: frame.Page{Title: title, Back: nhsuk.BackLink{Text: "Back to files", Href: "/files"}}, Heading: frame.Heading(title),
		Change: nhsuk.Button{Text: "Change these rules", Href: "/files/rules/change"},
	}
	a := ruled(&found.Rules)
	for _, l := range limits {
		if l.of(&a) {
			page.List.Rows = append(page.List.Rows, l.row(&a))
		}
	}
	return v.Show(http.StatusOK, "file_rules", page)
}

// ruling is the rules as somebody wants them.
type ruling struct {
	Pass                                  string // "yes": files may be approved by themselves
	New, Changed, Ending, Rejected, Brake string
	Version                               int // that was seen
}

// Whether files may be approved by themselves.
const (
	yes = "yes"
	no  = "no"
)

// ruled are rules as answers.
func ruled(r *upload.Rules) ruling {
	a := ruling{
		Pass: no, New: strconv.Itoa(r.MaxNew), Changed: strconv.Itoa(r.MaxChanged), Ending: strconv.Itoa(r.MaxEnding),
		Rejected: strconv.Itoa(r.MaxRejectedPercent), Brake: strconv.Itoa(r.BrakePercent), Version: r.Version,
	}
	if r.ApproveSystems {
		a.Pass = yes
	}
	return a
}

// rules are answers as rules. What is not asked, because nothing is approved, stays.
func (a *ruling) rules() upload.Rules {
	n := func(answer string) int {
		count, _ := strconv.Atoi(answer) // was read as one
		return count
	}
	return upload.Rules{
		ApproveSystems: a.Pass == yes, MaxNew: n(a.New), MaxChanged: n(a.Changed), MaxEnding: n(a.Ending),
		MaxRejectedPercent: n(a.Rejected), BrakePercent: n(a.Brake), Version: a.Version,
	}
}

func (a *ruling) passes() bool { return a.Pass == yes }

func always(*ruling) bool { return true }

// limit is a part of the rules, on the page and as a question.
type limit struct {
	name, key string
	at        func(*ruling) *string
	input     journey.Input
	of        func(*ruling) bool // it says something
}

// manyRows is more than a file has.
const manyRows = 1_000_000

// limits are what the rules say, in the order of the pages.
var limits = []limit{
	{"pass", "Approved by themselves", func(a *ruling) *string { return &a.Pass }, journey.Choice{
		Empty: "Select whether files that systems send may be approved by themselves",
		Choices: []nhsuk.Choice{
			{Value: no, Text: "Never", Hint: nhsuk.Hint{Text: "Somebody looks at each file, and approves it"}},
			{Value: yes, Text: "Small files", Hint: nhsuk.Hint{Text: "You say next how much they may do. All others wait for somebody"}},
		},
	}, always},
	{"max_new", "New plans, at most", func(a *ruling) *string { return &a.New }, journey.Count{Label: "New plans, at most", Noun: "number of new plans", Most: manyRows}, (*ruling).passes},
	{"max_changed", "Changed plans, at most", func(a *ruling) *string { return &a.Changed }, journey.Count{Label: "Changed plans, at most", Noun: "number of changed plans", Most: manyRows}, (*ruling).passes},
	{"max_ending", "Plans that end, at most", func(a *ruling) *string { return &a.Ending }, journey.Count{
		Label: "Plans that end, at most", Noun: "number of plans that end", Most: manyRows, Hint: "With what other files have ended within a day",
	}, (*ruling).passes},
	{"max_rejected_percent", "Rejected rows, at most, in percent", func(a *ruling) *string { return &a.Rejected }, percent("Rejected rows, at most, in percent", "share of rejected rows", ""), (*ruling).passes},
	{"brake_percent", "Safety brake, in percent of plans in force", func(a *ruling) *string { return &a.Brake }, percent(
		"Plans that a file may end, in percent of those in force", "share of plans",
		"At least 10 plans always may. A file that ends more is never approved by itself, and whoever approves it types the number of plans that end",
	), always},
}

func percent(label, noun, hint string) journey.Count {
	return journey.Count{Label: label, Noun: noun, Hint: hint, Most: 100}
}

// row is the limit's line on a page.
func (l *limit) row(a *ruling) nhsuk.Row { return nhsuk.Row{Key: l.key, Value: l.input.Say(*l.at(a))} }

// field is the limit as it is asked.
func (l *limit) field() journey.Field[ruling] {
	return journey.Field[ruling]{Name: l.name, Key: l.key, At: l.at, Input: l.input}
}

// changingRules is the journey by which the rules are changed.
func (p *pages) changingRules() *journey.Journey[ruling] {
	var few []journey.Field[ruling]
	for i := range limits[1:5] {
		few = append(few, limits[1+i].field())
	}
	return &journey.Journey[ruling]{
		Path: "/files/rules/change", Caption: "Rules for files that systems send", Who: frame.Leads, Action: "set_upload_rules", Reads: "read_uploads",
		Begin: p.beginRules, Back: func(*ruling) string { return "/files/rules" }, Words: rulesWords,
		Questions: []journey.Question[ruling]{
			{Name: "pass", Title: journey.Always[ruling]("Are files that systems send approved by themselves?"), Fields: []journey.Field[ruling]{limits[0].field()}},
			{Name: "limits", Title: journey.Always[ruling]("How much may such a file do?"), When: (*ruling).passes, Fields: few},
			{Name: "brake", Title: journey.Always[ruling]("When does the safety brake hold a file?"), Fields: []journey.Field[ruling]{limits[5].field()}},
		},
		Check: checkRules, Act: p.setRules, Changed: p.rulesChanged, Again: p.rulesAgain,
	}
}

// beginRules begins with the rules as they are.
func (p *pages) beginRules(v *frame.Visit, a *ruling) ([]string, error) {
	now, err := p.rulesNow(v)
	*a = now
	return nil, err
}

func (p *pages) rulesNow(v *frame.Visit) (ruling, error) {
	found, err := p.Uploads.GetUploadRules(v.R.Context(), v.Caller(), &upload.GetRulesRequest{Request: v.Request})
	if err != nil {
		return ruling{}, err
	}
	return ruled(&found.Rules), nil
}

// rulesWords says what the room says is wrong, which the questions have ruled out.
func rulesWords(v domain.Violation) string { return journey.Sentence("this " + v.Problem) }

func checkRules(_ *frame.Visit, a *ruling) journey.Check {
	c := journey.Check{Title: "Check before you change these rules", Button: "Change these rules"}
	c.Says = []string{"Somebody looks at each file that your systems send, and approves it."}
	if a.passes() {
		c.Says = []string{
			"Files that your systems send change plans without anybody looking at them, if they stay within all of these.",
			"Files that the safety brake holds, and those before which one is missing, wait for somebody all the same.",
		}
	}
	return c
}

// setRules changes the rules.
func (p *pages) setRules(v *frame.Visit, a *ruling, request string) (*journey.Ending, error) {
	done, err := p.Uploads.SetUploadRules(v.R.Context(), v.Caller(), &upload.SetRulesRequest{Rules: a.rules(), Request: request})
	if err != nil {
		return nil, err
	}
	return &journey.Ending{
		Title: "Rules changed", Proof: frame.ReceiptText(&done.Receipt),
		Next: []string{"They hold for files that are checked from now on. What waits already goes on waiting."},
		Ways: []frame.Way{{Text: "See the rules", Href: "/files/rules"}, {Text: "Go to your files", Href: "/files"}},
	}, nil
}

// rulesChanged shows what a colleague changed meanwhile.
func (p *pages) rulesChanged(v *frame.Visit, a *ruling) (*journey.Change, error) {
	now, err := p.rulesNow(v)
	if err != nil {
		return nil, err
	}
	c := &journey.Change{Says: []string{"A colleague has changed the rules."}, Table: nhsuk.Table{
		Caption: nhsuk.Heading{Text: "What is different", Size: nhsuk.Medium}, Responsive: true, FirstIsHeader: true,
		Columns: []nhsuk.Column{{Text: "What"}, {Text: "As it is now"}, {Text: "What you typed"}},
	}}
	for i := range limits {
		is, typed := limits[i].row(&now), limits[i].row(a)
		if is.Value != typed.Value {
			c.Table.Rows = append(c.Table.Rows, []nhsuk.Cell{{Text: is.Key}, {Text: is.Value}, {Text: typed.Value}})
		}
	}
	return c, nil
}

// rulesAgain keeps what was typed, for the rules as they are now.
func (p *pages) rulesAgain(v *frame.Visit, a *ruling) error {
	now, err := p.rulesNow(v)
	a.Version = now.Version
	return err
}
