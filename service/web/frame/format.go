package frame

import (
	"errors"
	"maps"
	"net/url"
	"strings"
	"time"

	"cpis/service/domain"
	"cpis/service/identity"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// Day writes the day of a time in England: 22 November 2026.
func Day(t time.Time) string { return words.English.Day(domain.LondonDay(t)) }

// Moment writes a day and a time: 22 November 2026 at 5:30pm.
func Moment(t time.Time) string { return words.English.Moment(t) }

// RoleWords names the roles of a list as the policy writes it.
func RoleWords(roles string) string {
	text := strings.Join(identity.RoleTitles(roles), " and ")
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// Heading is the h1 of a page.
func Heading(text string) nhsuk.Heading { return nhsuk.Heading{Text: text, Size: nhsuk.Large} }

// Around leads to the pages before and after. The place of the page before is kept in
// the address.
func Around(q url.Values, here, before, next string) nhsuk.Pagination {
	at := func(page, before string) string {
		q := maps.Clone(q)
		if page != "" {
			q.Set("page", page)
		}
		if before != "" {
			q.Set("before", before)
		}
		return "?" + q.Encode()
	}
	var p nhsuk.Pagination
	if here != "" {
		p.Previous = nhsuk.Neighbour{Href: at(before, "")}
	}
	if next != "" {
		p.Next = nhsuk.Neighbour{Href: at(next, here)}
	}
	return p
}

// Join joins what is there of two texts.
func Join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ", " + b
}

// Placed asks for the page that an address names; if that is none, for the first, and
// says so. A bookmark is no mistake of whoever follows it.
func Placed[T any](page *string, ask func() (T, error)) (T, error) {
	found, err := ask()
	if _, invalid := errors.AsType[*domain.InvalidError](err); invalid && *page != "" {
		*page = ""
		return ask()
	}
	return found, err
}
