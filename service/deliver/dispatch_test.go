package deliver_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/service/deliver"
	"cpis/service/domain"
)

// webhookTo is a new channel to a receiver.
func webhookTo(r *receiver, rank int) *deliver.PutChannelRequest {
	return &deliver.PutChannelRequest{Kind: deliver.WebhookChannel, To: r.URL(), Rank: rank}
}

// wantAll checks that a receiver has got all notices, and those of each person
// in order: told by their ids, however often they came.
func wantAll(tb testing.TB, r *receiver, want []made) {
	tb.Helper()
	order := map[string][]string{} // of each person
	for _, m := range want {
		order[m.Person] = append(order[m.Person], m.ID)
	}
	person := map[string]string{}
	for _, m := range want {
		person[m.ID] = m.Person
	}
	got := map[string][]string{}
	seen := map[string]bool{}
	for _, d := range r.Taken() {
		if !seen[d.ID] {
			got[person[d.ID]] = append(got[person[d.ID]], d.ID)
		}
		seen[d.ID] = true
	}
	if diff := cmp.Diff(order, got); diff != "" {
		tb.Errorf("delivered, by person (-want +got):\n%s", diff)
	}
}

// Whatever happens to a receiver, it gets every notice in the end, each person's
// in order, and those that it took not again.
func TestDeliver_EveryNoticeArrives(t *testing.T) {
	t.Parallel()
	f, a := newSending(t)
	r := newReceiver(t, a)
	channel := f.MustPut(lead, webhookTo(r, 1))
	f.MustRegister(lead, rightCPP())
	f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.NHSNumber = another }))
	elsewhere := newReceiver(t, a)
	for _, trouble := range []struct {
		word       string
		begin, end func()
	}{
		{"refused", r.Down, r.Up},
		{"timeout", func() { r.Behave(r.Silent) }, func() { r.Behave(nil) }},
		{"certificate", func() { r.Mislead(true) }, func() { r.Mislead(false) }},
		{"status_500", func() { r.Behave(status(http.StatusInternalServerError)) }, func() { r.Behave(nil) }},
		{"status_410", func() { r.Behave(status(http.StatusGone)) }, func() { r.Behave(nil) }},
		{"redirect", func() {
			r.Behave(func(w http.ResponseWriter, req *http.Request) {
				http.Redirect(w, req, elsewhere.URL(), http.StatusTemporaryRedirect)
			})
		}, func() { r.Behave(nil) }},
	} {
		before := len(r.Taken())
		trouble.begin()
		f.Attend(rightCPP().NHSNumber, 2)
		f.Attend(another, 2)
		f.MustDeliver()
		if got := len(r.Taken()) - before; got != 0 {
			t.Errorf("%s: %d messages arrived", trouble.word, got)
		}
		all := f.Made(islington)
		for i, m := range all[len(all)-4:] {
			want := []delivery{{Channel: channel.ChannelID, State: "pending", Failure: "", Attempts: 0}} // waits behind an earlier one
			if i%2 == 0 {
				want[0].Attempts, want[0].Failure = 1, trouble.word
			}
			if diff := cmp.Diff(want, f.Deliveries(m.ID)); diff != "" {
				t.Errorf("%s, notice %d (-want +got):\n%s", trouble.word, i, diff)
			}
		}
		f.MustDeliver() // it is not tried again so soon
		trouble.end()
		f.Settle()
	}
	wantAll(t, r, f.Made(islington))
	if got, want := len(r.Taken()), 24; got != want {
		t.Errorf("%d messages arrived, want %d", got, want)
	}
	if n := len(elsewhere.Taken()); n > 0 {
		t.Errorf("a redirect was followed %d times", n)
	}
	for _, d := range r.Taken() {
		kind, notice, priority := d.Reference(t)
		if kind != "unscheduled_access" || notice != d.ID || priority || !d.Verifies(t, channel.Secret) {
			t.Errorf("message %s of %s: signed %v", d.Body, d.ID, d.Verifies(t, channel.Secret))
		}
	}
}

// Nothing about anybody is in a webhook, in whatever part of it.
func TestDeliver_WebhooksNameNobody(t *testing.T) {
	t.Parallel()
	f, a := newSending(t)
	r := newReceiver(t, a)
	f.MustPut(lead, webhookTo(r, 1))
	child := rightCPP()
	f.MustRegister(lead, child)
	f.Attend(child.NHSNumber, 1)
	f.MustDeliver()
	for _, d := range r.Taken() {
		text := string(d.Body) + fmt.Sprint(d.Header)
		for _, personal := range []string{child.NHSNumber, child.Family, child.Given, child.DateOfBirth, child.Reference, trust, "nurse"} {
			if personal != "" && strings.Contains(text, personal) {
				t.Errorf("webhook holds %q: %s", personal, text)
			}
		}
	}
	if len(r.Taken()) != 1 {
		t.Fatalf("%d messages arrived, want 1", len(r.Taken()))
	}
	e := f.LastEntry()
	if e.Action != "deliver_notice" || e.Organisation != islington || e.Request != r.Taken()[0].ID || e.Outcome != "done" || e.Subject != nil {
		t.Errorf("last entry: %+v", e)
	}
}

