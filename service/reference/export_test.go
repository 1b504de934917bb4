package reference

import "io"

// ParseOrganisations parses a register of organisations.
func ParseOrganisations(r io.Reader) ([]Organisation, error) { return parseOrganisations(r) }

// ParseAuthorities parses a register of local authorities.
func ParseAuthorities(r io.Reader) ([]Authority, error) { return parseAuthorities(r) }
