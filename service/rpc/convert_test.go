package rpc_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"cpis/audit"
	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/auditlog"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/lookup"
	"cpis/service/plan"
)

func registration() *cpisv1.RegisterPlanRequest {
	return &cpisv1.RegisterPlanRequest{
		Person: &cpisv1.Person{NhsNumber: "999 000 0018", FamilyName: "Example", GivenName: "Child", DateOfBirth: "2019-04-30"},
		Kind:   cpisv1.PlanKind_PLAN_KIND_LAC,
		Start:  "2026-01-02", End: "2026-03-04", Expected: "2026-05-06",
		LegalBasis: cpisv1.LegalBasis_LEGAL_BASIS_S20,
		Reference:  "CASE-1", Restricted: true,
	}
}

func day(t *testing.T, text string) domain.Date {
	t.Helper()
	d, err := domain.ParseDate(text)
	if err != nil {
		t.Fatalf("ParseDate: %v", err)
	}
	return d
}

func TestQuestionsArriveWhole(t *testing.T) {
	t.Parallel()
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			b, c := w.open(t)
			start := time.Date(2026, 11, 23, 17, 5, 6, 0, time.UTC)
			_, err := c.lookups.LookUp(t.Context(), &cpisv1.LookUpRequest{
				NhsNumber: "999 000 0018", DateOfBirth: "2019-04-30",
				AccessMode:        cpisv1.AccessMode_ACCESS_MODE_UNSCHEDULED,
				Encounter:         &cpisv1.Encounter{Id: "ED-1", Setting: cpisv1.Setting_SETTING_NHS_111, Start: timestamppb.New(start)},
				Purpose:           cpisv1.Purpose_PURPOSE_SAFEGUARDING,
				ResponsiblePerson: &cpisv1.Responsible{Name: "Zoë", Role: "Nurse", Phone: "1"},
				SafeguardingLead:  &cpisv1.Responsible{Name: "Lead", Role: "Named nurse", Phone: "2"},
				BreakGlassReason:  "a \"good\" reason",
			})
			if err != nil {
				t.Fatalf("LookUp: %v", err)
			}
			want := &lookup.Question{
				NHSNumber: "999 000 0018", DateOfBirth: "2019-04-30", Mode: "unscheduled",
				Encounter:        domain.Encounter{ID: "ED-1", Setting: domain.NHS111, Start: start},
				Purpose:          domain.Safeguarding,
				Responsible:      domain.Responsible{Name: "Zoë", Role: "Nurse", Phone: "1"},
				SafeguardingLead: domain.Responsible{Name: "Lead", Role: "Named nurse", Phone: "2"},
				BreakGlass:       "a \"good\" reason",
				Request:          aRequest,
			}
			if diff := cmp.Diff(want, b.uses.question); diff != "" {
				t.Errorf("question (-want +got):\n%s", diff)
			}
			if got := b.uses.callers[0]; got.ClientID != "ed-system" || got.Organisation != "RXX01" {
				t.Errorf("got caller %+v", got)
			}
		})
	}
}

func TestAnEmptyQuestionStaysEmpty(t *testing.T) {
	t.Parallel()
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			b, c := w.open(t)
			if _, err := c.lookups.LookUp(t.Context(), &cpisv1.LookUpRequest{}); err != nil {
				t.Fatalf("LookUp: %v", err)
			}
			if diff := cmp.Diff(&lookup.Question{Request: aRequest}, b.uses.question); diff != "" {
				t.Errorf("question (-want +got):\n%s", diff)
			}
		})
	}
}

// words sends every value of an enum and returns the words that arrived, in the
// order of the values. Each value but the first must have a word of its own.
func words[W ~string](t *testing.T, names map[int32]string, ask func(value int32) W) []W {
	t.Helper()
	var got []W
	for value := range int32(len(names)) {
		w := ask(value)
		if (w == "") != (value == 0) || slices.Contains(got, w) {
			t.Errorf("%s: got the word %q", names[value], w)
		}
		got = append(got, w)
	}
	return got
}

