package main

import (
	"context"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
	"cpis/service/rpc"
)

// authority stands for the service: it keeps what it was asked, and answers as
// the test wants.
type authority struct {
	cpisv1connect.UnimplementedPlanServiceHandler
	cpisv1connect.UnimplementedNoticeServiceHandler
	cpisv1connect.UnimplementedContactServiceHandler
	cpisv1connect.UnimplementedEncounterServiceHandler

	mu    sync.Mutex
	asked []proto.Message
	ids   []string // X-Request-ID of each
	errs  []error  // given one after the other, before any answer
	plan  *cpisv1.GetPlanResponse
	plans *cpisv1.ListPlansResponse
	watch [][]*cpisv1.WatchNoticesResponse // the streams, one after the other
}

// ask notes what was asked.
func (a *authority) ask(ctx context.Context, m proto.Message) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	info, _ := connect.CallInfoForServerContext(ctx)
	a.asked, a.ids = append(a.asked, proto.Clone(m)), append(a.ids, info.RequestHeader().Get("X-Request-ID"))
	if len(a.errs) == 0 {
		return nil
	}
	err := a.errs[0]
	a.errs = a.errs[1:]
	return err
}

func (a *authority) RegisterPlan(ctx context.Context, m *cpisv1.RegisterPlanRequest) (*cpisv1.RegisterPlanResponse, error) {
	return &cpisv1.RegisterPlanResponse{PlanId: "plan-1", Version: 1}, a.ask(ctx, m)
}

func (a *authority) AmendPlan(ctx context.Context, m *cpisv1.AmendPlanRequest) (*cpisv1.AmendPlanResponse, error) {
	return &cpisv1.AmendPlanResponse{Version: 3}, a.ask(ctx, m)
}

func (a *authority) GetPlan(ctx context.Context, m *cpisv1.GetPlanRequest) (*cpisv1.GetPlanResponse, error) {
	return a.plan, a.ask(ctx, m)
}

func (a *authority) ListPlans(ctx context.Context, m *cpisv1.ListPlansRequest) (*cpisv1.ListPlansResponse, error) {
	return a.plans, a.ask(ctx, m)
}

func (a *authority) EndPlan(ctx context.Context, m *cpisv1.EndPlanRequest) (*cpisv1.EndPlanResponse, error) {
	return &cpisv1.EndPlanResponse{Version: 2}, a.ask(ctx, m)
}

func (a *authority) ProposeTransfer(ctx context.Context, m *cpisv1.ProposeTransferRequest) (*cpisv1.ProposeTransferResponse, error) {
	return &cpisv1.ProposeTransferResponse{TransferId: "transfer-1"}, a.ask(ctx, m)
}

func (a *authority) ProposeChange(ctx context.Context, m *cpisv1.ProposeChangeRequest) (*cpisv1.ProposeChangeResponse, error) {
	return &cpisv1.ProposeChangeResponse{ChangeId: "change-2"}, a.ask(ctx, m)
}

func (a *authority) RecordBirth(ctx context.Context, m *cpisv1.RecordBirthRequest) (*cpisv1.RecordBirthResponse, error) {
	return &cpisv1.RecordBirthResponse{Version: 2}, a.ask(ctx, m)
}

func (a *authority) PutChannel(ctx context.Context, m *cpisv1.PutChannelRequest) (*cpisv1.PutChannelResponse, error) {
	return &cpisv1.PutChannelResponse{ChannelId: "channel-1", Version: 1, Secret: "whsec_x"}, a.ask(ctx, m)
}

func (a *authority) WatchNotices(
	ctx context.Context, m *cpisv1.WatchNoticesRequest, stream cpisv1connect.NoticeServiceWatchNoticesServerStream,
) error {
	if err := a.ask(ctx, m); err != nil {
		return err
	}
	a.mu.Lock()
	var now []*cpisv1.WatchNoticesResponse
	if len(a.watch) > 0 {
		now, a.watch = a.watch[0], a.watch[1:]
	}
	a.mu.Unlock()
	for _, m := range now {
		if err := stream.Send(m); err != nil {
			return err
		}
	}
	return nil
}

