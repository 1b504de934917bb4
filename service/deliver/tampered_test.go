package deliver_test

import (
	"errors"
	"testing"
	"time"

	"cpis/service/guard"
	"cpis/service/notice"
)

// Whatever is turned of what waits to be sent, nothing is sent that is not meant,
// nothing that is meant is passed over silently, and it goes on when it is put
// back.
func TestTampering_WhatWaitsToBeSent(t *testing.T) {
	t.Parallel()
	f, a := newAway(t)
	f.MustPut(lead, nowhere())
	f.MustRegister(lead, rightCPP())
	f.Attend(rightCPP().NHSNumber, 1)
	f.MustDeliver() // it is away, and the notice waits
	a.back.Store(true)
	id := f.Made(islington)[0].ID
	for _, c := range [][3]string{
		{"delivery", "state", "'delivered'"},
		{"delivery", "first_at", "first_at - interval '1 year'"},
		{"delivery", "person_id", "NULL"},
		{"delivery", "entry", "entry + 1"},
		{"notice", "kind", "'overlap'"},
		{"notice", "priority", "NOT priority"},
		{"notice", "authority", "'E06000001'"},
	} {
		f.Turned(c[0], c[1], c[2], func() {
			before := f.Damaged.Load()
			f.Clock.Advance(time.Hour)
			f.MustDeliver()
			f.VerifyAll()
			if n := len(a.got.all()); n != 0 || f.Damaged.Load() == before {
				t.Fatalf("%s.%s: %d were sent, and somebody was woken %v", c[0], c[1], n, f.Damaged.Load() != before)
			}
			if c[0] != "delivery" {
				return
			}
			if _, err := f.GetNotice(t.Context(), lead, &notice.GetNoticeRequest{NoticeID: id}); !errors.Is(err, guard.ErrDamaged) {
				t.Errorf("%s.%s: the notice says %v, want %v", c[0], c[1], err, guard.ErrDamaged)
			}
		})
	}
	f.Clock.Advance(time.Hour)
	f.MustDeliver()
	if n := len(a.got.all()); n != 1 {
		t.Errorf("put back: %d were sent, want 1", n)
	}
}

// A time far ahead, at which nothing would ever be tried, is not obeyed.
func TestTampering_NothingWaitsForEver(t *testing.T) {
	t.Parallel()
	for _, sql := range []string{
		`UPDATE cpis.delivery SET due_at = due_at + interval '100 years', attempts = 2147483647`,
		`UPDATE cpis.channel SET rests_until = $$2100-01-01$$, failures = 0`,
		`UPDATE cpis.channel SET rests_until = $$2100-01-01$$`,
	} {
		t.Run(sql, func(t *testing.T) {
			t.Parallel()
			f, a := newAway(t)
			f.MustPut(lead, nowhere())
			f.MustRegister(lead, rightCPP())
			f.Attend(rightCPP().NHSNumber, 1)
			f.MustDeliver()
			a.back.Store(true)
			f.Exec(sql)
			f.Clock.Advance(time.Hour)
			f.MustDeliver()
			if n := len(a.got.all()); n != 1 {
				t.Errorf("%d were sent, want 1", n)
			}
		})
	}
}

// Whoever says that an authority's notices were given to channels when they were
// not wakes somebody; put back, they are given.
func TestTampering_HowFarNoticesWereGiven(t *testing.T) {
	t.Parallel()
	f, a := newAway(t)
	a.back.Store(true)
	f.MustPut(lead, nowhere())
	f.MustRegister(lead, rightCPP())
	f.Turned("dispatched", "entry", "entry + 1000000", func() {
		f.Attend(rightCPP().NHSNumber, 1)
		f.MustDeliver()
		if n := len(a.got.all()); n != 0 || f.Damaged.Load() == 0 {
			t.Errorf("%d were sent, and somebody was woken %v", n, f.Damaged.Load() != 0)
		}
	})
	f.MustDeliver()
	if n := len(a.got.all()); n != 1 {
		t.Errorf("put back: %d were sent, want 1", n)
	}
}

// A notice that is turned before any channel has it is given to none, and holds
// up no other.
func TestTampering_NoticesThatNobodyWasGiven(t *testing.T) {
	t.Parallel()
	f, a := newAway(t)
	a.back.Store(true)
	f.MustPut(lead, nowhere())
	f.MustRegister(lead, rightCPP())
	f.Attend(rightCPP().NHSNumber, 2)
	turned := f.Made(islington)[0].ID
	f.Exec(`UPDATE cpis.notice SET kind = 'overlap' WHERE id = $1`, turned)
	f.MustDeliver()
	if n := len(a.got.all()); n != 1 || f.Damaged.Load() == 0 || len(f.Deliveries(turned)) != 0 {
		t.Errorf("%d were sent, and somebody was woken %v", n, f.Damaged.Load() != 0)
	}
}