func TestEveryEnumValueHasItsWord(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := wires[0].dial(t, b.serveTLS(t))
	ask := func(m *cpisv1.LookUpRequest) *lookup.Question {
		if _, err := c.lookups.LookUp(t.Context(), m); err != nil {
			t.Fatalf("LookUp: %v", err)
		}
		return b.uses.question
	}
	answer := func(a lookup.Answer) *cpisv1.LookUpResponse {
		b.uses.answer = a
		m, err := c.lookups.LookUp(t.Context(), &cpisv1.LookUpRequest{})
		if err != nil {
			t.Fatalf("LookUp: %v", err)
		}
		return m
	}

	for value, w := range words(t, cpisv1.Setting_name, func(v int32) domain.Setting {
		return ask(&cpisv1.LookUpRequest{Encounter: &cpisv1.Encounter{Setting: cpisv1.Setting(v)}}).Encounter.Setting
	}) {
		got := answer(lookup.Answer{History: []lookup.Access{{Setting: w}}}).GetHistory()[0].GetSetting()
		if got != cpisv1.Setting(value) {
			t.Errorf("setting %q came back as %v, want %v", w, got, cpisv1.Setting(value))
		}
	}
	for value, w := range words(t, cpisv1.AccessMode_name, func(v int32) string {
		return string(ask(&cpisv1.LookUpRequest{AccessMode: cpisv1.AccessMode(v)}).Mode)
	}) {
		a := noFlag()
		setMode(&a.Mode, w)
		if got := answer(a).GetAccessMode(); got != cpisv1.AccessMode(value) {
			t.Errorf("mode %q came back as %v, want %v", w, got, cpisv1.AccessMode(value))
		}
	}
	advice := map[cpisv1.AdviceCode]bool{}
	for _, code := range []lookup.AdviceCode{
		lookup.AdviceHeld, lookup.AdviceDegraded, lookup.AdviceUnproved, lookup.AdviceHub, lookup.AdviceNone, lookup.AdviceMismatch, lookup.AdviceDamaged,
	} {
		advice[answer(lookup.Answer{AdviceCode: code}).GetAdviceCode()] = true
	}
	if advice[cpisv1.AdviceCode_ADVICE_CODE_UNSPECIFIED] || len(advice) != len(cpisv1.AdviceCode_name)-1 {
		t.Errorf("codes of advice became %v", advice)
	}
	words(t, cpisv1.Purpose_name, func(v int32) domain.Purpose {
		return ask(&cpisv1.LookUpRequest{Purpose: cpisv1.Purpose(v)}).Purpose
	})
	for _, k := range []domain.Kind{domain.CPP, domain.LAC, domain.UCPP} {
		p := answer(lookup.Answer{Plans: []lookup.Plan{{ID: "p", Kind: k}}}).GetPlans()[0]
		r := registration()
		r.Kind = p.GetKind()
		if _, err := c.plans.RegisterPlan(t.Context(), r); err != nil {
			t.Fatalf("RegisterPlan: %v", err)
		}
		if b.uses.plan.Kind != k || p.GetNote() != k.Note() || k.Note() == "" {
			t.Errorf("kind %q came back as %q, with the note %q", k, b.uses.plan.Kind, p.GetNote())
		}
	}
	for value, w := range words(t, cpisv1.LegalBasis_name, func(v int32) domain.Basis {
		r := registration()
		r.LegalBasis = cpisv1.LegalBasis(v)
		if _, err := c.plans.RegisterPlan(t.Context(), r); err != nil {
			t.Fatalf("RegisterPlan: %v", err)
		}
		return b.uses.plan.Basis
	}) {
		b.uses.person = plan.OwnPerson{Plans: []plan.Plan{{Details: domain.Details{Basis: w}}}}
		m, err := c.plans.GetPerson(t.Context(), &cpisv1.GetPersonRequest{NhsNumber: "9990000018"})
		if err != nil {
			t.Fatalf("GetPerson: %v", err)
		}
		if got := m.GetPlans()[0].GetLegalBasis(); got != cpisv1.LegalBasis(value) {
			t.Errorf("basis %q came back as %v, want %v", w, got, cpisv1.LegalBasis(value))
		}
	}
}

