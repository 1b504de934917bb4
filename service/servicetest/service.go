package servicetest

import (
	"strings"
	"testing"

	"cpis/service/domain"
	"cpis/service/lookup"
	"cpis/service/store"
)

// Another is an NHS number of somebody else.
const Another = "9990000034"

// Spoil runs SQL as a superuser. Of the two parameters, it may leave out $2.
func (f *lifeSteps) Spoil(sql string, first, second any) {
	f.TB.Helper()
	if strings.Contains(sql, "$2") {
		f.all.Exec(sql, first, second)
		return
	}
	f.all.Exec(sql, first)
}

// ForgetKeys empties the cache of data keys.
func (f *lifeSteps) ForgetKeys() {
	f.TB.Helper()
	rows, err := f.DB.People.After(f.TB.Context(), [16]byte{}, 100)
	if err != nil {
		f.TB.Fatalf("listing persons: %v", err)
	}
	for _, p := range rows {
		f.Ring.Forget("person/" + p.ID.String())
	}
}

// NoticesTo returns whom an authority was told about, and how.
func (f *lifeSteps) NoticesTo(authority string) []store.NoticeRow {
	f.TB.Helper()
	rows, err := f.DB.Notices.Newest(f.TB.Context(), authority, 100)
	if err != nil {
		f.TB.Fatalf("reading notices: %v", err)
	}
	return rows
}

// OnlyHub reports an answer whose contacts are not the hub's alone.
func OnlyHub(t *testing.T, name string, a *lookup.Answer) {
	t.Helper()
	if len(a.Contacts) != 1 || a.Contacts[0].RingNow.Number != HubPhone || a.Contacts[0].Authority != (domain.Authority{}) {
		t.Errorf("%s: got contacts %+v, want the hub's alone", name, a.Contacts)
	}
}

// Tamper runs SQL as a superuser. Of the parameters it may leave out either.
func (f *lifeSteps) Tamper(sql string, tag []byte, plan string) {
	f.TB.Helper()
	switch {
	case strings.Contains(sql, "$2"):
		f.all.Exec(strings.ReplaceAll(sql, "$2", "$1"), plan)
	case strings.Contains(sql, "$1"):
		f.all.Exec(sql, tag)
	default:
		f.all.Exec(sql)
	}
}
