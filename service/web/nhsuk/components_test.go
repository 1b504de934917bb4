package nhsuk_test

import (
	"cpis/service/web/nhsuk"
)

// components makes our component of the design system's options.
var components = map[string]func(o options, block string) nhsuk.Component{
	"action-link": func(o options, block string) nhsuk.Component {
		return nhsuk.ActionLink{Text: o.text("text"), Body: o.body(block), Href: o.text("href"), Type: o.text("type"), Reverse: o.reverse()}
	},
	"back-link": func(o options, block string) nhsuk.Component { return o.backLink(block) },
	"breadcrumb": func(o options, _ string) nhsuk.Component {
		b := nhsuk.Breadcrumb{ID: o.text("id"), BackLink: o.of("backLink").backLink(""), Reverse: o.reverse()}
		for _, i := range o.list("items") {
			b.Crumbs = append(b.Crumbs, nhsuk.Crumb{Text: i.text("text"), Href: i.text("href"), Lang: i.of("attributes").text("lang")})
		}
		return b
	},
	"button":          func(o options, _ string) nhsuk.Component { return o.button() },
	"card":            func(o options, block string) nhsuk.Component { return o.card(block) },
	"character-count": func(o options, _ string) nhsuk.Component { return o.characterCount() },
	"checkboxes":      func(o options, _ string) nhsuk.Component { return o.checkboxes() },
	"code": func(o options, block string) nhsuk.Component {
		return nhsuk.Code{
			Text: o.text("text"), Body: o.body(block), Copy: o.has("button"), Button: o.copyButton(), CopiedText: o.text("copiedButtonText"),
			Announced: o.text("copiedAnnouncementText"), Background: o.text("background"), NoBorder: o.no("border"),
		}
	},
	"contents-list": func(o options, _ string) nhsuk.Component {
		return nhsuk.ContentsList{Title: o.text("visuallyHiddenText"), Contents: contents(o.list("items"))}
	},
	"date-input": func(o options, _ string) nhsuk.Component {
		return nhsuk.DateInput{
			ID: o.text("id"), Prefix: o.text("namePrefix"), Legend: o.of("fieldset").legend(), Hint: o.hint(), Error: o.wrong(),
			Wrong: o.yes("errorMessage"), Day: o.part("day"), Month: o.part("month"), Year: o.part("year"), Disabled: o.yes("disabled"),
		}
	},
	"details": func(o options, block string) nhsuk.Component {
		return nhsuk.Details{
			Summary: o.text("summary"), SummaryBody: o.of("summary").body(), Text: o.text("text"), Body: o.body(block), Open: o.yes("open"),
			Expander: o.text("classes") == "nhsuk-expander", Reverse: o.reverse(),
		}
	},
	"do-dont-list": func(o options, _ string) nhsuk.Component {
		h := o.of("heading").heading()
		if h.Text == "" {
			h.Text = o.text("title")
		}
		d := nhsuk.DoDontList{Heading: h, Dont: o.text("icon") == "cross", Prefix: o.text("prefixText"), NoPrefix: o.yes("hidePrefix")}
		for _, i := range o.list("items") {
			d.Items = append(d.Items, i.text("text", "item"))
		}
		return d
	},
	"error-message": func(o options, block string) nhsuk.Component {
		return nhsuk.ErrorMessage{Text: o.text("text"), Body: o.body(block), Prefix: o.text("visuallyHiddenText")}
	},
	"error-summary": func(o options, block string) nhsuk.Component {
		e := nhsuk.ErrorSummary{
			Heading: o.text("heading"), HeadingBody: o.of("heading").body(), Text: o.text("description"), Body: o.of("description").body(block),
			NoAutoFocus: o.yes("disableAutoFocus"),
		}
		for _, i := range o.list("errorList") {
			e.Problems = append(e.Problems, nhsuk.Problem{Text: i.text("text"), Href: i.text("href")})
		}
		return e
	},
	"fieldset": func(o options, block string) nhsuk.Component {
		return nhsuk.Fieldset{Legend: o.legend(), Body: o.body(block)}
	},
	"file-upload": func(o options, _ string) nhsuk.Component {
		return nhsuk.FileUpload{
			ID: o.text("id"), Name: o.text("name"), Label: o.label(), Hint: o.hint(), Error: o.wrong(), Wrong: o.yes("errorMessage"),
			Multiple: o.yes("multiple"), Disabled: o.yes("disabled"), ChooseText: o.text("chooseFilesButtonText"),
			NoFileText: o.text("noFileChosenText"), DropText: o.text("dropInstructionText"), ChosenText: o.plurals("multipleFilesChosenText"),
			EnteredText: o.text("enteredDropZoneText"), LeftText: o.text("leftDropZoneText"),
		}
	},
	"footer": func(o options, block string) nhsuk.Component { return o.footer(block) },
	"header": func(o options, _ string) nhsuk.Component { return o.header() },
	"heading": func(o options, _ string) nhsuk.Component {
		return o.heading()
	},
	"hint": func(o options, block string) nhsuk.Component {
		return nhsuk.Hint{Text: o.text("text"), Body: o.body(block)}
	},
	"input": func(o options, _ string) nhsuk.Component { return o.input() },
	"inset-text": func(o options, block string) nhsuk.Component {
		return nhsuk.InsetText{Text: o.text("text"), Body: o.body(block)}
	},
	"label":  func(o options, block string) nhsuk.Component { return o.title(block) },
	"legend": func(o options, block string) nhsuk.Component { return legend(o.title(block)) },
	"notification-banner": func(o options, block string) nhsuk.Component {
		return nhsuk.NotificationBanner{
			Success: o.text("variant") == "success", Title: o.text("title"), Heading: o.of("heading").heading(),
			HeadingParagraph: o.of("heading").text("element") == "p", Text: o.text("text"), Body: o.body(block), Role: o.text("role"),
			NoAutoFocus: o.yes("disableAutoFocus"),
		}
	},
	"pagination": func(o options, _ string) nhsuk.Component {
		p := nhsuk.Pagination{Previous: o.neighbour("previous"), Next: o.neighbour("next")}
		for _, i := range o.list("items") {
			p.Pages = append(p.Pages, nhsuk.PageLink{Number: i.number("number"), Href: i.text("href"), Current: i.yes("current")})
		}
		return p
	},
	"panel": func(o options, block string) nhsuk.Component {
		return nhsuk.Panel{
			Heading: o.of("heading").heading(), Text: o.text("text"), Body: o.body(block), Interruption: o.text("variant") == "interruption",
		}
	},
	"radios": func(o options, _ string) nhsuk.Component { return o.radios() },
	"scroll": func(o options, block string) nhsuk.Component {
		return nhsuk.Scroll{LabelledBy: o.text("labelledBy"), Text: o.text("text"), Body: o.body(block)}
	},
	"search-input": func(o options, _ string) nhsuk.Component {
		b := o.of("button")
		return nhsuk.SearchInput{Input: o.input(), Button: b.button(), TextOnly: b.no("icon"), NoButton: o.no("button")}
	},
	"select": func(o options, _ string) nhsuk.Component {
		s := nhsuk.Select{
			ID: o.text("id"), Name: o.text("name"), Value: o.text("value"), Label: o.label(), Hint: o.hint(), Error: o.wrong(),
			Wrong: o.yes("errorMessage"), Disabled: o.yes("disabled"), After: o.of("formGroup").of("afterInput").body(),
		}
		for _, i := range o.list("items") {
			s.Options = append(s.Options, nhsuk.Option{Value: i.text("value"), Text: i.text("text"), Disabled: i.yes("disabled"), Divider: i.yes("divider")})
		}
		return s
	},
	"skip-link": func(o options, _ string) nhsuk.Component {
		return nhsuk.SkipLink{Text: o.text("text"), Href: o.text("href")}
	},
	"summary-list": func(o options, _ string) nhsuk.Component {
		s := nhsuk.SummaryList{NoBorder: o.no("border"), NoLastBorder: o.no("lastRowBorder"), Card: o.surrounding()}
		for _, r := range o.list("rows") {
			s.Rows = append(s.Rows, nhsuk.Row{
				Key: r.text("key"), KeyWidth: r.of("key").text("width"), Value: r.text("value"), ValueBody: r.of("value").body(),
				Actions: r.actions(), NoBorder: r.no("border"),
			})
		}
		return s
	},
	"tables": func(o options, _ string) nhsuk.Component { return o.table() },
	"tag": func(o options, block string) nhsuk.Component {
		t := o.tag()
		if block != "" {
			t.Body = nhsuk.Markup(block)
		}
		return t
	},
	"task-list": func(o options, _ string) nhsuk.Component {
		l := nhsuk.TaskList{IDPrefix: o.text("idPrefix")}
		for _, i := range o.list("items") {
			s := i.of("status")
			l.Tasks = append(l.Tasks, nhsuk.Task{
				Title: i.text("heading", "title"), Href: i.text("href"), Hint: i.text("hint"), Tag: s.of("tag").tag(), State: s.text("text"),
				Classes: s.text("classes"),
			})
		}
		return l
	},
	"textarea": func(o options, _ string) nhsuk.Component { return o.textarea() },
	"warning-callout": func(o options, block string) nhsuk.Component {
		return nhsuk.WarningCallout{Heading: o.of("heading").heading(), Text: o.text("text"), Body: o.body(block)}
	},
}