func (a *authority) ReportMissedAppointment(
	ctx context.Context, m *cpisv1.ReportMissedAppointmentRequest,
) (*cpisv1.ReportMissedAppointmentResponse, error) {
	return &cpisv1.ReportMissedAppointmentResponse{}, a.ask(ctx, m)
}

// serve serves the authority, and returns how a command reaches it.
func (a *authority) serve(t *testing.T) []string {
	t.Helper()
	s := httptest.NewServer(rpc.NewBare(time.Now, func(server *connect.Server) {
		cpisv1connect.RegisterPlanServiceHandler(server, a)
		cpisv1connect.RegisterNoticeServiceHandler(server, a)
		cpisv1connect.RegisterContactServiceHandler(server, a)
		cpisv1connect.RegisterEncounterServiceHandler(server, a)
	}))
	t.Cleanup(s.Close)
	return []string{"--url", s.URL, "--token-file", tokenFile(t, "a-token")}
}

// wants checks what was asked last.
func (a *authority) wants(t *testing.T, want proto.Message) {
	t.Helper()
	if len(a.asked) == 0 {
		t.Fatal("nothing was asked")
	}
	if diff := cmp.Diff(want, a.asked[len(a.asked)-1], protocmp.Transform()); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestVerbs_AreTheContract(t *testing.T) {
	t.Parallel()
	called := map[protoreflect.FullName]bool{
		"cpis.v1.UploadService.Upload":         true, // by cpis upload send
		"cpis.v1.ExportService.DownloadExport": true, // by cpis report download
		"cpis.v1.UploadService.DownloadResult": true, // by cpis upload result
	}
	for _, g := range groups {
		for _, v := range g.verbs {
			called[contract.Append(protoreflect.Name(v.of(&g))).Append(protoreflect.Name(v.method))] = true
			if v.columns == "" {
				continue
			}
			answer := (&verbCmd{}).message(methodOf(v.of(&g), v.method).Output())
			list := listIn(answer.ProtoReflect())
			for path := range strings.FieldsSeq(v.columns) {
				cellAt(list.NewElement().Message(), strings.Split(path, ".")) // panics where there is no such column
			}
		}
	}
	protoregistry.GlobalFiles.RangeFilesByPackage(contract, func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			s := file.Services().Get(i)
			for j := range s.Methods().Len() {
				m := s.Methods().Get(j)
				if !called[m.FullName()] && s.Name() != "LookupService" && s.Name() != "LogService" {
					t.Errorf("no command calls %s", m.FullName())
				}
			}
		}
		return true
	})
}

func TestVerbs_EveryFlagHasItsHelp(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for _, g := range groups {
		for _, command := range verbsOf(g.name).Verbs {
			c := verbIn(command)
			for _, f := range c.fields {
				used[f.flag()], used[c.verb.method+" "+f.flag()] = true, true
				if !f.personal() && flagHelp[f.flag()] == "" {
					t.Errorf("cpis %s %s: --%s has no help", g.name, c.verb.name, f.flag())
				}
			}
		}
	}
	for flag := range flagHelp {
		if !used[flag] {
			t.Errorf("there is no --%s", flag)
		}
	}
}

func TestVerbs_TakeNobodyFromTheCommandLine(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"plan register --person.nhs-number 9990000018", "plan register --nhs-number 9990000018", "plan person 9990000018",
		"plan birth p --born 2026-11-20", "plan amend p --family-name Example", "encounter missed --date-of-birth 2019-04-30",
		"plan replace-number --old-nhs-number 9990000018", "plan propose --from-nhs-number 9990000018",
	} {
		if o := command(t, "", strings.Fields(line)...); o.status != 2 {
			t.Errorf("cpis %s: got status %d, want 2", line, o.status)
		}
	}
}

// Columns of one table have heads that tell them apart.
func TestVerbs_NoTwoColumnsHaveOneName(t *testing.T) {
	t.Parallel()
	for _, g := range groups {
		for _, v := range g.verbs {
			if v.columns == "" {
				continue
			}
			answer := (&verbCmd{}).message(methodOf(v.of(&g), v.method).Output()).ProtoReflect()
			heads := headsOf(listIn(answer).NewElement().Message().Descriptor(), strings.Fields(v.columns))
			slices.Sort(heads)
			if unique := slices.Compact(slices.Clone(heads)); len(unique) != len(heads) {
				t.Errorf("cpis %s %s: %q", g.name, v.name, heads)
			}
		}
	}
}

