package acceptance_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
)

// What people write and say who they are, beside what a plan holds.
const (
	glassReason = "found lying unconscious by the canal"
	endReason   = "moved in with grandmother Philippa"
	listVisit   = "clinic list of Dr Hummingbird"
	wrongCell   = "Marmaduke telephoned from Penzance"
)

func responsible() *cpisv1.Responsible {
	return &cpisv1.Responsible{Name: "Wilhelmina Drinkwater", Role: "Paramedic of the Blackfriars crew", Phone: "07700 900461"}
}

func safeguardingLead() *cpisv1.Responsible {
	return &cpisv1.Responsible{Name: "Bartholomew Featherstone", Role: "Lead of the Finsbury rota", Phone: "07700 900587"}
}

// words returns the canaries that are of no child and of no staff.
func words() []canary {
	all := []canary{
		{"a break-glass reason", glassReason},
		{"why a plan ended", endReason},
		{"an encounter of a list", listVisit},
		{"a cell in the wrong column", wrongCell},
	}
	for _, text := range leadsWords {
		all = append(all, canary{"what a lead wrote", text})
	}
	for what, r := range map[string]*cpisv1.Responsible{"the responsible person": responsible(), "the safeguarding lead": safeguardingLead()} {
		all = append(all, canary{what + "'s name", r.GetName()}, canary{what + "'s role", r.GetRole()}, canary{what + "'s phone", r.GetPhone()})
	}
	return all
}

// uploaded returns the people of the files. The last is in rejected ones only.
func uploaded() []child {
	return []child{
		{number: "9990000085", family: "Abernethy-Vane", given: "Leocadia", born: "2016-10-11"},
		{number: "9990000093", family: "Rumbelow", given: "Thaddeus", born: "2012-08-29"},
		{number: "9990000107", family: "Gillyflower", given: "Zebedee", born: "2010-05-16"},
	}
}

// useEverything makes every call that carries something personal, by those who
// may. What is answered to them is theirs; what a file is told about its rows
// is searched.
func (s *site) useEverything(p protocol, errs io.Writer) {
	s.tb.Helper()
	for _, person := range []string{"nurse", "gp", "system"} {
		client := s.lookups(p, person)
		for _, c := range everybody() {
			for _, born := range []string{"", c.born, "2001-02-03"} {
				_, err := client.LookUp(s.tb.Context(), &cpisv1.LookUpRequest{
					NhsNumber: c.number, DateOfBirth: born, ResponsiblePerson: responsible(), SafeguardingLead: safeguardingLead(),
					Encounter: &cpisv1.Encounter{Id: "visit of " + c.family},
				})
				must(s.tb, err)
			}
		}
	}
	_, err := s.lookups(p, "gp").LookUp(s.tb.Context(), &cpisv1.LookUpRequest{
		NhsNumber: onePlan, AccessMode: unscheduled, BreakGlassReason: glassReason,
	})
	must(s.tb, err)
	_, err = s.lookups(p, "system", at("TST111")).LookUp(s.tb.Context(), &cpisv1.LookUpRequest{
		NhsNumber: mother, ResponsiblePerson: responsible(), SafeguardingLead: safeguardingLead(),
		Encounter: &cpisv1.Encounter{Id: "visit of Wetherspoon", Setting: cpisv1.Setting_SETTING_NHS_111},
	})
	must(s.tb, err)
	s.useList(p, errs)
	s.useFiles(p, errs)
}

// useList looks a list up in which some items cannot be read.
func (s *site) useList(p protocol, errs io.Writer) {
	s.tb.Helper()
	r := &cpisv1.LookUpManyRequest{ResponsiblePerson: responsible()}
	for _, c := range everybody() {
		r.Items = append(r.Items,
			&cpisv1.LookUpManyItem{NhsNumber: c.number, DateOfBirth: c.born, EncounterId: listVisit},
			&cpisv1.LookUpManyItem{NhsNumber: c.family, DateOfBirth: c.given[:6], EncounterId: listVisit})
	}
	list, err := s.lookups(p, "gp").LookUpMany(s.tb.Context(), r)
	must(s.tb, err)
	for i, item := range list.GetResults() {
		if invalid := item.GetInvalid(); i%2 == 1 && invalid == nil {
			s.tb.Errorf("item %d: got %v, want it refused", i, item)
		} else if invalid != nil {
			_, _ = fmt.Fprintln(errs, invalid)
		}
	}
}

const (
	fileHeader = "nhs_number,family_name,given_name,date_of_birth,kind,start,reference,restricted\n"
	plainRow   = "%[1]s,%[2]s,%[3]s,%[4]s,cpp,2026-10-05,REF-%[2]s,no\n"
)

