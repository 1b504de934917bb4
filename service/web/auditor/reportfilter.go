package auditor

import (
	"net/url"
	"time"

	"cpis/service/domain"
	"cpis/service/oversight"
	"cpis/service/web/frame"
)

// reportFilter is what a report is narrowed to. It names nobody, so it stands in the
// address.
type reportFilter struct {
	from, until           string // days, the last one included: 2026-11-22
	organisation          string // code
	action, mode, outcome string
	unreviewed            bool
	oldest                bool // entries come first; the order of the list, and no filter
}

// reportFilterOf reads a filter. What does not fit makes it none: a filter that is
// ignored would show more than was asked for.
func reportFilterOf(q url.Values) (f reportFilter, ok bool) {
	f = reportFilter{
		from: q.Get("from"), until: q.Get("until"), organisation: q.Get("organisation"),
		action: q.Get("action"), mode: q.Get("mode"), outcome: q.Get("outcome"), unreviewed: q.Get("unreviewed") == "1",
		oldest: q.Get("dir") == "reverse",
	}
	for _, d := range []string{f.from, f.until} {
		if _, err := dayOf(d); d != "" && err != nil {
			return f, false
		}
	}
	fits := known(actionOptions, f.action) && known(modeOptions, f.mode) && known(outcomeOptions, f.outcome)
	return f, fits && len(f.organisation) <= domain.MaxAuthority
}

// query is the filter as an address has it.
func (f reportFilter) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{
		"from": f.from, "until": f.until, "organisation": f.organisation, "action": f.action, "mode": f.mode, "outcome": f.outcome,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if f.unreviewed {
		q.Set("unreviewed", "1")
	}
	if f.oldest {
		q.Set("dir", "reverse")
	}
	return q
}

// narrow puts the filter into what is asked.
func (f reportFilter) narrow(q *oversight.Query) {
	q.Organised, q.Action, q.Mode, q.Outcome, q.Unreviewed = f.organisation, f.action, f.mode, f.outcome, f.unreviewed
	if from, err := dayOf(f.from); err == nil {
		q.From = from
	}
	if until, err := dayOf(f.until); err == nil {
		q.Until = until.AddDate(0, 0, 1)
	}
}

// words repeats the filter above the list.
func (f reportFilter) words() []string {
	words := []string{f.period()}
	if f.organisation != "" {
		words = append(words, "organisation "+f.organisation)
	}
	for _, one := range []struct {
		options []option
		value   string
	}{{actionOptions, f.action}, {modeOptions, f.mode}, {outcomeOptions, f.outcome}} {
		if text := textOf(one.options, one.value); text != "" {
			words = append(words, "only: "+text)
		}
	}
	if f.unreviewed {
		words = append(words, "only those that nobody has reviewed")
	}
	return words
}

// period says from when until when.
func (f reportFilter) period() string {
	from, fromErr := dayOf(f.from)
	until, untilErr := dayOf(f.until)
	switch {
	case fromErr != nil && untilErr != nil:
		return "since the log began"
	case untilErr != nil:
		return "since " + frame.Day(from)
	case fromErr != nil:
		return "until " + frame.Day(until)
	}
	return frame.Day(from) + " to " + frame.Day(until)
}

// dayOf reads a day, as it begins in England.
func dayOf(text string) (time.Time, error) {
	return time.ParseInLocation(time.DateOnly, text, domain.London)
}

// option is one of a filter.
type option struct{ value, text string }

// textOf returns the text of one of some options; none if it is none of them.
func textOf(options []option, value string) string {
	for _, o := range options {
		if o.value == value {
			return o.text
		}
	}
	return ""
}

// known reports whether a value is one of some options, or none was chosen.
func known(options []option, value string) bool { return value == "" || textOf(options, value) != "" }

// What a report can be narrowed to.
var (
	actionOptions = []option{
		{"look_up", "Look-ups"},
		{"look_up_many", "Clinic lists"},
		{"get_person", "Opening a person"},
		{"read_notices", "Reading notices"},
		{"read_reports", "Reports"},
		{"export_report", "Reports as files"},
		{"register_plan", "Registering plans"},
		{"amend_plan", "Changing plans"},
		{"end_plan", "Ending plans"},
		{"remove_plan", "Removing plans"},
		{"upload_plans", "Sending files of plans"},
	}
	modeOptions    = []option{{"unscheduled", "Unexpected visits"}, {"scheduled", "Expected visits"}}
	outcomeOptions = []option{
		{"flag_held", "A flag is held"}, {"no_flag_known", "No flag is known"}, {"cannot_say", "Cannot say"}, {"denied", "Not allowed"},
	}
)