// What is said in other words than the contract's is in the contract.
func TestSaidAs_NamesFieldsOfTheContract(t *testing.T) {
	t.Parallel()
	for name := range saidAs {
		if _, err := protoregistry.GlobalFiles.FindDescriptorByName(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPrintBlock_IsAsReviewed(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	at := timestamppb.New(time.Date(2026, 11, 23, 17, 5, 6, 0, time.UTC))
	receipt := &cpisv1.Receipt{Log: "cpis.example.org/log/1", Index: 7}
	for _, m := range []proto.Message{
		&cpisv1.GetQualityReportResponse{
			ValidNumbersPercent: 99.96666666666667, GoLivePercent: 95, DaysSince: -1, ContactsDays: -1, Active: 409,
			Rejected: []*cpisv1.ReasonCount{{Field: "nhs_number", Code: "CPR04", Problem: "is not an NHS number", Rows: 2}}, Receipt: receipt,
		},
		&cpisv1.GetQualityReportResponse{ValidNumbersPercent: -1, LastApplied: at},
		&cpisv1.GetContactsResponse{
			LocalAuthority: &cpisv1.LocalAuthority{GssCode: "E09000007", DfeCode: "202", Name: "Camden"},
			Contacts:       &cpisv1.Contacts{DutyPhone: "020 7946 0112"}, Version: 2, Confirmed: at,
		},
		&cpisv1.GetPersonResponse{
			Person:     &cpisv1.Person{NhsNumber: "9990000018", FamilyName: "Exa\x1bmple", GivenName: "Robin", DateOfBirth: "2019-04-30"},
			Plans:      []*cpisv1.OwnPlan{{Id: "plan-1", Version: 2, Kind: cpisv1.PlanKind_PLAN_KIND_CPP, Start: "2026-05-12"}},
			Restricted: true, Receipt: receipt,
		},
		&cpisv1.GetNoticeResponse{
			Notice: &cpisv1.Notice{Id: "notice-1", Kind: cpisv1.NoticeKind_NOTICE_KIND_BREAK_GLASS, Priority: true, At: at, PlanIds: []string{"a", "b"}},
			Acts: []*cpisv1.NoticeAct{
				{Change: &cpisv1.Change{Act: "acknowledge", Actor: "555", At: at}, Outcome: cpisv1.AcknowledgeOutcome_ACKNOWLEDGE_OUTCOME_OTHER},
			},
		},
		&cpisv1.GetUploadRulesResponse{Rules: &cpisv1.UploadRules{MaxNew: 7, BrakePercent: 5}},
	} {
		if err := printBlock(&out, m); err != nil {
			t.Fatal(err)
		}
		out.WriteString("----\n")
	}
	golden(t, "blocks.golden", out.String())
}

func TestVerbs_SayWhatIsWrongWithAFlag(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"plan list --kind child":                        "--kind must be one of cpp, lac, ucpp",
		"plan end p --version 1 --end 11/22/2026":       "--end has no such month: the day comes first",
		"plan end p --version 1 --end 22/11/26":         "--end must have a year of four digits",
		"plan transfer p --to Cam":                      "--to fits several local authorities: Cambridgeshire (E10000003), Camden (E09000007)",
		"plan transfer p --to Atlantis":                 "--to must be a local authority",
		"plan end p --version two":                      "--version must be a number",
		"plan end p --version=-1":                       "--version must be a number",
		"plan list --page-size 9999999999":              "--page-size must be a number",
		"encounter missed --appointment tomorrow":       "--appointment must be a time",
		"plan decide-transfer t --decision unspecified": "--decision must be one of accept, decline, withdraw",
	} {
		command(t, "", strings.Fields(line)...).want(t, 2, want)
	}
}

func TestVerbs_MakeTheRequest(t *testing.T) {
	t.Parallel()
	someone := &cpisv1.Person{NhsNumber: "999 000 0018", FamilyName: "Example", GivenName: "Robin", DateOfBirth: "2019-04-30"}
	const lines = "999 000 0018\nExample\nRobin\n30/04/2019\n"
	for _, tt := range []struct {
		name, stdin string
		args        []string
		want        proto.Message
	}{
		{
			"Register", lines,
			[]string{"plan", "register", "--kind", "lac", "--start", "2026-09-01", "--legal-basis", "s20", "--reference", "CASE-1", "--restricted"},
			&cpisv1.RegisterPlanRequest{
				Person: someone, Kind: cpisv1.PlanKind_PLAN_KIND_LAC, Start: "2026-09-01",
				LegalBasis: cpisv1.LegalBasis_LEGAL_BASIS_S20, Reference: "CASE-1", Restricted: true,
			},
		},
		{
			"FromJSON", `{"person": {"nhsNumber": "999 000 0018"}, "kind": "PLAN_KIND_LAC", "start": "2026-09-01"}`,
			[]string{"plan", "register", "--stdin", "--kind", "cpp"},
			&cpisv1.RegisterPlanRequest{Person: &cpisv1.Person{NhsNumber: "999 000 0018"}, Kind: cpisv1.PlanKind_PLAN_KIND_CPP, Start: "2026-09-01"},
		},
		{
			"End", "",
			[]string{"plan", "end", "plan-1", "--version", "2", "--end", "2026-11-01", "--reason", "Moved"},
			&cpisv1.EndPlanRequest{PlanId: "plan-1", Version: 2, End: "2026-11-01", Reason: "Moved"},
		},
		{
			"EndOnADayAsFilesHaveIt", "",
			[]string{"plan", "end", "plan-1", "--version", "2", "--end", "1/11/2026", "--reason", "Moved"},
			&cpisv1.EndPlanRequest{PlanId: "plan-1", Version: 2, End: "2026-11-01", Reason: "Moved"},
		},
		{
			"TransferToAName", "",
			[]string{"plan", "transfer", "plan-1", "--version", "2", "--to", "camden", "--reason", "Moved"},
			&cpisv1.ProposeTransferRequest{PlanId: "plan-1", Version: 2, To: "E09000007", Reason: "Moved"},
		},
		{
			"TransferToACodeThatOnlyTheServiceKnows", "",
			[]string{"plan", "transfer", "plan-1", "--version", "2", "--to", "e06999999", "--reason", "Moved"},
			&cpisv1.ProposeTransferRequest{PlanId: "plan-1", Version: 2, To: "E06999999", Reason: "Moved"},
		},
		{
			"Unmerge", "",
			[]string{"plan", "propose", "--kind", "unmerge", "--merge-id", "change-1", "--reason", "Twins"},
			&cpisv1.ProposeChangeRequest{Kind: cpisv1.ChangeKind_CHANGE_KIND_UNMERGE, MergeId: "change-1", Reason: "Twins"},
		},
		{
			"Restrict", "999 000 0018\nnot read\n",
			[]string{"plan", "propose", "--kind", "restrict", "--reason", "Threats"},
			&cpisv1.ProposeChangeRequest{Kind: cpisv1.ChangeKind_CHANGE_KIND_RESTRICT, NhsNumber: "999 000 0018", Reason: "Threats"},
		},
		{
			"Merge", "999 000 0018\n999 000 0026\n",
			[]string{"plan", "propose", "--kind", "merge", "--reason", "Same child"},
			&cpisv1.ProposeChangeRequest{
				Kind: cpisv1.ChangeKind_CHANGE_KIND_MERGE, NhsNumber: "999 000 0018", FromNhsNumber: "999 000 0026", Reason: "Same child",
			},
		},
		{
			"BirthAlone", "2026-11-20\n",
			[]string{"plan", "birth", "plan-1", "--version", "1"},
			&cpisv1.RecordBirthRequest{PlanId: "plan-1", Version: 1, Born: "2026-11-20"},
		},
		{
			"BirthWithChild", "2026-11-20\n" + lines,
			[]string{"plan", "birth", "plan-1", "--version", "1", "--child-plan.start", "2026-11-20"},
			&cpisv1.RecordBirthRequest{
				PlanId: "plan-1", Version: 1, Born: "2026-11-20", ChildPlan: &cpisv1.ChildPlan{Child: someone, Start: "2026-11-20"},
			},
		},
		{
			"Channel", "",
			[]string{"channel", "put", "--rank", "1", "--webhook.url", "https://example.org/hook"},
			&cpisv1.PutChannelRequest{Channel: &cpisv1.Channel{
				Rank: 1, To: &cpisv1.Channel_Webhook{Webhook: &cpisv1.Webhook{Url: "https://example.org/hook"}},
			}},
		},
		{
			"Missed", "999 000 0018\n2019-04-30\n",
			[]string{
				"encounter", "missed", "--appointment-id", "A1", "--appointment", "2026-07-01 14:30", "--setting", "dental",
				"--responsible-person.name", "Dr Lund",
			},
			&cpisv1.ReportMissedAppointmentRequest{
				NhsNumber: "999 000 0018", DateOfBirth: "2019-04-30", AppointmentId: "A1", Setting: cpisv1.Setting_SETTING_DENTAL,
				Appointment:       timestamppb.New(time.Date(2026, 7, 1, 13, 30, 0, 0, time.UTC)), // summer time
				ResponsiblePerson: &cpisv1.Responsible{Name: "Dr Lund"},
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := &authority{}
			command(t, tt.stdin, slices.Concat(tt.args, a.serve(t))...).want(t, 0)
			a.wants(t, tt.want)
		})
	}
}

func TestVerbs_NeedWhomItIsAbout(t *testing.T) {
	t.Parallel()
	a := &authority{}
	command(t, "\n", slices.Concat([]string{"plan", "register", "--kind", "cpp"}, a.serve(t))...).want(t, 1, "does not say who it is about", "NHS number of the person")
	command(t, "not json", slices.Concat([]string{"plan", "register", "--stdin"}, a.serve(t))...).want(t, 1, "is no RegisterPlanRequest in JSON")
	if len(a.asked) != 0 {
		t.Errorf("asked all the same: %v", a.asked)
	}
}

func TestAmend_LeavesWhatIsNotGiven(t *testing.T) {
	t.Parallel()
	held := &cpisv1.GetPlanResponse{
		Person: &cpisv1.Person{NhsNumber: "999 000 0018", FamilyName: "Example", GivenName: "Robin", DateOfBirth: "2019-04-30"},
		Plan:   &cpisv1.OwnPlan{Id: "plan-1", Version: 2, Start: "2026-09-01", End: "2026-11-01", Reference: "CASE-1"},
	}
	want := func(change func(*cpisv1.AmendPlanRequest)) *cpisv1.AmendPlanRequest {
		m := &cpisv1.AmendPlanRequest{
			PlanId: "plan-1", Version: 2, Reason: "Why", FamilyName: "Example", GivenName: "Robin", DateOfBirth: "2019-04-30",
			Start: "2026-09-01", End: "2026-11-01", Reference: "CASE-1",
		}
		change(m)
		return m
	}
	for _, tt := range []struct {
		name, stdin string
		flags       []string
		want        *cpisv1.AmendPlanRequest
	}{
		{"Nothing", "", nil, want(func(*cpisv1.AmendPlanRequest) {})},
		{"Reference", "", []string{"--reference", "CASE-2"}, want(func(m *cpisv1.AmendPlanRequest) { m.Reference = "CASE-2" })},
		{"Cleared", "", []string{"--end="}, want(func(m *cpisv1.AmendPlanRequest) { m.End = "" })},
		{"Name", "\nAlex\n", []string{"--person"}, want(func(m *cpisv1.AmendPlanRequest) { m.GivenName = "Alex" })},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := &authority{plan: held}
			args := slices.Concat([]string{"plan", "amend", "plan-1", "--version", "2", "--reason", "Why"}, tt.flags, a.serve(t))
			command(t, tt.stdin, args...).want(t, 0, "Version  3\n")
			a.wants(t, tt.want)
		})
	}
}

