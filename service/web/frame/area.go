package frame

import (
	"io/fs"
	"slices"

	"cpis/service/web/words"
)

// Area is what pages there are for some kind of user.
type Area struct {
	Who       Who // whose menu and home page name it
	Routes    []Route
	Templates fs.FS // of its pages: page.html is that of "page"
	Menu      []Item
	Ways      []Way              // what it adds to the home page
	Home      func(*Visit) error // its own home page, if Ways do not say enough; it shows those of all areas
}

// Item is a line of the menu.
type Item struct {
	Text func(*words.Words) string
	Href string
	Who  Who // if it is not for all whom the area is for
}

// Menu is a menu in English, of texts and the addresses that each leads to.
func Menu(lines ...Line) []Item {
	var all []Item
	for _, l := range lines {
		all = append(all, Item{Text: func(*words.Words) string { return l.Text }, Href: l.Href})
	}
	return all
}

// Line is a line of a menu that is there in English only.
type Line struct{ Text, Href string }

// Way is something that somebody can do, as the home page offers it.
type Way struct {
	Text, Href, About string
	Who               Who // if it is not for all whom the area is for
}

// Ways are those of an area that are for whoever is logged in.
func (v *Visit) Ways(a *Area) []Way {
	return slices.DeleteFunc(slices.Clone(a.Ways), func(w Way) bool { return w.Who != "" && !v.Is(w.Who) })
}

// Offered returns an address if there is a page, otherwise nothing: areas lead to each
// other's pages only as far as those are there.
func (v *Visit) Offered(path string) string { return v.back(path) }

// Areas returns those that are for whoever is logged in.
func (v *Visit) Areas() []Area {
	var all []Area
	for _, a := range v.areas {
		if v.Is(a.Who) {
			all = append(all, a)
		}
	}
	return all
}