// setMode is for a type that only the policy names.
func setMode[M ~string](to *M, word string) { *to = M(word) }

func TestVerdictsAndReasonsHaveTheirValues(t *testing.T) {
	t.Parallel()
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			b, c := w.open(t)
			for verdict, want := range map[lookup.Verdict]cpisv1.Answer{
				lookup.FlagHeld:    cpisv1.Answer_ANSWER_FLAG_HELD,
				lookup.NoFlagKnown: cpisv1.Answer_ANSWER_NO_FLAG_KNOWN,
				lookup.CannotSay:   cpisv1.Answer_ANSWER_CANNOT_SAY,
			} {
				b.uses.answer.Verdict = verdict
				got, err := c.lookups.LookUp(t.Context(), &cpisv1.LookUpRequest{})
				if err != nil {
					t.Fatalf("LookUp: %v", err)
				}
				if got.GetAnswer() != want {
					t.Errorf("%s: got %v, want %v", verdict, got.GetAnswer(), want)
				}
			}
			for reason, want := range map[lookup.Reason]cpisv1.CannotSayReason{
				lookup.NoReason:         cpisv1.CannotSayReason_CANNOT_SAY_REASON_UNSPECIFIED,
				lookup.IdentityMismatch: cpisv1.CannotSayReason_CANNOT_SAY_REASON_IDENTITY_MISMATCH,
				lookup.RecordDamaged:    cpisv1.CannotSayReason_CANNOT_SAY_REASON_RECORD_DAMAGED,
			} {
				b.uses.answer.Reason = reason
				got, err := c.lookups.LookUp(t.Context(), &cpisv1.LookUpRequest{})
				if err != nil {
					t.Fatalf("LookUp: %v", err)
				}
				if got.GetCannotSayReason() != want {
					t.Errorf("%s: got %v, want %v", reason, got.GetCannotSayReason(), want)
				}
			}
		})
	}
}

func contact(name string, until time.Time) domain.Contact {
	return domain.Contact{
		Authority: domain.Authority{GSS: "E09000019", DfE: "206", Name: name},
		Name:      name + " children's services",
		Office:    domain.Phone{Number: "1", Hours: "Mon-Fri 09:00-17:00"},
		Duty:      domain.Phone{Number: "2", Hours: "outside office hours"},
		RingNow:   domain.RingNow{Number: "2", Who: "emergency duty team", Until: until},
	}
}

func contactOut(name string, until *timestamppb.Timestamp) *cpisv1.Contact {
	return &cpisv1.Contact{
		LocalAuthority: &cpisv1.LocalAuthority{GssCode: "E09000019", DfeCode: "206", Name: name},
		Name:           name + " children's services",
		Office:         &cpisv1.Phone{Number: "1", Hours: "Mon-Fri 09:00-17:00"},
		EmergencyDuty:  &cpisv1.Phone{Number: "2", Hours: "outside office hours"},
		RingNow:        &cpisv1.RingNow{Number: "2", Who: "emergency duty team", Until: until},
	}
}

