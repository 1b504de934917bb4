package lead

import (
	"cmp"
	"strings"

	"cpis/service/notice"
	"cpis/service/plan"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
	"cpis/service/web/planwords"
	"cpis/service/web/words"
)

// happenedItem is something that happened, in words.
type happenedItem struct {
	Title  string
	Tags   nhsuk.Group
	Words  []string
	Reason string // as somebody wrote it
	By     string
	Href   string // where there is more of it
	Link   string
	Hidden string // tells links of one text apart
}

// daysOf puts what happened under its days, in the order in which it came. A look-up
// and the notice of it are one thing that happened.
func daysOf(v *frame.Visit, events []plan.Event) []happenedDay {
	var days []happenedDay
	for i := range events {
		e := &events[i]
		if e.Notice != nil && accessOf(events, e) != nil {
			continue
		}
		day := frame.Day(e.At)
		if len(days) == 0 || days[len(days)-1].Day != day {
			days = append(days, happenedDay{Day: day})
		}
		last := &days[len(days)-1]
		last.Items = append(last.Items, itemOf(v, events, e))
	}
	return days
}

// itemOf says in words what happened.
func itemOf(v *frame.Visit, events []plan.Event, e *plan.Event) happenedItem {
	switch {
	case e.Version != nil:
		return versionItem(v, e)
	case e.Access != nil:
		item := accessItem(e)
		if n := noticeOf(events, e); n != nil {
			item.tell(v, n)
		}
		return item
	case e.Notice != nil:
		item := happenedItem{Title: happened(e.Notice), Words: []string{placeOf(v, e.Notice)}, By: frame.Join(e.Notice.Actor.Name, e.Notice.Actor.Role)}
		item.By = frame.Join(item.By, words.English.Clock(e.At))
		item.tell(v, e.Notice)
		return item
	}
	return happenedItem{}
}

// versionItem says what was done to a plan, by whom and why.
func versionItem(v *frame.Visit, e *plan.Event) happenedItem {
	c := &e.Version.Change
	item := happenedItem{
		Title: planwords.Act(c.Act), By: frame.Join(cmp.Or(c.Name, c.Actor, "Not known"), words.English.Clock(e.At)),
	}
	if e.Version.Authority != v.Session.Caller.Organisation {
		item.Words = append(item.Words, "This was done while the plan was another authority’s")
		return item
	}
	if e.Was == nil {
		item.Title = strings.Replace(item.Title, "Plan changed by a file", "Plan registered by a file", 1)
		item.Words = append(item.Words, planwords.Kind(e.Version.Plan.Details.Kind))
	}
	item.Words = append(item.Words, changesOf(e)...)
	if upload, ok := strings.CutPrefix(c.Reason, "upload "); ok && c.Act == "upload" {
		item.Href, item.Link, item.Hidden = v.Offered("/files/"+upload), "Open the file", "of "+frame.Moment(e.At)
	} else {
		item.Reason = c.Reason
	}
	return item
}

// changesOf says what differs between a version and the one before.
func changesOf(e *plan.Event) []string {
	if e.Was == nil {
		return nil
	}
	var all []string
	differ := func(what, was, is string) {
		if was != is {
			all = append(all, what+" changed from "+cmp.Or(was, "none")+" to "+cmp.Or(is, "none"))
		}
	}
	differ("Given name", e.Was.Given, e.Version.Given)
	differ("Family name", e.Was.Family, e.Version.Family)
	was := detailsOf(&e.Was.Plan.Details)
	for i, is := range detailsOf(&e.Version.Plan.Details) {
		differ(is.name, was[i].value, is.value)
	}
	return all
}

// accessItem says who looked, and where.
func accessItem(e *plan.Event) happenedItem {
	a := e.Access
	if *a == (plan.Access{}) {
		return happenedItem{
			Title: "A look-up that cannot be shown", By: words.English.Clock(e.At),
			Words: []string{"Somebody changed what was kept of it. Your operator has been told. It stands in the log as it was"},
		}
	}
	item := happenedItem{
		Title: cmp.Or(seenIn[a.Setting], "Looked up"), Words: []string{cmp.Or(a.OrganisationName, a.Organisation)},
		By: frame.Join(cmp.Or(a.Who, "Who it was cannot be shown just now"), words.English.Clock(e.At)),
	}
	if !a.WrongPatient.IsZero() {
		item.Tags = append(item.Tags, nhsuk.Tag{Text: "Wrong patient", Colour: nhsuk.White}, nhsuk.Plain(" "))
		item.Words = append(item.Words, "This was another patient. That was reported on "+frame.Moment(a.WrongPatient))
	}
	return item
}

// tell adds what the authority was told, and the way to the notice.
func (i *happenedItem) tell(v *frame.Visit, n *notice.Notice) {
	if n.Kind != notice.Unscheduled {
		i.Title = happened(n)
	}
	i.Tags = append(i.Tags, tagsOf(v, n)...)
	if n.Corrects != "" {
		i.Words = append(i.Words, "An earlier notice was wrong: it was another patient")
	}
	i.Href, i.Link, i.Hidden = "/notices/"+n.ID, "Open the notice", "of "+frame.Moment(n.At)
}

// noticeOf is the notice of a look-up, if it is among what is shown.
func noticeOf(events []plan.Event, access *plan.Event) *notice.Notice {
	for i := range events {
		if n := events[i].Notice; n != nil && tellsOf(n, access) {
			return n
		}
	}
	return nil
}

// accessOf is the look-up that a notice tells of, if it is among what is shown.
func accessOf(events []plan.Event, told *plan.Event) *plan.Event {
	for i := range events {
		if events[i].Access != nil && noticeOf(events, &events[i]) == told.Notice {
			return &events[i]
		}
	}
	return nil
}

// tellsOf reports whether a notice tells of a look-up: both are of one moment and place.
func tellsOf(n *notice.Notice, access *plan.Event) bool {
	kind := n.Kind == notice.Unscheduled || n.Kind == notice.BreakGlass || n.Kind == notice.Restricted
	return kind && n.Corrects == "" && n.At.Equal(access.At) && n.Organisation == access.Access.Organisation && n.Organisation != ""
}
