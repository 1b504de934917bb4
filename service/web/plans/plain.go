package plans

import (
	"errors"

	"cpis/service/domain"
)

// plain is an error whose fields are named as the fields of pages are: without saying
// that they are a person's, or a child's.
func plain(err error, prefixes ...string) error {
	invalid, ok := errors.AsType[*domain.InvalidError](err)
	if !ok {
		return err
	}
	return &domain.InvalidError{Violations: plainly(invalid.Violations, prefixes...)}
}