// rows writes a row of a file for each child. Verbs stand for number, family
// name, given name and date of birth.
func rows(format string, children ...child) string {
	var all strings.Builder
	for _, c := range children {
		fmt.Fprintf(&all, format, c.number, c.family, c.given, c.born)
	}
	return all.String()
}

// useFiles uploads files: one that is right, which is given up and then applied,
// one with personal data in the wrong columns, and some that cannot be read.
func (s *site) useFiles(p protocol, errs io.Writer) {
	s.tb.Helper()
	people := uploaded()
	right := fileHeader + rows(plainRow, people[:2]...)
	wrong := fileHeader + rows(plainRow, people[0]) + rows(
		"%[2]s,%[1]s,%[4]s,%[3]s,"+wrongCell+",%[2]s,%[1]s,%[3]s\n"+ // all in the wrong columns
			"%[1]s9,%[2]s,%[3]s,%[4]s,%[2]s,%[4]s,REF-%[2]s,no\n"+
			"%[1]s,%[2]s,%[3]s,"+wrongCell+",cpp,2026-10-05,%[1]s,no\n"+
			"%[1]s,%[2]s,"+wrongCell+"\n"+ // too few cells
			"%[1]s,%[2]s,%[3]s,%[4]s,cpp,2026-10-05,REF-%[2]s,"+wrongCell+"\n"+
			plainRow+"%[1]s,%[2]s,%[3]s,1999-01-01,cpp,2026-10-05,REF-%[2]s,no\n", people[2])
	lead := s.leadOf(p, islington, "first")
	for _, person := range []string{"lead", "la-system"} {
		sent := s.mustUpload(p, person, right, errs)
		if n := sent.GetCounts(); n.GetRows() != 2 || n.GetRejected() != 0 {
			s.tb.Errorf("%s, the right file: got %v", p.name, n)
		}
		if sent.GetState() == cpisv1.UploadState_UPLOAD_STATE_WAITING { // the first time
			s.cancelAndApprove(p, person, right, sent, lead, errs)
		}
		sent = s.mustUpload(p, person, wrong, errs)
		if n := sent.GetCounts(); n.GetRejected() != 6 {
			s.tb.Errorf("%s, the wrong file: got %v", p.name, n)
		}
		for _, file := range unreadable(people[2]) {
			s.mustUpload(p, person, file, errs)
		}
	}
	s.readUploads(lead, errs)
}

// cancelAndApprove returns an upload up, and approves the same file sent again.
func (s *site) cancelAndApprove(p protocol, person, file string, sent *cpisv1.Upload, lead *leadClients, errs io.Writer) {
	s.tb.Helper()
	ctx := s.tb.Context()
	_, err := lead.uploads.CancelUpload(ctx, &cpisv1.CancelUploadRequest{UploadId: sent.GetId(), Version: sent.GetVersion(), Reason: leadsWords["cancel"]})
	must(s.tb, err)
	_, err = lead.uploads.ApproveUpload(ctx, &cpisv1.ApproveUploadRequest{UploadId: sent.GetId(), Version: sent.GetVersion()})
	_, _ = fmt.Fprintln(errs, told(err)) // it was given up
	if err == nil {
		s.tb.Errorf("%s: an upload that was given up can be approved", p.name)
	}
	sent = s.mustUpload(p, person, file, errs)
	approved, err := lead.uploads.ApproveUpload(ctx, &cpisv1.ApproveUploadRequest{UploadId: sent.GetId(), Version: sent.GetVersion()})
	must(s.tb, err)
	if approved.GetUpload().GetState() != cpisv1.UploadState_UPLOAD_STATE_APPLIED {
		s.tb.Errorf("%s, approved: got %v", p.name, approved.GetUpload().GetState())
	}
}

// readUploads reads what there is to read about uploads, and changes the rules.
func (s *site) readUploads(lead *leadClients, errs io.Writer) {
	s.tb.Helper()
	ctx := s.tb.Context()
	list, err := lead.uploads.ListUploads(ctx, &cpisv1.ListUploadsRequest{})
	must(s.tb, err)
	_, err = lead.uploads.GetUpload(ctx, &cpisv1.GetUploadRequest{UploadId: list.GetUploads()[0].GetId()})
	must(s.tb, err)
	rules, err := lead.uploads.GetUploadRules(ctx, &cpisv1.GetUploadRulesRequest{})
	must(s.tb, err)
	_, err = lead.uploads.SetUploadRules(ctx, &cpisv1.SetUploadRulesRequest{Rules: rules.GetRules()})
	must(s.tb, err)
	quality, err := lead.uploads.GetQualityReport(ctx, &cpisv1.GetQualityReportRequest{})
	must(s.tb, err)
	_, _ = fmt.Fprintln(errs, quality.GetRejected())
	for _, u := range list.GetUploads() {
		_, _ = fmt.Fprintln(errs, u.GetCounts(), u.GetProblems(), u.GetWarnings(), u.GetReasons())
	}
}