func (o options) reverse() bool { return o.text("variant") == "reverse" }

func (o options) backLink(block string) nhsuk.BackLink {
	return nhsuk.BackLink{
		ID: o.text("id"), Text: o.text("text"), Body: o.body(block), Href: o.text("href"), Type: o.text("type"),
		Lang: o.of("attributes").text("lang"), Reverse: o.reverse(),
	}
}

func (o options) characterCount() nhsuk.CharacterCount {
	return nhsuk.CharacterCount{
		Textarea: o.textarea(), MaxLength: o.number("maxlength"), MaxWords: o.number("maxwords"), CountType: o.text("countType"),
		Threshold: o.number("threshold"), LimitText: o.text("textareaDescriptionText"), UnderLimitText: o.plurals("charactersUnderLimitText"),
		AtLimitText: o.text("charactersAtLimitText"), OverLimitText: o.plurals("charactersOverLimitText"),
	}
}

func (o options) copyButton() nhsuk.Button {
	b := o.of("button").button()
	b.Text = o.text("copyButtonText")
	for _, c := range o.list("copyButtonClassList") {
		if b.Classes != "" {
			b.Classes += " "
		}
		b.Classes += c.text("text")
	}
	return b
}

func contents(list []options) []nhsuk.Content {
	var all []nhsuk.Content
	for _, i := range list {
		all = append(all, nhsuk.Content{Text: i.text("text"), Href: i.text("href"), Current: i.yes("current"), Below: contents(i.list("items"))})
	}
	return all
}

