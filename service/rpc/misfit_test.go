package rpc_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/rpc"
)

func TestUnreadableJSON_SaysWhichMembersDoNotFit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		into       proto.Message
		want       []string // field, a part of the problem, example
	}{
		{"Misspelt", `{"nhsNumber": "999", "dateOfBrith": "2019-04-30"}`, &cpisv1.LookUpRequest{}, []string{"dateOfBrith", "is not a member of LookUpRequest, which has nhsNumber, dateOfBirth, ", "dateOfBirth"}},
		{"OfAnotherSystem", `{"dob": "2019-04-30"}`, &cpisv1.LookUpRequest{}, []string{"", "has a member that is not a member of LookUpRequest, which has nhsNumber", ""}},
		{"Within", `{"encounter": {"Setting": "SETTING_DENTAL"}}`, &cpisv1.LookUpRequest{}, []string{"encounter.Setting", "is not a member of Encounter, which has id, setting, start", "setting"}},
		{"InAList", `{"items": [{}, {"number": "1"}]}`, &cpisv1.LookUpManyRequest{}, []string{"items[1].number", "is not a member of", ""}},
		{"WithDigits", `{"9990000018": "x"}`, &cpisv1.LookUpRequest{}, []string{"", "has a member that is not a member of LookUpRequest", ""}},
		{"NumberForText", `{"nhsNumber": 9990000018}`, &cpisv1.LookUpRequest{}, []string{"nhs_number", "must be a text", ""}},
		{"TextForBool", `{"openOnly": "yes"}`, &cpisv1.ListNoticesRequest{}, []string{"open_only", "must be true or false", "true"}},
		{"TextForNumber", `{"pageSize": "many"}`, &cpisv1.ListNoticesRequest{}, []string{"page_size", "must be a whole number", "1"}},
		{"NoSuchValue", `{"accessMode": "UNSCHEDULED"}`, &cpisv1.LookUpRequest{}, []string{"access_mode", "must be one of ACCESS_MODE_UNSCHEDULED, ", "ACCESS_MODE_UNSCHEDULED"}},
		{"NoTime", `{"encounter": {"start": "today"}}`, &cpisv1.LookUpRequest{}, []string{"encounter.start", "must be a time", `"2026-11-23T17:05:06Z"`}},
		{"NoObject", `[]`, &cpisv1.LookUpRequest{}, []string{"", "must be an object", "{}"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			found := rpc.Misfits(t.Context(), tt.text, tt.into)
			if len(found) != 1 || !strings.Contains(found[0].Problem, tt.want[1]) {
				t.Fatalf("got %+v, want %q", found, tt.want)
			}
			if diff := cmp.Diff([]string{tt.want[0], tt.want[2]}, []string{found[0].Field, found[0].Example}); diff != "" {
				t.Errorf("field and example (-want +got):\n%s", diff)
			}
		})
	}
}

// Whatever cannot be read, no value of it is repeated.
func FuzzUnreadableJSON(f *testing.F) {
	for _, text := range []string{`{"x": "Featherstonehaugh-9990000018"}`, `{"encounter": "9990000018"}`, `[1]`, `{`, `{"nhsNumber": 1}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, v := range rpc.Misfits(t.Context(), text, &cpisv1.LookUpRequest{}) {
			if strings.ContainsAny(v.Field, "0123456789\n\x00") || v.Problem == "" {
				t.Errorf("%q: got %+v", text, v)
			}
		}
	})
}
