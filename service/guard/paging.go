package guard

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"cpis/service/domain"
)

// Paging asks for a part of a list.
type Paging struct {
	Size int    // at most; 50 if 0
	Page string // where to go on: Next of the part before; empty at the beginning
}

// ProblemPage says that a text is no place in a list.
const ProblemPage = "must be the next_page of the previous answer"

const (
	defaultPage = 50
	maxPage     = 200
)

// ReadSize reads how many rows a part may have, of which there are so many at
// most.
func ReadSize(c *domain.Reader, size, most int) int {
	if size < 0 || size > most {
		c.Add("page_size", "must be 0 to "+strconv.Itoa(most), strconv.Itoa(defaultPage))
	}
	if size == 0 {
		return defaultPage
	}
	return size
}

// Read reads a Paging of a list that is ordered by identifiers, and begins after
// first, or before it.
func (p Paging) Read(c *domain.Reader, first uuid.UUID) (size int, from uuid.UUID) {
	size, from = ReadSize(c, p.Size, maxPage), first
	if p.Page != "" {
		var err error
		if from, err = uuid.Parse(p.Page); err != nil {
			c.Add("page", ProblemPage, "")
		}
	}
	return size, from
}

// Next says where to go on after a part that ends with last: nowhere if fewer came
// than were asked for, because nothing follows.
func Next(came, asked int, last uuid.UUID) string {
	if came < asked {
		return ""
	}
	return last.String()
}

// errPlace says that a text is no place in a list.
var errPlace = errors.New("not a place that was given")

// DecodePlace decodes a place in a list, of which there is one form only: the
// library passes over line breaks.
func DecodePlace(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, errPlace
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, errPlace
	}
	return b, nil
}

// EncodePlace encodes a place in a list.
func EncodePlace(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