func TestVerbs_PrintListsAsTables(t *testing.T) {
	t.Parallel()
	a := &authority{plans: &cpisv1.ListPlansResponse{NextPage: "more", Plans: []*cpisv1.ListedPlan{{
		Person:     &cpisv1.Person{NhsNumber: "9990000018", FamilyName: "Exa\x1bmple"},
		Plan:       &cpisv1.OwnPlan{Id: "plan-1", Version: 2, Kind: cpisv1.PlanKind_PLAN_KIND_CPP, Status: cpisv1.PlanStatus_PLAN_STATUS_ACTIVE},
		Restricted: true,
	}}}}
	to := a.serve(t)
	o := command(t, "", slices.Concat([]string{"plan", "list", "--filter", "active"}, to)...)
	o.want(t, 0, "There is more: --page more")
	lines := strings.Split(o.stdout, "\n")
	want := [][]string{
		{"ID", "VERSION", "KIND", "STATUS", "START", "END", "EXPECTED", "NHS", "NUMBER", "FAMILY", "NAME", "GIVEN", "NAME", "DATE", "OF", "BIRTH", "RESTRICTED"},
		{"plan-1", "2", "cpp", "active", "9990000018", "Exa", "mple", "yes"},
	}
	for i := range want {
		if diff := cmp.Diff(want[i], strings.Fields(lines[i])); diff != "" {
			t.Errorf("line %d (-want +got):\n%s", i, diff)
		}
	}
	command(t, "", slices.Concat([]string{"plan", "list", "--json"}, to)...).want(t, 0, `"nextPage": "more"`)
}

