package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	cpisv1 "cpis/proto/cpis/v1"
)

// width is how wide texts are printed.
const width = 80

// verdicts are what stands first, whatever else there is to say.
var verdicts = map[cpisv1.Answer]string{
	cpisv1.Answer_ANSWER_FLAG_HELD:     "FLAG HELD",
	cpisv1.Answer_ANSWER_NO_FLAG_KNOWN: "NO FLAG KNOWN",
	cpisv1.Answer_ANSWER_CANNOT_SAY:    "CANNOT SAY",
}

// kinds are the names of the kinds of plans.
var kinds = map[cpisv1.PlanKind]string{
	cpisv1.PlanKind_PLAN_KIND_CPP:  "Child protection plan",
	cpisv1.PlanKind_PLAN_KIND_LAC:  "Looked-after child",
	cpisv1.PlanKind_PLAN_KIND_UCPP: "Unborn child protection plan",
}

// page collects lines for people to read. Texts of others cannot steer the
// terminal.
type page struct{ strings.Builder }

func (p *page) line(format string, args ...any) {
	p.WriteString(printable(strings.TrimRight(fmt.Sprintf(format, args...), " ")) + "\n")
}

// paragraph writes a text, broken between words; nothing for none.
func (p *page) paragraph(indent, text string) {
	if text == "" {
		return
	}
	line := indent
	for word := range strings.FieldsSeq(text) {
		if len([]rune(line))+1+len([]rune(word)) > width && line != indent {
			p.line("%s", line)
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	p.line("%s", line)
}

// printAnswer prints an answer: the verdict first, then whom to ring.
func printAnswer(out io.Writer, a *cpisv1.LookUpResponse) error {
	var p page
	p.line("%s", headline(a))
	p.ringNow(a)
	for _, plan := range a.GetPlans() {
		p.plan(plan)
	}
	p.history(a.GetHistory())
	p.line("")
	p.paragraph("", a.GetAdvice())
	p.line("")
	mode := strings.ToLower(strings.TrimPrefix(a.GetAccessMode().String(), "ACCESS_MODE_"))
	p.line("Asked as %s. Entry %d of the log %s.", mode, a.GetReceipt().GetIndex(), a.GetReceipt().GetLog())
	_, err := io.WriteString(out, p.String())
	return err
}

func headline(a *cpisv1.LookUpResponse) string {
	text := verdicts[a.GetAnswer()]
	if a.GetRestricted() {
		text += ", RESTRICTED: whereabouts must not be revealed"
	}
	if a.GetDetailsUnavailable() {
		text += ", details cannot be opened just now"
	}
	if a.GetIdentityChecked() {
		text += " (date of birth fits)"
	}
	return text
}

// ringNow prints each number to ring at this moment, once.
func (p *page) ringNow(a *cpisv1.LookUpResponse) {
	contacts := a.GetContacts()
	for _, plan := range a.GetPlans() {
		contacts = append(contacts, plan.GetContact())
	}
	seen := map[string]bool{}
	for _, c := range contacts {
		r := c.GetRingNow()
		if r.GetNumber() == "" || seen[r.GetNumber()] {
			continue
		}
		if len(seen) == 0 {
			p.line("")
		}
		seen[r.GetNumber()] = true
		until := ""
		if r.GetUntil() != nil {
			until = " until " + london(r.GetUntil())
		}
		p.line("  Ring now: %s  %s, %s%s", r.GetNumber(), c.GetName(), r.GetWho(), until)
	}
}

func (p *page) plan(plan *cpisv1.Plan) {
	p.line("")
	p.line("  %s%s", kinds[plan.GetKind()], dates(plan))
	if c := plan.GetContact(); c != nil {
		p.line("    %s", c.GetName())
		p.phone("office", c.GetOffice())
		p.phone("emergency duty team", c.GetEmergencyDuty())
	}
	p.paragraph("    ", plan.GetNote())
}

func (p *page) phone(who string, n *cpisv1.Phone) {
	if n.GetNumber() != "" {
		p.line("    %-20s %s  %s", who, n.GetNumber(), n.GetHours())
	}
}

// dates says where a plan stands, as far as it is told.
func dates(plan *cpisv1.Plan) string {
	if plan.GetStart() == "" {
		return ""
	}
	text := ", since " + day(plan.GetStart())
	switch {
	case plan.GetStatus() == cpisv1.PlanStatus_PLAN_STATUS_ENDED:
		text = ", ended: " + day(plan.GetStart()) + " to " + day(plan.GetEnd())
	case plan.GetEnd() != "":
		text += ", until " + day(plan.GetEnd())
	}
	if plan.GetExpected() != "" {
		text += ", expected " + day(plan.GetExpected())
	}
	return text
}

func (p *page) history(accesses []*cpisv1.Access) {
	if len(accesses) == 0 {
		return
	}
	p.line("")
	p.line("  Seen unexpectedly before")
	for _, a := range accesses {
		where := a.GetOrganisationName()
		if s := a.GetSetting(); s != cpisv1.Setting_SETTING_UNSPECIFIED {
			where += ", " + strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(s.String(), settingPrefix)), "_", " ")
		}
		p.line("    %s  %s", london(a.GetAt()), where)
		if a.GetWho() != "" {
			p.line("    %17s %s", "", a.GetWho())
		}
	}
}

// day returns a day as people write it.
func day(text string) string {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return text
	}
	return t.Format("2 January 2006")
}

// london returns a moment in England's local time.
func london(t *timestamppb.Timestamp) string {
	return t.AsTime().In(englandsZone()).Format("02 Jan 2006 15:04")
}

// englandsZone is England's local time.
func englandsZone() *time.Location {
	zone, err := time.LoadLocation("Europe/London")
	if err != nil {
		return time.UTC // never: the zone data is compiled in
	}
	return zone
}
