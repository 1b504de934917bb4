package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"path"
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

	Header  nhsuk.Header
	Footer  nhsuk.Footer
	Message nhsuk.NotificationBanner
	Ends    string // when the session ends if nothing is done
	Hub     phone
}

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

// phone is a number to call.
type phone struct{ Name, Number string }

// Href is the address that calls the number: digits, whatever the number is.
func (p phone) Href() template.URL { return template.URL(words.Tel(p.Number)) } //nolint:gosec // see above

// dress fills in what all pages have, of who is logged in.
func (v *visit) dress(p *Page) error {
	p.Hub = phone{v.Hub.Name, v.Hub.Phone}
	w := p.Say()
	p.Header = nhsuk.Header{
		Service: nhsuk.Service{Text: w.Shell.Service, Href: "/"}, AccountLabel: w.Shell.Account,
		NavigationLabel: w.Shell.Menu, MenuText: w.Shell.More, MenuHidden: w.Shell.Browse,
	}
	p.Footer = footer(w)
	if v.session == nil {
		return nil
	}
	p.Header.Account = v.account(w)
	if !v.session.Chosen() {
		return nil
	}
	p.Header.Organisation.Name = v.Names.Name(v.session.Caller.Organisation)
	p.Header.Navigation = v.navigation(w)
	p.Ends = w.Language.Clock(v.session.IdleEnd)
	if m := v.session.Message; m.Text != "" && len(p.Problems) == 0 {
		p.Message = nhsuk.NotificationBanner{Success: m.Kind == "success", Title: w.Shell.Important, Text: m.Text}
		if p.Message.Success {
			p.Message.Title = w.Shell.Success
		}
		v.session.Message.Text = ""
		return v.Sessions.Keep(v.r.Context(), v.session)
	}
	return nil
}

// account is who is logged in, and how to be somebody else.
func (v *visit) account(w *words.Words) []nhsuk.AccountItem {
	who := v.session.Caller.Name
	if role := roleWords(v.session.Caller.Roles.String()); v.session.Chosen() {
		who += " (" + role + ")"
	}
	items := []nhsuk.AccountItem{{Text: who, Icon: true}}
	if len(v.session.Choices) > 1 {
		items = append(items, nhsuk.AccountItem{Text: w.Shell.ChangeRole, Href: "/role"})
	}
	return append(items, nhsuk.AccountItem{Text: w.Shell.LogOut, Action: "/log-out"})
}

// navigation is what the person can go to, by role.
func (v *visit) navigation(w *words.Words) []nhsuk.NavigationItem {
	items := []nhsuk.NavigationItem{{Text: "Home", Href: "/home"}}
	if v.is(Leads) {
		items = append(items, nhsuk.NavigationItem{Text: "Notices", Href: "/notices"}, nhsuk.NavigationItem{Text: "Contacts", Href: "/contacts"})
	}
	if v.is(Watchers) {
		items = append(items, nhsuk.NavigationItem{Text: "Reports", Href: "/reports"}, nhsuk.NavigationItem{Text: "Your files", Href: "/exports"})
	}
	if v.is(Clinicians) {
		items = append(items, nhsuk.NavigationItem{Text: w.LookUp.Button, Href: v.in("/look-up")})
	}
	for i := range items {
		items[i].Current = items[i].Href == v.r.URL.Path
		items[i].Active = !items[i].Current && strings.HasPrefix(v.r.URL.Path, items[i].Href+"/")
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
	}}
}

//go:embed template/*.html
var files embed.FS

// templates are the pages' templates by name, each with the layout around it.
type templates map[string]*template.Template

const layoutFile = "template/layout.html"

func readTemplates() (templates, error) {
	layout, err := template.New("layout").ParseFS(files, layoutFile)
	if err != nil {
		return nil, fmt.Errorf("reading the layout: %w", err)
	}
	names, err := fs.Glob(files, "template/*.html")
	if err != nil {
		return nil, fmt.Errorf("listing templates: %w", err)
	}
	all := templates{}
	for _, file := range names {
		if file == layoutFile {
			continue
		}
		one := template.Must(layout.Clone())
		if one, err = one.ParseFS(files, file); err != nil {
			return nil, fmt.Errorf("reading %s: %w", file, err)
		}
		all[strings.TrimSuffix(path.Base(file), ".html")] = one
	}
	return all, nil
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
