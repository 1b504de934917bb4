package lead

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"cpis/service/identity"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
	"cpis/service/work"
)

// Work is what waits for an authority. *work.Lists counts it.
type Work interface {
	WorkList(ctx context.Context, c *identity.Caller, q *work.ListRequest) (*work.List, error)
}

// homePage says what needs a lead today.
type homePage struct {
	frame.Page

	Heading nhsuk.Heading
	Lead    string
	Find    nhsuk.Button
	Parts   []homePart
	None    bool // nothing needs anybody, and all was counted
	Ways    []frame.Way
}

// homePart is what is counted together.
type homePart struct {
	Title string
	Lines []homeLine
	// Failed says what could not be counted, and Way leads to it.
	Failed string
	Way    homeLine
	AsOf   string
}

// homeLine is a count, and the way to what was counted.
type homeLine struct{ Text, Href, About string }

// showHome says what needs a lead today: a line for each count that is not 0. What
// could not be counted is said to be so.
func (p *pages) showHome(v *frame.Visit) error {
	list, err := p.Work.WorkList(v.R.Context(), v.Caller(), &work.ListRequest{Request: v.Request})
	if err != nil {
		return err
	}
	now := v.Now()
	page := &homePage{
		Page: frame.Page{Title: "What needs you today"}, Heading: frame.Heading("What needs you today"), None: true,
		Lead: v.Names.Name(v.Session.Caller.Organisation) + ", " + words.English.Weekday(v.Today()),
		Find: nhsuk.Button{Text: "Find a person", Href: "/people"},
	}
	for _, part := range []homePart{
		noticesPart(list.Notices), decisionsPart(v, list.Decisions), plansPart(list.Plans), numbersPart(list.Numbers, now), channelsPart(list.Channels),
	} {
		if part.Failed != "" || len(part.Lines) > 0 {
			page.Parts, page.None = append(page.Parts, part), false
		}
	}
	for _, area := range v.Areas() {
		page.Ways = append(page.Ways, area.Ways...)
	}
	return v.Show(http.StatusOK, "lead_home", page)
}

// add adds a line, unless there is nothing to say.
func (p *homePart) add(n int, text, href, about string) {
	if n > 0 {
		p.Lines = append(p.Lines, homeLine{text, href, about})
	}
}

func noticesPart(n *work.Notices) homePart {
	part := homePart{Title: "Notices"}
	if n == nil {
		part.Failed, part.Way = "We cannot count notices just now.", homeLine{Text: "Look at the notices", Href: "/notices?open=1"}
		return part
	}
	part.add(n.Open, words.Number(n.Open)+either(n.Open, " notice that nobody has answered", " notices that nobody has answered"), "/notices?open=1", "The oldest is from "+frame.Moment(n.Oldest))
	part.add(n.Priority, words.Number(n.Priority)+either(n.Priority, " of them has priority", " of them have priority"), "/notices?open=1&priority=1", "")
	return part
}

func decisionsPart(v *frame.Visit, d *work.Decisions) homePart {
	part := homePart{Title: "Waiting for a decision"}
	if d == nil {
		part.Failed = "We cannot count files, transfers and proposals just now."
		return part
	}
	part.add(d.Files, words.Number(d.Files)+either(d.Files, " file to approve", " files to approve"), v.Offered("/files?waiting=1"), "Nothing in it counts before somebody approves it")
	part.add(d.Offered, words.Number(d.Offered)+either(d.Offered, " plan offered to you", " plans offered to you"), v.Offered("/transfers"), "Until you accept, the other authority is responsible")
	part.add(d.Offering, words.Number(d.Offering)+either(d.Offering, " plan that you offered", " plans that you offered"), v.Offered("/transfers"), "The other authority has not decided yet")
	if theirs := d.Proposals - d.Own; theirs > 0 {
		part.add(theirs, words.Number(theirs)+either(theirs, " proposal by a colleague", " proposals by colleagues"), v.Offered("/proposals"), "A second person has to agree")
	}
	part.add(d.Own, words.Number(d.Own)+either(d.Own, " proposal of yours", " proposals of yours"), v.Offered("/proposals"), "A colleague has to decide")
	return part
}

func plansPart(n *work.Plans) homePart {
	part := homePart{Title: "Plans to check"}
	if n == nil {
		part.Failed, part.Way = "We cannot count plans that need checking just now.", homeLine{Text: "Look at the plans", Href: "/plans"}
		return part
	}
	part.AsOf = words.English.Clock(n.AsOf)
	part.add(n.Overdue, words.Number(n.Overdue)+either(n.Overdue, " baby past the expected date", " babies past the expected date"), "/plans?show=overdue", "Record the birth, or end the plan")
	part.add(n.Adult, words.Number(n.Adult)+either(n.Adult, " young person who is 18 or older", " young people who are 18 or older"), "/plans?show=adult", "End the plan, or check the date of birth")
	return part
}

func numbersPart(n *work.Numbers, now time.Time) homePart {
	part := homePart{Title: "Contact numbers"}
	switch {
	case n == nil:
		part.Failed, part.Way = "We cannot say just now when your numbers were last confirmed.", homeLine{Text: "Look at the contacts", Href: "/contacts"}
	case n.Overdue && n.Confirmed.IsZero():
		part.add(1, "Nobody has confirmed your contact numbers", "/contacts", "Care staff call them when a child may be at risk")
	case n.Overdue:
		days := int(now.Sub(n.Confirmed).Hours() / 24)
		part.add(1, "Your contact numbers were last confirmed "+strconv.Itoa(days)+" days ago", "/contacts", "Care staff call them when a child may be at risk")
	}
	return part
}

func channelsPart(n *work.Channels) homePart {
	part := homePart{Title: "Channels"}
	if n == nil {
		part.Failed, part.Way = "We cannot say just now whether your channels work.", homeLine{Text: "Look at the channels", Href: "/channels"}
		return part
	}
	if resting := len(n.Resting); resting > 0 {
		since := n.Resting[0].Since
		for _, r := range n.Resting {
			if r.Since.Before(since) {
				since = r.Since
			}
		}
		part.add(resting, words.Number(resting)+either(resting, " channel on which nothing arrives", " channels on which nothing arrives"), "/channels", "Last tried on "+frame.Moment(since))
	}
	return part
}

// either chooses by a count.
func either(n int, one, several string) string {
	if n == 1 {
		return one
	}
	return several
}
