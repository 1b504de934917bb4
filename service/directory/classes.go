package directory

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"cpis/policy"
	"cpis/service/guard"
	"cpis/service/store"
)

// Directory knows the organisations and their classes. It answers from memory
// and is safe for concurrent use.
type Directory struct {
	db      *store.DB
	classes atomic.Pointer[map[string]policy.Class]
	names   atomic.Pointer[map[string]string]
	sorted  atomic.Pointer[[]string] // the authorities, by name
}

// OpenDirectory loads the organisations.
func OpenDirectory(ctx context.Context, db *store.DB) (*Directory, error) {
	d := &Directory{db: db}
	return d, d.Refresh(ctx)
}

// Class returns the class of an organisation: ODS code, or GSS code of a local
// authority.
func (d *Directory) Class(organisation string) (policy.Class, bool) {
	c, ok := (*d.classes.Load())[organisation]
	return c, ok
}

// Name returns the name of an organisation, or its code if it is not known.
func (d *Directory) Name(organisation string) string {
	return cmp.Or((*d.names.Load())[organisation], organisation)
}

// Authorities returns the GSS codes of the local authorities, by name.
func (d *Directory) Authorities() []string { return slices.Clone(*d.sorted.Load()) }

// Refresh loads the organisations anew.
func (d *Directory) Refresh(ctx context.Context) error {
	organisations, err := d.db.Directory.Organisations(ctx)
	if err != nil {
		return fmt.Errorf("loading organisations: %w", guard.Translate(err))
	}
	authorities, err := d.db.Directory.Authorities(ctx)
	if err != nil {
		return fmt.Errorf("loading authorities: %w", guard.Translate(err))
	}
	classes := make(map[string]policy.Class, len(organisations)+len(authorities))
	names := make(map[string]string, len(organisations)+len(authorities))
	for _, o := range organisations {
		classes[o.Code], names[o.Code] = policy.Class(o.Class), o.Name
	}
	for _, a := range authorities {
		classes[a.GSS], names[a.GSS] = policy.LocalAuthority, a.Name
	}
	sorted := make([]string, len(authorities))
	for i, a := range authorities {
		sorted[i] = a.GSS
	}
	slices.SortFunc(sorted, func(a, b string) int { return cmp.Or(cmp.Compare(names[a], names[b]), cmp.Compare(a, b)) })
	d.sorted.Store(&sorted)
	if old := d.classes.Load(); old == nil || !maps.Equal(*old, classes) {
		d.classes.Store(&classes)
	}
	if old := d.names.Load(); old == nil || !maps.Equal(*old, names) {
		d.names.Store(&names)
	}
	return nil
}