// mustUpload uploads a file. What the service says is wrong with it and with
// its rows is written to errs: it may repeat nothing of them. What a row is held
// as, and what it changes, is the authority's own.
func (s *site) mustUpload(p protocol, person, file string, errs io.Writer) *cpisv1.Upload {
	s.tb.Helper()
	sent, err := s.upload(p, person, file)
	must(s.tb, err)
	u := sent.GetUpload()
	_, _ = fmt.Fprintln(errs, u.GetCounts(), u.GetProblems(), u.GetWarnings(), u.GetReasons())
	client := cpisv1connect.NewUploadServiceClient(s.connection(p, s.token("lead")))
	q := &cpisv1.ListUploadRowsRequest{UploadId: u.GetId()}
	for {
		page, err := client.ListUploadRows(s.tb.Context(), q)
		must(s.tb, err)
		for _, row := range page.GetRows() {
			_, _ = fmt.Fprintln(errs, row.GetLine(), row.GetOutcome(), row.GetCode(), row.GetViolations())
		}
		if q.Page = page.GetNextPage(); q.GetPage() == "" {
			break
		}
	}
	if u.GetResult() {
		s.mustGetResult(client, u.GetId())
	}
	return u
}

// mustGetResult downloads the result of a file. It holds what was sent, for its
// authority alone.
func (s *site) mustGetResult(client cpisv1connect.UploadServiceClient, id string) {
	s.tb.Helper()
	stream, err := client.DownloadResult(s.tb.Context(), &cpisv1.DownloadResultRequest{UploadId: id})
	must(s.tb, err)
	for have := int64(0); ; {
		part, err := stream.Receive()
		must(s.tb, err)
		if have += int64(len(part.GetChunk())); have == part.GetSize() {
			must(s.tb, stream.Close())
			return
		}
	}
}

// unreadable returns files that are broken as a whole, or in another coding.
func unreadable(c child) map[string]string {
	return map[string]string{
		"names as the header":         rows("%[2]s,%[3]s,%[1]s,%[4]s\n", c) + rows(plainRow, c),
		"a cell that is not UTF-8":    fileHeader + rows("%[1]s,%[2]s\xff,%[3]s,%[4]s,cpp,2026-10-05,,no\n", c),
		"a cell with a NUL":           fileHeader + rows("%[1]s,%[2]s\x00,%[3]s,%[4]s,cpp,2026-10-05,,no\n", c),
		"a quotation without its end": fileHeader + rows(`%[1]s,"%[2]s,%[3]s,%[4]s,cpp,2026-10-05,,no`+"\n", c),
		"a quotation mark inside":     fileHeader + rows(`%[1]s,%[2]s"%[3]s,%[3]s,%[4]s,cpp,2026-10-05,,no`+"\n", c),
		"cut off":                     fileHeader + rows(plainRow, c) + rows("%[1]s,%[2]s,%[3]s", c),
		"a line too long":             fileHeader + strings.Repeat(rows("%[1]s %[2]s ", c), 1<<10) + "\n",
	}
}

// upload uploads a file in pieces.
func (s *site) upload(p protocol, person, file string) (*cpisv1.UploadResponse, error) {
	s.tb.Helper()
	stream, err := cpisv1connect.NewUploadServiceClient(s.connection(p, s.token(person))).Upload(s.tb.Context())
	must(s.tb, err)
	parts := []*cpisv1.UploadRequest{{Part: &cpisv1.UploadRequest_Begin{Begin: &cpisv1.UploadBegin{}}}}
	for len(file) > 0 {
		n := min(len(file), 100)
		parts = append(parts, &cpisv1.UploadRequest{Part: &cpisv1.UploadRequest_Chunk{Chunk: []byte(file[:n])}})
		file = file[n:]
	}
	for _, part := range parts {
		if stream.Send(part) != nil {
			break // refused already: the answer says why
		}
	}
	return stream.CloseAndReceive()
}