func TestAnswersLeaveWhole(t *testing.T) {
	t.Parallel()
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			b, c := w.open(t)
			at := time.Date(2026, 11, 23, 17, 5, 6, 123456000, time.UTC)
			b.uses.answer = lookup.Answer{
				Verdict: lookup.FlagHeld, Degraded: true, Restricted: true, IdentityChecked: true, Superseded: true, Mode: "scheduled", Advice: "do \"this\"",
				AdviceCode: lookup.AdviceHub,
				Plans: []lookup.Plan{
					{
						ID: "p1", Version: 2, Kind: domain.CPP, Ended: true,
						Start: day(t, "2024-01-02"), End: day(t, "2025-01-02"), VisibleUntil: day(t, "2026-01-02"), Contact: contact("Islington", at),
					},
					{ID: "p2", Version: 1, Kind: domain.UCPP, Start: day(t, "2026-01-02"), Expected: day(t, "2026-06-02"), Contact: contact("Camden", time.Time{}), Receiving: contact("Leeds", at)},
					{Kind: domain.LAC}, // a restricted person's
				},
				Contacts: []domain.Contact{{Name: "hub", RingNow: domain.RingNow{Number: "3", Who: "hub"}}},
				History: []lookup.Access{{
					At: at, Organisation: "RXX01", OrganisationName: "Hospital", Setting: domain.Maternity, Who: "A, nurse", WrongPatient: true,
				}},
				Receipt: guard.Receipt{Log: "log", Index: 5, TreeSize: 9, Leaf: [32]byte{1, 31: 2}},
			}
			leaf := make([]byte, 32)
			leaf[0], leaf[31] = 1, 2
			want := &cpisv1.LookUpResponse{
				Answer: cpisv1.Answer_ANSWER_FLAG_HELD, DetailsUnavailable: true, Restricted: true, IdentityChecked: true, Superseded: true,
				AccessMode: cpisv1.AccessMode_ACCESS_MODE_SCHEDULED, Advice: "do \"this\"",
				AdviceCode: cpisv1.AdviceCode_ADVICE_CODE_HUB,
				Plans: []*cpisv1.Plan{
					{
						Id: "p1", Version: 2, Kind: cpisv1.PlanKind_PLAN_KIND_CPP, Status: cpisv1.PlanStatus_PLAN_STATUS_ENDED,
						Start: "2024-01-02", End: "2025-01-02", VisibleUntil: "2026-01-02",
						Contact: contactOut("Islington", timestamppb.New(at)), Note: domain.CPP.Note(),
					},
					{
						Id: "p2", Version: 1, Kind: cpisv1.PlanKind_PLAN_KIND_UCPP, Status: cpisv1.PlanStatus_PLAN_STATUS_ACTIVE,
						Start: "2026-01-02", Expected: "2026-06-02", Contact: contactOut("Camden", nil), Note: domain.UCPP.Note(),
						Receiving: contactOut("Leeds", timestamppb.New(at)),
					},
					{Kind: cpisv1.PlanKind_PLAN_KIND_LAC, Note: domain.LAC.Note()},
				},
				Contacts: []*cpisv1.Contact{{Name: "hub", RingNow: &cpisv1.RingNow{Number: "3", Who: "hub"}}},
				History: []*cpisv1.Access{{
					At: timestamppb.New(at), Organisation: "RXX01", OrganisationName: "Hospital", Setting: cpisv1.Setting_SETTING_MATERNITY, Who: "A, nurse", WrongPatient: true,
				}},
				Receipt: &cpisv1.Receipt{Log: "log", Index: 5, TreeSize: 9, LeafHash: leaf},
			}
			got, err := c.lookups.LookUp(t.Context(), &cpisv1.LookUpRequest{})
			if err != nil {
				t.Fatalf("LookUp: %v", err)
			}
			got.Padding = nil
			if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

func TestClinicListsGoThereAndBack(t *testing.T) {
	t.Parallel()
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			b, c := w.open(t)
			one := noFlag()
			b.uses.items = []lookup.ItemAnswer{
				{Answer: &one},
				{Invalid: &domain.InvalidError{Violations: []domain.Violation{{Field: "nhs_number", Problem: "bad", Example: "good"}}}},
			}
			got, err := c.lookups.LookUpMany(t.Context(), &cpisv1.LookUpManyRequest{
				Items:             []*cpisv1.LookUpManyItem{{NhsNumber: "1", DateOfBirth: "2", EncounterId: "3"}, {NhsNumber: "4"}},
				Setting:           cpisv1.Setting_SETTING_OUTPATIENT,
				Purpose:           cpisv1.Purpose_PURPOSE_DIRECT_CARE,
				ResponsiblePerson: &cpisv1.Responsible{Name: "A", Role: "B"},
				AccessMode:        cpisv1.AccessMode_ACCESS_MODE_SCHEDULED,
			})
			if err != nil {
				t.Fatalf("LookUpMany: %v", err)
			}
			want := &lookup.ClinicList{
				Items:   []lookup.ClinicItem{{NHSNumber: "1", DateOfBirth: "2", EncounterID: "3"}, {NHSNumber: "4"}},
				Setting: domain.Outpatient, Purpose: domain.DirectCare, Mode: "scheduled",
				Responsible: domain.Responsible{Name: "A", Role: "B"}, Request: aRequest,
			}
			if diff := cmp.Diff(want, b.uses.list); diff != "" {
				t.Errorf("list (-want +got):\n%s", diff)
			}
			if a := got.GetResults()[0].GetResponse(); a.GetAnswer() != cpisv1.Answer_ANSWER_NO_FLAG_KNOWN {
				t.Errorf("got %v", a)
			}
			if v := got.GetResults()[1].GetInvalid().GetViolations()[0]; v.GetField() != "nhs_number" || v.GetExample() != "good" {
				t.Errorf("got %v", v)
			}
		})
	}
}