// refusing makes an error as the service sends it.
func refusing(t *testing.T, code connect.Code, detail proto.Message) error {
	t.Helper()
	d, err := connectproto.NewErrorDetail(detail)
	if err != nil {
		t.Fatal(err)
	}
	return connect.NewError(code, "said").WithDetail(d)
}

func TestVerbs_SayWhyTheyWereRefused(t *testing.T) {
	t.Parallel()
	end := []string{"plan", "end", "plan-1", "--version", "1"}
	for _, tt := range []struct {
		name string
		err  error
		want []string
	}{
		{"Stale", refusing(t, connect.CodeAborted, &cpisv1.StaleVersion{Current: 7}), []string{"said", "its version is 7 now"}},
		{"Invalid", refusing(t, connect.CodeInvalidArgument, &cpisv1.InvalidRequest{Violations: []*cpisv1.FieldViolation{
			{Field: "end", Problem: "is required", Example: "2026-09-01"},
		}}), []string{"end is required, such as 2026-09-01"}},
		{"Uncertain", connect.NewError(connect.CodeInternal, "said"), []string{"It may have been done or not. Repeat it with --request same"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := &authority{errs: []error{tt.err}}
			command(t, "", slices.Concat(end, []string{"--request", "same"}, a.serve(t))...).want(t, 1, tt.want...)
			if diff := cmp.Diff([]string{"same"}, a.ids); diff != "" {
				t.Errorf("request ids (-want +got):\n%s", diff)
			}
		})
	}
}