// endAndGet shows an authority what it recorded, and ends one of its plans.
func (s *site) endAndGet(errs io.Writer) {
	s.tb.Helper()
	plans := cpisv1connect.NewPlanServiceClient(s.connection(protocols[2], s.token("lead")))
	for range 2 { // as it was, and with the reason of its end
		got, err := plans.GetPerson(s.tb.Context(), &cpisv1.GetPersonRequest{NhsNumber: severalPlans})
		must(s.tb, err)
		plan := got.GetPlans()[0]
		ended, err := plans.EndPlan(s.tb.Context(), &cpisv1.EndPlanRequest{
			PlanId: plan.GetId(), Version: plan.GetVersion(), End: "2026-11-20", Reason: endReason,
		})
		_, _ = fmt.Fprintln(errs, ended, told(err)) // the second time: it has ended
		if (err != nil) != (plan.GetVersion() > 1) {
			s.tb.Errorf("ending version %d: %v", plan.GetVersion(), err)
		}
	}
}

// misuseEverything sends personal data in ways that are refused: by those who
// may not, and in the wrong places.
func (s *site) misuseEverything(p protocol, errs io.Writer) {
	s.tb.Helper()
	refused := func(_ proto.Message, err error) {
		if err == nil {
			s.tb.Errorf("%s: not refused", p.name)
		}
		_, _ = fmt.Fprintln(errs, told(err))
	}
	ctx := s.tb.Context()
	for _, person := range []string{"nurse", "gp", "lead", "system", "auditor", "privacy", "administrator", "la-system"} {
		connection := s.connection(p, s.token(person))
		lookups, plans := cpisv1connect.NewLookupServiceClient(connection), cpisv1connect.NewPlanServiceClient(connection)
		for _, c := range everybody() {
			refused(lookups.LookUp(ctx, &cpisv1.LookUpRequest{NhsNumber: c.family, DateOfBirth: c.number, BreakGlassReason: glassReason}))
			refused(lookups.LookUp(ctx, &cpisv1.LookUpRequest{NhsNumber: c.number, DateOfBirth: c.given, ResponsiblePerson: &cpisv1.Responsible{Name: c.family}}))
			refused(lookups.LookUp(ctx, &cpisv1.LookUpRequest{NhsNumber: c.number, BreakGlassReason: strings.Repeat(glassReason, 100)}))
			refused(lookups.LookUpMany(ctx, &cpisv1.LookUpManyRequest{
				Items: []*cpisv1.LookUpManyItem{{NhsNumber: c.number, EncounterId: listVisit}}, AccessMode: unscheduled, ResponsiblePerson: responsible(),
			}))
			refused(plans.RegisterPlan(ctx, &cpisv1.RegisterPlanRequest{
				Person: &cpisv1.Person{NhsNumber: c.number, FamilyName: c.family, GivenName: c.given, DateOfBirth: "1899-01-01"},
				Kind:   cpp, Start: c.born, End: c.number, Reference: c.family,
			}))
			refused(plans.EndPlan(ctx, &cpisv1.EndPlanRequest{PlanId: c.family, Version: 1, End: c.number, Reason: endReason}))
			refused(plans.GetPerson(ctx, &cpisv1.GetPersonRequest{NhsNumber: c.family}))
		}
	}
	s.misuseLeads(p, refused)
	people := uploaded()
	refused(s.upload(p, "nurse", fileHeader+rows(plainRow, people...)))
}

// spoilJSON sends JSON that cannot be read, with personal data inside.
func (s *site) spoilJSON(errs io.Writer) {
	s.tb.Helper()
	for _, c := range everybody() {
		for _, body := range []string{
			`{"nhsNumber": ` + c.number + `, "accessMode": "` + c.family + `"}`,
			`{"` + c.family + `": "` + c.number + `"}`,
			`{"nhsNumber": "` + c.number + `", "dateOfBirth": ["` + c.born + `"]`,
			c.family,
		} {
			r, err := http.NewRequestWithContext(s.tb.Context(), http.MethodPost,
				s.base+"/cpis.v1.LookupService/LookUp", strings.NewReader(body))
			must(s.tb, err)
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", "Bearer "+s.token("nurse"))
			resp, err := http.DefaultClient.Do(r)
			must(s.tb, err)
			text, err := io.ReadAll(resp.Body)
			must(s.tb, err)
			must(s.tb, resp.Body.Close())
			if resp.StatusCode != http.StatusBadRequest {
				s.tb.Errorf("got status %d, want 400", resp.StatusCode)
			}
			_, _ = errs.Write(text)
		}
	}
}

// The canaries are such as nothing else contains by chance.
func TestCanariesAreLongEnough(t *testing.T) {
	t.Parallel()
	for _, c := range canaries() {
		if len(c.text) < 6 {
			t.Errorf("%s has %d letters", c.what, len(c.text))
		}
	}
}
