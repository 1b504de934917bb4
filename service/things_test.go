package service_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpis/audit"
	"cpis/policy"
	"cpis/service"
	"cpis/service/guard"
	"cpis/service/notice"
	"cpis/service/person"
	"cpis/service/plan"
	"cpis/service/servicetest"
	"cpis/service/upload"
)

// theirs are identifiers in requests that callers chose themselves.
var theirs = map[string]bool{"EncounterID": true, "AppointmentID": true}

// A refusal says what it refused: whatever a request names by an identifier of
// ours stands in its entry, and nothing that only looks like one.
func TestRefusalsNameTheirTarget(t *testing.T) {
	t.Parallel()
	f := newService(t)
	nobody := caller("nobody", practice, policy.GeneralPractice)
	tried := 0
	rooms := reflect.ValueOf(*f.Service)
	for room := range reflect.TypeFor[service.Service]().Fields() {
		for method := range room.Type.Methods() {
			if !takesCaller(method.Type) || method.Type.NumIn() != 4 || notAsked[method.Name] {
				continue
			}
			request := method.Type.In(3).Elem()
			for field := range request.Fields() {
				if !strings.HasSuffix(field.Name, "ID") || theirs[field.Name] || field.Type.Kind() != reflect.String {
					continue
				}
				tried++
				id := guard.NewID().String()
				for sent, want := range map[string]string{strings.ToUpper(id): id, "Robin Example": "", "9990000018": ""} {
					q := reflect.New(request)
					q.Elem().FieldByIndex(field.Index).SetString(sent)
					use := rooms.FieldByIndex(room.Index).MethodByName(method.Name)
					use.Call([]reflect.Value{reflect.ValueOf(t.Context()), reflect.ValueOf(nobody), q})
					if e := f.LastEntry(); e.Outcome != "denied" || e.Target.ID != want || (e.Target.Kind == "") != (want == "") {
						t.Errorf("%s with %s %q: entry %+v", method.Name, field.Name, sent, e)
					}
				}
			}
		}
	}
	if tried < 15 {
		t.Errorf("only %d requests name something", tried)
	}
}

// A list says which things it showed, each by its identifier.
func TestListsNameWhatTheyShow(t *testing.T) {
	t.Parallel()
	f := newService(t)
	held := f.MustRegister(lead, rightCPP())
	f.MustLookUp(nurse, attended("ED-1"))
	f.MustRegister(lead, under("9990000026"))
	proposed, err := f.ProposeChange(t.Context(), servicetest.LaSystem, &person.ProposeChangeRequest{
		Kind: person.Restrict, NHSNumber: "9990000026", Reason: "moved to a refuge", Request: "propose",
	})
	if err != nil {
		t.Fatal(explain(err))
	}
	offered, err := f.ProposeTransfer(t.Context(), lead, &plan.ProposeTransferRequest{
		PlanID: held.PlanID, Version: 1, To: camden, Reason: "moves", Request: "offer",
	})
	if err != nil {
		t.Fatal(explain(err))
	}
	sent := f.MustSend(lead, delta, sheetHeader+sheetRow())
	shows := func(name, kind string, err error, ids ...string) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %s", name, explain(err))
		}
		want := []audit.Shown{{Kind: kind, IDs: ids}}
		if diff := cmp.Diff(want, f.LastEntry().Shown); diff != "" || len(ids) == 0 {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	notices, err := f.ListNotices(t.Context(), lead, &notice.InboxQuery{})
	shows("ListNotices", "notice", err, idsOf(notices.Notices, func(n notice.Notice) string { return n.ID })...)
	one, err := f.GetNotice(t.Context(), lead, &notice.GetNoticeRequest{NoticeID: notices.Notices[0].ID})
	shows("GetNotice", "notice", err, one.Notice.ID)
	_, err = f.ListTransfers(t.Context(), lead, &plan.TransferQuery{})
	shows("ListTransfers", "transfer", err, offered.TransferID)
	_, err = f.ListChanges(t.Context(), lead, &person.ChangeQuery{})
	shows("ListChanges", "proposal", err, proposed.ID)
	_, err = f.ListUploads(t.Context(), lead, &upload.ListRequest{})
	shows("ListUploads", "upload", err, sent.ID)
	colleagues, err := f.ListColleagues(t.Context(), lead, &notice.ListColleaguesRequest{})
	shows("ListColleagues", "colleague", err, idsOf(colleagues.Colleagues, func(c notice.Colleague) string { return c.ID })...)
}

func idsOf[T any](list []T, id func(T) string) []string {
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = id(list[i])
	}
	return ids
}