func TestPlansGoThereAndBack(t *testing.T) {
	t.Parallel()
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			b, c := w.open(t)
			receipt := guard.Receipt{Log: "log", Index: 1, TreeSize: 2}
			b.uses.registered = plan.RegisterPlanResult{PlanID: "p", Version: 1, Receipt: receipt}
			r, err := c.plans.RegisterPlan(t.Context(), registration())
			if err != nil {
				t.Fatalf("RegisterPlan: %v", err)
			}
			if r.GetPlanId() != "p" || r.GetVersion() != 1 || r.GetReceipt().GetTreeSize() != 2 {
				t.Errorf("got %v", r)
			}
			want := &domain.Registration{
				NHSNumber: "999 000 0018", Family: "Example", Given: "Child", DateOfBirth: "2019-04-30", Kind: domain.LAC,
				Start: "2026-01-02", End: "2026-03-04", Expected: "2026-05-06", Basis: domain.S20, Reference: "CASE-1",
				Restricted: true, Request: aRequest,
			}
			if diff := cmp.Diff(want, b.uses.plan); diff != "" {
				t.Errorf("registration (-want +got):\n%s", diff)
			}

			b.uses.ended = plan.ChangeResult{Version: 2, VisibleUntil: day(t, "2027-01-02"), Receipt: receipt}
			e, err := c.plans.EndPlan(t.Context(), &cpisv1.EndPlanRequest{PlanId: "p", Version: 1, End: "2026-01-02", Reason: "over"})
			if err != nil {
				t.Fatalf("EndPlan: %v", err)
			}
			if e.GetVersion() != 2 || e.GetVisibleUntil() != "2027-01-02" || e.GetReceipt().GetIndex() != 1 {
				t.Errorf("got %v", e)
			}
			ending := &plan.EndPlanRequest{PlanID: "p", Version: 1, End: "2026-01-02", Reason: "over", Request: aRequest}
			if diff := cmp.Diff(ending, b.uses.ending); diff != "" {
				t.Errorf("ending (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOwnPersonsLeaveWhole(t *testing.T) {
	t.Parallel()
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			b, c := w.open(t)
			number, problem := domain.ParseNHSNumber("9990000018")
			if problem != "" {
				t.Fatalf("ParseNHSNumber: %v", problem)
			}
			changed := time.Date(2026, 11, 23, 17, 5, 6, 0, time.UTC)
			b.uses.person = plan.OwnPerson{
				Person:     domain.Person{NHSNumber: number, Family: "Example", Given: "Child", DateOfBirth: day(t, "2019-04-30")},
				Restricted: true,
				Plans: []plan.Plan{{
					ID: "p", Version: 3, Ended: true, VisibleUntil: day(t, "2027-01-02"), Changed: changed,
					Details: domain.Details{
						Kind: domain.LAC, Start: day(t, "2025-01-02"), End: day(t, "2026-01-02"), Basis: domain.S31,
						Reference: "CASE-1", EndReason: "adopted",
					},
				}},
			}
			got, err := c.plans.GetPerson(t.Context(), &cpisv1.GetPersonRequest{NhsNumber: "999 000 0018"})
			if err != nil {
				t.Fatalf("GetPerson: %v", err)
			}
			want := &cpisv1.GetPersonResponse{
				Person:     &cpisv1.Person{NhsNumber: "9990000018", FamilyName: "Example", GivenName: "Child", DateOfBirth: "2019-04-30"},
				Restricted: true,
				Plans: []*cpisv1.OwnPlan{{
					Id: "p", Version: 3, Kind: cpisv1.PlanKind_PLAN_KIND_LAC, Status: cpisv1.PlanStatus_PLAN_STATUS_ENDED,
					Start: "2025-01-02", End: "2026-01-02", VisibleUntil: "2027-01-02", LegalBasis: cpisv1.LegalBasis_LEGAL_BASIS_S31,
					Reference: "CASE-1", Changed: timestamppb.New(changed), EndReason: "adopted",
				}},
				Receipt: &cpisv1.Receipt{LeafHash: make([]byte, 32)},
			}
			if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
				t.Errorf("person (-want +got):\n%s", diff)
			}
			if b.uses.number != "999 000 0018" {
				t.Errorf("got number %q", b.uses.number)
			}
		})
	}
}