// What a busy service did not do is asked for again, under the same id.
func TestVerbs_AskABusyServiceAgain(t *testing.T) {
	t.Parallel()
	a := &authority{errs: []error{connect.NewError(connect.CodeResourceExhausted, "busy")}}
	command(t, "", slices.Concat([]string{"plan", "end", "plan-1", "--version", "1"}, a.serve(t))...).want(t, 0)
	if len(a.ids) != 2 || a.ids[0] != a.ids[1] || a.ids[0] == "" {
		t.Errorf("request ids: got %q, want the same twice", a.ids)
	}
}

func TestWatch_GoesOnFromTheLastCursor(t *testing.T) {
	t.Parallel()
	a := &authority{watch: [][]*cpisv1.WatchNoticesResponse{
		{{Cursor: "c1", Notices: []*cpisv1.Notice{{Id: "notice-1"}}}, {Cursor: "c2"}},
		{{Cursor: "c3"}},
	}}
	a.errs = []error{nil, nil, connect.NewError(connect.CodePermissionDenied, "not permitted")}
	o := command(t, "", slices.Concat([]string{"notice", "watch", "--cursor", "c0"}, a.serve(t))...)
	o.want(t, 1, "not permitted")
	want := `{"notices":[{"id":"notice-1"}],"cursor":"c1"}` + "\n" + `{"cursor":"c2"}` + "\n" + `{"cursor":"c3"}` + "\n"
	if diff := cmp.Diff(want, o.stdout); diff != "" {
		t.Errorf("printed (-want +got):\n%s", diff)
	}
	var cursors []string
	for _, m := range a.asked {
		cursors = append(cursors, textIn(m, "cursor"))
	}
	if diff := cmp.Diff([]string{"c0", "c2", "c3"}, cursors); diff != "" {
		t.Errorf("cursors asked for (-want +got):\n%s", diff)
	}
}