func (o options) neighbour(name string) nhsuk.Neighbour {
	n := o.of(name)
	if href := o.text(name + "Url"); href != "" {
		return nhsuk.Neighbour{Href: href, Label: o.text(name + "Page")}
	}
	return nhsuk.Neighbour{Text: n.text("text"), Label: n.text("label"), Href: n.text("href")}
}

func links(list []options) []nhsuk.FooterLink {
	var all []nhsuk.FooterLink
	for _, i := range list {
		all = append(all, nhsuk.FooterLink{Text: i.text("text"), Href: i.text("href")})
	}
	return all
}

func (o options) footer(block string) nhsuk.Footer {
	m := o.of("meta")
	f := nhsuk.Footer{Columns: o.number("columns"), Links: links(m.list("items")), Text: m.text("text"), Body: m.body(block), Copyright: o.text("copyright")}
	if !o.has("copyright") {
		f.Copyright = "© NHS England"
	}
	groups := o.list("navigation")
	if one := o.of("navigation"); one != nil {
		groups = []options{one}
	}
	for _, g := range groups {
		f.Groups = append(f.Groups, nhsuk.FooterGroup{Heading: g.text("heading"), Width: g.text("width"), Body: g.body(), Links: links(g.list("items"))})
	}
	return f
}

func (o options) header() nhsuk.Header {
	search, n, org := o.of("search"), o.of("navigation"), o.of("organisation")
	h := nhsuk.Header{
		Logo:            nhsuk.Logo{Shown: true, Href: o.of("logo").text("href"), Alt: o.of("logo").text("alt")},
		Service:         nhsuk.Service{Text: o.of("service").text("text"), Href: o.of("service").text("href")},
		Organisation:    nhsuk.Organisation{Name: org.text("name"), Split: org.text("split"), Descriptor: org.text("descriptor")},
		NavigationWhite: n.text("colour") == "white", Justified: n.yes("justified"), White: o.text("colour") == "white", Inline: o.yes("inline"),
	}
	if o.has("search") {
		h.Search = nhsuk.HeaderSearch{
			Action: "https://www.nhs.uk/search/", Label: search.of("label").text("visuallyHiddenText"), Placeholder: search.of("input").text("placeholder"),
		}
		if h.Search.Label == "" {
			h.Search.Label = "Search the NHS website"
		}
	}
	for _, i := range o.of("account").list("items") {
		h.Account = append(h.Account, nhsuk.AccountItem{Text: i.text("text"), Href: i.text("href"), Action: i.text("action"), Icon: i.yes("icon")})
	}
	for _, i := range n.list("items") {
		h.Navigation = append(h.Navigation, nhsuk.NavigationItem{Text: i.text("text"), Href: i.text("href"), Current: i.yes("current"), Active: i.yes("active")})
	}
	return h
}