func TestProofsGoThereAndBack(t *testing.T) {
	t.Parallel()
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			b, c := w.open(t)
			cp, err := c.log.GetCheckpoint(t.Context(), &cpisv1.GetCheckpointRequest{Log: "some log"})
			if err != nil {
				t.Fatalf("GetCheckpoint: %v", err)
			}
			if cp.GetCheckpoint() != "a signed note" || b.uses.log != "some log" {
				t.Errorf("got %q of %q", cp.GetCheckpoint(), b.uses.log)
			}
			b.uses.proof.Text = []byte("proof")
			b.uses.proof.Leaf = [32]byte{1}
			b.uses.proof.Hashes = append(b.uses.proof.Hashes[:0], [32]byte{2}, [32]byte{3})
			p, err := c.log.GetInclusionProof(t.Context(), &cpisv1.GetInclusionProofRequest{Index: 7})
			if err != nil {
				t.Fatalf("GetInclusionProof: %v", err)
			}
			if b.uses.index != 7 || b.uses.log != "" {
				t.Errorf("asked for %d of %q", b.uses.index, b.uses.log)
			}
			if p.GetProof() != "proof" || p.GetLeafHash()[0] != 1 || len(p.GetHashes()) != 2 || p.GetHashes()[1][0] != 3 {
				t.Errorf("got %v", p)
			}
			b.uses.consistency = auditlog.Consistency{Note: []byte("note"), Hashes: []audit.Hash{{4}, {5}}}
			k, err := c.log.GetConsistencyProof(t.Context(), &cpisv1.GetConsistencyProofRequest{Log: "some log", Size: 9})
			if err != nil {
				t.Fatalf("GetConsistencyProof: %v", err)
			}
			if b.uses.index != 9 || b.uses.log != "some log" || k.GetCheckpoint() != "note" || len(k.GetHashes()) != 2 || k.GetHashes()[1][0] != 5 {
				t.Errorf("asked for %d of %q, got %v", b.uses.index, b.uses.log, k)
			}
		})
	}
}