// A day long both secrets sign, then the new one alone.
func TestDeliver_SecretsRotate(t *testing.T) {
	t.Parallel()
	f, a := newSending(t)
	r := newReceiver(t, a)
	channel := f.MustPut(lead, webhookTo(r, 1))
	f.MustRegister(lead, rightCPP())
	rotated, err := f.RotateSecret(t.Context(), lead, &deliver.RotateSecretRequest{ChannelID: channel.ChannelID, Version: channel.Version})
	if err != nil {
		t.Fatalf("RotateSecret: %s", explain(err))
	}
	if rotated.Secret == channel.Secret || !rotated.OldUntil.Equal(noon.Add(24*time.Hour)) || rotated.Version != 2 {
		t.Errorf("rotated: %+v", rotated)
	}
	for _, at := range []struct {
		after time.Duration
		old   bool
	}{{0, true}, {24*time.Hour - time.Second, true}, {24 * time.Hour, false}} {
		f.Clock.Set(noon.Add(at.after))
		f.Attend(rightCPP().NHSNumber, 1)
		f.MustDeliver()
		d := slices.Concat(r.Taken())[len(r.Taken())-1]
		if !d.Verifies(t, rotated.Secret) || d.Verifies(t, channel.Secret) != at.old {
			t.Errorf("after %v: signed with the new one %v, with the old one %v, want %v",
				at.after, d.Verifies(t, rotated.Secret), d.Verifies(t, channel.Secret), at.old)
		}
		if got, want := d.Header.Get("Webhook-Timestamp"), fmt.Sprint(f.Clock.Now().Unix()); got != want {
			t.Errorf("timestamp %s, want %s", got, want)
		}
	}
}

// What cannot be delivered for three days goes to the next channel, and where
// none is left it is shown as undelivered.
func TestDeliver_GoesToTheNextChannelAfterThreeDays(t *testing.T) {
	t.Parallel()
	f, a := newSending(t)
	first, second := newReceiver(t, a), newReceiver(t, a)
	one, two := f.MustPut(lead, webhookTo(first, 1)), f.MustPut(lead, webhookTo(second, 5))
	f.MustRegister(lead, rightCPP())
	first.Behave(status(http.StatusServiceUnavailable))
	f.Attend(rightCPP().NHSNumber, 1)
	notice := f.Made(islington)[0].ID
	for f.Clock.Now().Before(noon.Add(72*time.Hour - time.Second)) {
		f.MustDeliver()
		f.Clock.Advance(4 * time.Hour)
	}
	f.Clock.Set(noon.Add(72*time.Hour - time.Second))
	f.MustDeliver()
	if n := len(second.Taken()); n != 0 {
		t.Fatalf("the second channel had it before three days were over")
	}
	f.Clock.Set(noon.Add(72 * time.Hour))
	f.MustDeliver()
	f.MustDeliver()
	got := f.Deliveries(notice)
	if len(got) != 2 || got[0].State != "undelivered" || got[0].Failure != "status_503" || got[0].Channel != one.ChannelID ||
		got[1] != (delivery{Channel: two.ChannelID, State: "delivered", Failure: "", Attempts: 1}) {
		t.Fatalf("deliveries: %+v", got)
	}
	if len(second.Taken()) != 1 || f.Undelivered(notice) {
		t.Errorf("the second channel got %d, undelivered %v", len(second.Taken()), f.Undelivered(notice))
	}

	second.Down()
	f.Attend(rightCPP().NHSNumber, 1)
	last := f.Made(islington)[1].ID
	f.Settle()
	if !f.Undelivered(last) || f.Pending() != 0 {
		t.Errorf("undelivered %v, %d wait", f.Undelivered(last), f.Pending())
	}
	for _, d := range f.Deliveries(last) {
		if d.State != "undelivered" {
			t.Errorf("delivery: %+v", d)
		}
	}
	list, err := f.ListChannels(t.Context(), lead, &deliver.ListChannelsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if c := list.Channels; len(c) != 2 || c[0].Undelivered != 2 || c[1].Undelivered != 1 || c[1].To != second.URL() {
		t.Errorf("channels: %+v", c)
	}
}