func (o options) table() nhsuk.Table {
	t := nhsuk.Table{
		ID: o.text("id"), Caption: o.of("caption").heading(), FirstIsHeader: o.yes("firstCellIsHeader"), Compact: o.yes("compact"),
		Striped: o.yes("striped"), Responsive: o.yes("responsive"), Reverse: o.reverse(), NoBorder: o.no("border"), NoLastBorder: o.no("lastRowBorder"),
		Scroll: o.yes("scroll"), Classes: o.text("classes"), Card: o.surrounding(),
	}
	if o.yes("panel") {
		t.Card = &nhsuk.Card{Variant: nhsuk.Feature, Heading: nhsuk.Heading{Text: o.text("heading"), Level: o.number("headingLevel")}}
	}
	for _, c := range o.list("head") {
		sort := nhsuk.Sort(c.text("sort"))
		if c.yes("sort") {
			sort = nhsuk.Unsorted
		}
		t.Columns = append(t.Columns, nhsuk.Column{
			Text: c.text("text"), Hidden: c.text("visuallyHiddenText"), Href: c.text("href"), Sort: sort, Format: nhsuk.Format(c.text("format")),
			Align: nhsuk.Align(c.text("align")), Width: c.text("width"), Classes: c.text("classes"),
		})
	}
	rows, _ := o["rows"].([]any)
	for _, r := range rows {
		if _, ok := r.([]any); !ok {
			continue
		}
		var row []nhsuk.Cell
		for _, c := range (options{"row": r}).list("row") {
			row = append(row, nhsuk.Cell{
				Text: c.text("text"), Body: c.body(), Hidden: c.text("visuallyHiddenText"), Href: c.text("href"),
				Format: nhsuk.Format(c.text("format")), Align: nhsuk.Align(c.text("align")), Width: c.text("width"), Classes: c.text("classes"),
			})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
