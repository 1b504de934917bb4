package servicetest

import (
	"testing"

	"cpis/service/domain"
)

// Day reads a date that is known to be right; empty means none.
func Day(tb testing.TB, text string) domain.Date {
	tb.Helper()
	if text == "" {
		return domain.Date{}
	}
	d, err := domain.ParseDate(text)
	if err != nil {
		tb.Fatalf("date %q: %v", text, err)
	}
	return d
}

// RightCPP is a registration with nothing wrong, as are those of [RightLAC] and
// [RightUCPP].
func RightCPP() *domain.Registration {
	return &domain.Registration{
		NHSNumber: "999 000 0018", Family: "Example", Given: "Robin", DateOfBirth: "2019-04-30",
		Kind: domain.CPP, Start: "2026-09-01", Reference: "CASE-1042",
	}
}

// RightLAC is a registration of a looked-after child that is right.
func RightLAC() *domain.Registration {
	r := RightCPP()
	r.Kind, r.Basis = domain.LAC, domain.S20
	return r
}

// RightUCPP is a registration for an unborn child that is right.
func RightUCPP() *domain.Registration {
	return &domain.Registration{
		NHSNumber: "9990000026", Family: "Example", Given: "Alex", DateOfBirth: "1998-04-30",
		Kind: domain.UCPP, Start: "2026-09-01", Expected: "2027-02-01",
	}
}

// With changes a registration.
func With(r *domain.Registration, change func(*domain.Registration)) *domain.Registration {
	change(r)
	return r
}
