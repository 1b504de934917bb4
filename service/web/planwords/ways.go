package planwords

import "cpis/service/web/frame"

// Ways are what can be done about a person of the authority's, beside what can be done
// with each plan.
func Ways(person string, restricted bool) []frame.Way {
	path := "/people/" + person
	hide := frame.Way{Text: "Keep hidden where this person lives", Href: path + "/restrict", About: "A colleague has to agree"}
	if restricted {
		hide = frame.Way{Text: "Lift the restriction", Href: path + "/lift", About: "A colleague has to agree"}
	}
	return []frame.Way{
		{Text: "Register another plan", Href: "/plans/new?person=" + person, About: "Of another kind, or for another time"},
		hide,
		{Text: "The NHS number has changed", Href: path + "/number", About: "It was replaced by another"},
		{Text: "Two records, one person", Href: path + "/merge", About: "Plans under two NHS numbers are about one person"},
		{Text: "One record, two people", Href: "/proposals?all=1", About: "Open the proposal by which the records were joined, and undo it there"},
	}
}
