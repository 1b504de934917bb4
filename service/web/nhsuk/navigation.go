package nhsuk

import (
	"cmp"
	"html/template"
	"slices"
	"strconv"
)

// A SkipLink leads past the header.
type SkipLink struct {
	ID      string
	Text    string // "Skip to main content" if nothing is said
	Href    string // "#maincontent" if nothing is said
	Classes string
}

// HTML writes the link.
func (s SkipLink) HTML() (template.HTML, error) {
	s.Text = cmp.Or(s.Text, "Skip to main content")
	s.Href = cmp.Or(s.Href, "#maincontent")
	return render("skip-link", s)
}

// A Crumb is a page above.
type Crumb struct {
	Text string
	Href string
	Lang string // if it is not the page's
}

// A Breadcrumb shows the pages above, and on phones the last of them only.
type Breadcrumb struct {
	ID       string
	Label    string // "Breadcrumb" if nothing is said
	Crumbs   []Crumb
	BackLink BackLink // to the last crumb if nothing is said
	Reverse  bool     // on blue
	Classes  string
}

// HTML writes the breadcrumb.
func (b Breadcrumb) HTML() (template.HTML, error) {
	b.Label = cmp.Or(b.Label, "Breadcrumb")
	back := &b.BackLink
	back.Hidden = cmp.Or(back.Hidden, "Back to")
	back.Reverse = back.Reverse || b.Reverse
	if len(b.Crumbs) > 0 {
		last := b.Crumbs[len(b.Crumbs)-1]
		back.Text, back.Href, back.Lang = cmp.Or(back.Text, last.Text), cmp.Or(back.Href, last.Href), cmp.Or(back.Lang, last.Lang)
	}
	return render("breadcrumb", b)
}

// A Neighbour is the page before or after. Without Href there is none.
type Neighbour struct {
	Text  string // "Previous page" or "Next page" if nothing is said
	Label string // what is there
	Href  string
}

// A PageLink is one of numbered pages. Without Number it stands for those left out.
type PageLink struct {
	Number  int
	Href    string
	Label   string // "Page 3" if nothing is said
	Current bool
}

// A Pagination leads to the other pages of a list.
type Pagination struct {
	ID             string
	Label          string // "Pagination" if nothing is said
	Previous, Next Neighbour
	Pages          []PageLink
	Classes        string
}

// HTML writes the links.
func (p Pagination) HTML() (template.HTML, error) {
	p.Label = cmp.Or(p.Label, "Pagination")
	p.Pages = slices.Clone(p.Pages)
	for i, page := range p.Pages {
		p.Pages[i].Label = cmp.Or(page.Label, "Page "+strconv.Itoa(page.Number))
	}
	return render("pagination", p)
}

// A Content is a line of a contents list.
type Content struct {
	Text    string
	Href    string
	Current bool
	Below   []Content
}

// A ContentsList leads through the pages of a guide.
type ContentsList struct {
	ID       string
	Label    string // "Pages in this guide" if nothing is said
	Title    string // to screen readers; "Contents" if nothing is said
	Contents []Content
	Classes  string
}

// HTML writes the list.
func (c ContentsList) HTML() (template.HTML, error) {
	c.Label = cmp.Or(c.Label, "Pages in this guide")
	c.Title = cmp.Or(c.Title, "Contents")
	return render("contents-list", c)
}

// A Logo is that of the NHS, which only its bodies may show.
type Logo struct {
	Shown bool
	Href  string
	Alt   string // "NHS" if nothing is said
}

// Service is the name of the service, which leads to its first page.
type Service struct {
	Text string
	Href string
}

// Organisation is the name beside the logo.
type Organisation struct {
	Name       string
	Split      string // its second line
	Descriptor string
}

// HeaderSearch is a search in the header. Without Action there is none. A search
// for people posts.
type HeaderSearch struct {
	Action      string
	Method      string // "get" if nothing is said
	Name        string // "q" if nothing is said
	Label       string
	Button      string // "Search" if nothing is said
	Placeholder string // "Search" if nothing is said
}

// Input is the field of the search with its button.
func (h HeaderSearch) Input() Input {
	return Input{
		ID: "search-field", Name: cmp.Or(h.Name, "q"), Type: "search", Autocomplete: "off", Placeholder: cmp.Or(h.Placeholder, "Search"),
		Label: Label{Text: h.Label, Classes: "nhsuk-u-visually-hidden"},
		After: Button{Label: cmp.Or(h.Button, "Search"), Icon: Search, Small: true},
	}
}

// An AccountItem says who is logged in, or is a link or (with Action) a button
// about that.
type AccountItem struct {
	Text   string
	Href   string
	Action string // where its form posts to
	Icon   bool
}

// A NavigationItem is a part of the service.
type NavigationItem struct {
	Text    string
	Href    string
	Current bool // is the page itself
	Active  bool // has the page
}

// A Header stands on top of each page.
type Header struct {
	ID           string
	Logo         Logo
	Service      Service
	Organisation Organisation
	Search       HeaderSearch
	Account      []AccountItem
	AccountLabel string // "Account" if nothing is said
	Navigation   []NavigationItem
	// What the navigation says; English if nothing is said.
	NavigationLabel, MenuText, MenuHidden string
	NavigationWhite, Justified            bool
	White, Inline                         bool
	Classes                               string
}

// HTML writes the header.
func (h Header) HTML() (template.HTML, error) {
	h.Logo.Alt = cmp.Or(h.Logo.Alt, "NHS")
	h.Search.Method = cmp.Or(h.Search.Method, "get")
	h.AccountLabel = cmp.Or(h.AccountLabel, "Account")
	h.NavigationLabel = cmp.Or(h.NavigationLabel, "Menu")
	h.MenuText, h.MenuHidden = cmp.Or(h.MenuText, "More"), cmp.Or(h.MenuHidden, "Browse")
	return render("header", h)
}

// OneLink reports whether logo and name lead to the same page, in one link.
func (h Header) OneLink() bool {
	if h.Service.Text == "" || h.Service.Href == "" {
		return false
	}
	return h.Logo.Href == "" || h.Logo.Href == h.Service.Href
}

// A FooterLink leads to what is said about the service.
type FooterLink struct {
	Text string
	Href string
}

// A FooterGroup is a column of links.
type FooterGroup struct {
	Heading string
	Width   string // such as "one-half"; by the number of columns if nothing is said
	Body    Component
	Links   []FooterLink
}

// A Footer stands at the end of each page, with the same help in the same place.
type Footer struct {
	ID         string
	Groups     []FooterGroup
	Columns    int // 4 if nothing is said
	Links      []FooterLink
	LinksTitle string // to screen readers; "Support links" if nothing is said
	Text       string
	Body       Component // instead of Text
	Copyright  string
	Classes    string
}

// HTML writes the footer.
func (f Footer) HTML() (template.HTML, error) {
	f.LinksTitle = cmp.Or(f.LinksTitle, "Support links")
	f.Columns = cmp.Or(f.Columns, 4)
	f.Groups = slices.Clone(f.Groups)
	for i, g := range f.Groups {
		f.Groups[i].Width = cmp.Or(g.Width, footerWidth(f.Columns))
	}
	return render("footer", f)
}

// Rows are the groups that stand beside each other.
func (f Footer) Rows() [][]FooterGroup {
	return slices.Collect(slices.Chunk(f.Groups, f.Columns))
}

func footerWidth(columns int) string {
	switch columns {
	case 1:
		return "full"
	case 2:
		return "one-half"
	case 3:
		return "one-third"
	}
	return "one-quarter"
}
