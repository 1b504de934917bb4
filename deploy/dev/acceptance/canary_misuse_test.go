package acceptance_test

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/timestamppb"

	cpisv1 "cpis/proto/cpis/v1"
)

// misuseLeads sends personal data to the procedures of leads in ways that are
// refused: by those who may not, and in the wrong places.
func (s *site) misuseLeads(p protocol, refused func(proto.Message, error)) {
	s.tb.Helper()
	ctx := s.tb.Context()
	c := ledBy(0).kid
	for _, person := range []string{"nurse", "lead", "auditor"} {
		to := s.clientsOf(p, person)
		refused(to.plans.AmendPlan(ctx, &cpisv1.AmendPlanRequest{
			PlanId: c.family, Version: 1, Reason: leadsWords["amend"], FamilyName: c.family, GivenName: c.given, DateOfBirth: c.number, Start: c.born,
		}))
		refused(to.plans.RemovePlan(ctx, &cpisv1.RemovePlanRequest{PlanId: c.number, Version: 1, Reason: leadsWords["remove"]}))
		refused(to.plans.RecordBirth(ctx, &cpisv1.RecordBirthRequest{
			PlanId: c.family, Version: 1, Born: c.born, ChildPlan: &cpisv1.ChildPlan{Child: c.person(), Start: c.born, Reference: c.number},
		}))
		refused(to.plans.GetPlan(ctx, &cpisv1.GetPlanRequest{PlanId: c.family}))
		refused(to.plans.ListVersions(ctx, &cpisv1.ListVersionsRequest{PlanId: c.number}))
		refused(to.plans.ListPlans(ctx, &cpisv1.ListPlansRequest{Page: c.family}))
		refused(to.plans.ProposeTransfer(ctx, &cpisv1.ProposeTransferRequest{PlanId: c.family, Version: 1, To: c.number[:9], Reason: leadsWords["transfer"]}))
		refused(to.plans.DecideTransfer(ctx, &cpisv1.DecideTransferRequest{
			TransferId: c.family, Decision: cpisv1.Decision_DECISION_ACCEPT, Reason: leadsWords["accept"], Reference: c.number,
		}))
		refused(to.plans.ReplaceNHSNumber(ctx, &cpisv1.ReplaceNHSNumberRequest{
			OldNhsNumber: c.number, NewNhsNumber: c.family, DateOfBirth: c.given[:8], Reason: leadsWords["replace"],
		}))
		refused(to.plans.ProposeChange(ctx, &cpisv1.ProposeChangeRequest{
			Kind: cpisv1.ChangeKind_CHANGE_KIND_MERGE, NhsNumber: c.family, FromNhsNumber: c.number, Reason: leadsWords["merge"],
		}))
		refused(to.plans.DecideChange(ctx, &cpisv1.DecideChangeRequest{
			ChangeId: c.number, Decision: cpisv1.Decision_DECISION_DECLINE, Reason: leadsWords["decide"],
		}))
		refused(to.uploads.ApproveUpload(ctx, &cpisv1.ApproveUploadRequest{UploadId: c.family, Version: 1}))
		refused(to.uploads.CancelUpload(ctx, &cpisv1.CancelUploadRequest{UploadId: c.number, Version: 1, Reason: leadsWords["cancel"]}))
		refused(to.uploads.ListUploadRows(ctx, &cpisv1.ListUploadRowsRequest{UploadId: c.family}))
		refused(to.notices.GetNotice(ctx, &cpisv1.GetNoticeRequest{NoticeId: c.family}))
		refused(to.notices.AcknowledgeNotice(ctx, &cpisv1.AcknowledgeNoticeRequest{
			NoticeId: c.number, Version: 1, Outcome: cpisv1.AcknowledgeOutcome_ACKNOWLEDGE_OUTCOME_OTHER, Note: leadsWords["note"],
		}))
		refused(to.notices.AssignNotice(ctx, &cpisv1.AssignNoticeRequest{NoticeId: c.family, Version: 1, To: c.family, Note: leadsWords["note"]}))
		refused(to.notices.PutChannel(ctx, &cpisv1.PutChannelRequest{Channel: &cpisv1.Channel{
			Rank: 1, To: &cpisv1.Channel_Webhook{Webhook: &cpisv1.Webhook{Url: "http://" + c.family + ".example/" + c.number}},
		}}))
		refused(to.contacts.SetContacts(ctx, &cpisv1.SetContactsRequest{Contacts: &cpisv1.Contacts{
			OfficePhone: c.number, OfficeHours: c.family, DutyPhone: c.born,
		}}))
		refused(to.encounters.ReportMissedAppointment(ctx, &cpisv1.ReportMissedAppointmentRequest{
			NhsNumber: c.family, DateOfBirth: c.number, AppointmentId: "visit of " + c.family, Appointment: timestamppb.New(monday),
			Setting: cpisv1.Setting_SETTING_DENTAL, ResponsiblePerson: responsible(),
		}))
		refused(to.encounters.ReportWrongPatient(ctx, &cpisv1.ReportWrongPatientRequest{
			NhsNumber: c.family, EncounterId: "visit of " + c.family, Reason: leadsWords["wrong"],
		}))
	}
}

// checkAllCalled checks that every procedure of the contract was called.
func (s *site) checkAllCalled(p protocol) {
	s.tb.Helper()
	protoregistry.GlobalFiles.RangeFilesByPackage(cpisv1.File_cpis_v1_common_proto.Package(), func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				procedure := "/" + string(service.FullName()) + "/" + string(service.Methods().Get(j).Name())
				if _, called := s.called.Load(p.name + " " + procedure); !called && service.Name() != "LogService" { // proofs hold hashes only
					s.tb.Errorf("%s: %s is not called", p.name, procedure)
				}
			}
		}
		return true
	})
}
