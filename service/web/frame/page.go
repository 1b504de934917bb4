package frame

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"strings"

	"cpis/service/web/assets"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// Page is what all pages have. The struct of each page embeds it.
type Page struct {
	Title    string // as the h1, without names and numbers
	Language words.Language
	Other    string // the same page in the other language
	Problems []nhsuk.Problem
	Back     nhsuk.BackLink

	Header   nhsuk.Header
	Footer   nhsuk.Footer
	Message  nhsuk.NotificationBanner
	Ends     string // when the session ends if nothing is done
	TimeLeft int    // until then, in seconds
	Hub      Phone
}

// Content is a struct that embeds Page.
type Content interface{ base() *Page }

func (p *Page) base() *Page { return p }

// Say is what the page says, in its language.
func (p Page) Say() *words.Words {
	if p.Language == words.Welsh {
		return words.In(words.Welsh)
	}
	return words.In(words.English)
}

// Lang is the page's language, as its lang attribute has it.
func (p Page) Lang() words.Language { return p.Say().Language }

// OtherLang is the language that the page offers beside its own.
func (p Page) OtherLang() words.Language { return p.Lang().Other() }

// Stylesheet is the address of the style sheet.
func (Page) Stylesheet() string { return assets.Stylesheet() }

// Script is the address of the script.
func (Page) Script() string { return assets.Script() }

// Icon is the address of the icon.
func (Page) Icon() string { return assets.Icon() }

// Snippet is the one script within a page, which the policy knows by its hash.
func (Page) Snippet() template.JS { return assets.Snippet }

// Summary is the list of what is wrong with a form.
func (p Page) Summary() nhsuk.ErrorSummary {
	return nhsuk.ErrorSummary{Heading: p.Say().Shell.Problem, Problems: p.Problems}
}

// Phone is a number to call.
type Phone struct{ Name, Number string }

// Href is the address that calls the number: digits, whatever the number is.
func (p Phone) Href() template.URL { return template.URL(words.Tel(p.Number)) } //nolint:gosec // see above

// dress fills in what all pages have, of who is logged in.
func (v *Visit) dress(p *Page) error {
	p.Hub = Phone{v.Hub.Name, v.Hub.Phone}
	w := p.Say()
	p.Header = nhsuk.Header{
		Service: nhsuk.Service{Text: w.Shell.Service, Href: "/"}, AccountLabel: w.Shell.Account,
		NavigationLabel: w.Shell.Menu, MenuText: w.Shell.More, MenuHidden: w.Shell.Browse,
	}
	p.Footer = footer(w)
	if v.Session == nil {
		return nil
	}
	p.Header.Account = v.account(w)
	if !v.Session.Chosen() {
		return nil
	}
	p.Header.Organisation.Name = v.Names.Name(v.Session.Caller.Organisation)
	p.Header.Navigation = v.navigation(w)
	p.Ends, p.TimeLeft = w.Language.Clock(v.Session.IdleEnd), v.timeLeft()
	if m := v.Session.Message; m.Text != "" && len(p.Problems) == 0 {
		p.Message = nhsuk.NotificationBanner{Success: m.Kind == "success", Title: w.Shell.Important, Text: m.Text}
		if p.Message.Success {
			p.Message.Title = w.Shell.Success
		}
		v.Session.Message.Text = ""
		return v.Sessions.Keep(v.R.Context(), v.Session)
	}
	return nil
}

// account is who is logged in, and how to be somebody else.
func (v *Visit) account(w *words.Words) []nhsuk.AccountItem {
	who := v.Session.Caller.Name
	if role := RoleWords(v.Session.Caller.Roles.String()); v.Session.Chosen() {
		who += " (" + role + ")"
	}
	items := []nhsuk.AccountItem{{Text: who, Icon: true}}
	if len(v.Session.Choices) > 1 {
		items = append(items, nhsuk.AccountItem{Text: w.Shell.ChangeRole, Href: "/role"})
	}
	return append(items, nhsuk.AccountItem{Text: w.Shell.LogOut, Action: "/log-out"})
}

// navigation is what the person can go to, by role.
func (v *Visit) navigation(w *words.Words) []nhsuk.NavigationItem {
	items := []nhsuk.NavigationItem{{Text: "Home", Href: "/home"}}
	for _, a := range v.Areas() {
		for _, item := range a.Menu {
			if item.Who != "" && !v.Is(item.Who) {
				continue
			}
			items = append(items, nhsuk.NavigationItem{Text: item.Text(w), Href: v.inLanguage(item.Href)})
		}
	}
	for i := range items {
		items[i].Current = items[i].Href == v.R.URL.Path
		items[i].Active = !items[i].Current && strings.HasPrefix(v.R.URL.Path, items[i].Href+"/")
	}
	return items
}

// footer has the same help in the same place on every page.
func footer(w *words.Words) nhsuk.Footer {
	return nhsuk.Footer{LinksTitle: w.Shell.Support, Links: []nhsuk.FooterLink{
		{Text: w.Shell.Help, Href: "/help"},
		{Text: w.Shell.WhoToCall, Href: "/help/phone"},
		{Text: w.Shell.WordsMeaning, Href: "/help/words"},
		{Text: w.Shell.Cookies, Href: "/cookies"},
		{Text: w.Shell.Privacy, Href: "/privacy"},
		{Text: w.Shell.Accessibility, Href: "/accessibility"},
	}}
}

//go:embed template/*.html
var files embed.FS

// templates are the pages' templates by name, each with the layout around it.
type templates map[string]*template.Template

const layoutFile = "layout.html"

// readTemplates reads the templates of the frame and of areas.
func readTemplates(areas []Area) (templates, error) {
	own, err := fs.Sub(files, "template")
	if err != nil {
		return nil, fmt.Errorf("reading templates: %w", err)
	}
	layout, err := template.New("layout").ParseFS(own, layoutFile)
	if err != nil {
		return nil, fmt.Errorf("reading the layout: %w", err)
	}
	all := templates{}
	for _, area := range append([]Area{{Templates: own}}, areas...) {
		if err := all.read(layout, area.Templates); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// read adds the templates of a folder. Two areas have no pages of one name.
func (t templates) read(layout *template.Template, folder fs.FS) error {
	names, err := fs.Glob(folder, "*.html")
	if err != nil {
		return fmt.Errorf("listing templates: %w", err)
	}
	for _, file := range names {
		name := strings.TrimSuffix(file, ".html")
		if file == layoutFile {
			continue
		}
		if t[name] != nil {
			return fmt.Errorf("there are two templates %s", name)
		}
		one, err := template.Must(layout.Clone()).ParseFS(folder, file)
		if err != nil {
			return fmt.Errorf("reading %s: %w", file, err)
		}
		t[name] = one
	}
	return nil
}

// write writes a page. What a template says about an error may quote the page: it
// goes no further.
func (t templates) write(out *bytes.Buffer, name string, page any) error {
	if t[name] == nil {
		return fmt.Errorf("there is no template %s", name)
	}
	if err := t[name].ExecuteTemplate(out, "layout.html", page); err != nil {
		return &templateError{name}
	}
	return nil
}

// templateError says that a template failed.
type templateError struct{ name string }

// Error names the template.
func (e *templateError) Error() string { return "writing page " + e.name }
