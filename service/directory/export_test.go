package directory

import (
	"cpis/service/domain"
)

// ReadContacts reads the numbers of an authority as SetContacts does.
func ReadContacts(c Numbers) (Numbers, error) {
	var check domain.Reader
	right := c.read(&check, "")
	return right, check.Err()
}
