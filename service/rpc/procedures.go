package rpc

import (
	"path"
	"strings"

	"cpis/proto/cpis/v1/cpisv1connect"
)

// procedure is what the face knows of a procedure besides its handler.
type procedure struct {
	name   string // for logs and metrics
	method string // as entries have it: the name without the service's
	action string // as it stands in the audit log
	write  bool   // needs an idempotency key
	upload bool   // takes many messages, and longer than others
	slow   bool   // may take as long as an upload
	stream bool   // is answered by many messages, for longer than others
	held   bool   // the answer is held back, so that its time tells nothing
	limit  int    // bytes of the largest message
}

// How large a message of a request may be.
const (
	maxRequest = 64 << 10  // one person's
	maxList    = 256 << 10 // a clinic list
	maxChunk   = 1 << 20   // of a file
	maxPart    = 3 << 19   // a message with a chunk: in JSON it is a third longer
)

// procedures are those of the contract.
var procedures = tell([]procedure{
	{name: cpisv1connect.LookupServiceLookUpProcedure, action: "look_up", held: true},
	{name: cpisv1connect.LookupServiceLookUpManyProcedure, action: "look_up_many", held: true, limit: maxList},
	{name: cpisv1connect.PlanServiceRegisterPlanProcedure, action: "register_plan", write: true},
	{name: cpisv1connect.PlanServiceEndPlanProcedure, action: "end_plan", write: true},
	{name: cpisv1connect.PlanServiceGetPersonProcedure, action: "get_person"},
	{name: cpisv1connect.PlanServiceFindPeopleProcedure, action: "find_people"},
	{name: cpisv1connect.PersonServiceListPersonEventsProcedure, action: "get_person"},
	{name: cpisv1connect.PlanServiceAmendPlanProcedure, action: "amend_plan", write: true},
	{name: cpisv1connect.PlanServiceRemovePlanProcedure, action: "remove_plan", write: true},
	{name: cpisv1connect.PlanServiceRecordBirthProcedure, action: "record_birth", write: true},
	{name: cpisv1connect.PlanServiceGetPlanProcedure, action: "get_person"},
	{name: cpisv1connect.PlanServiceListPlansProcedure, action: "list_plans"},
	{name: cpisv1connect.PlanServiceListVersionsProcedure, action: "get_person"},
	{name: cpisv1connect.PlanServiceProposeTransferProcedure, action: "propose_transfer", write: true},
	{name: cpisv1connect.PlanServiceDecideTransferProcedure, action: "decide_transfer", write: true},
	{name: cpisv1connect.PlanServiceListTransfersProcedure, action: "list_plans"},
	{name: cpisv1connect.PlanServiceReplaceNHSNumberProcedure, action: "replace_number", write: true},
	{name: cpisv1connect.PlanServiceProposeChangeProcedure, action: "propose_change", write: true},
	{name: cpisv1connect.PlanServiceDecideChangeProcedure, action: "decide_change", write: true},
	{name: cpisv1connect.PlanServiceListChangesProcedure, action: "list_plans"},
	{name: cpisv1connect.UploadServiceUploadProcedure, action: "upload_plans", write: true, upload: true, limit: maxPart},
	{name: cpisv1connect.UploadServiceApproveUploadProcedure, action: "approve_upload", write: true, slow: true},
	{name: cpisv1connect.UploadServiceCancelUploadProcedure, action: "upload_plans", write: true},
	{name: cpisv1connect.UploadServiceGetUploadProcedure, action: "read_uploads"},
	{name: cpisv1connect.UploadServiceListUploadsProcedure, action: "read_uploads"},
	{name: cpisv1connect.UploadServiceListUploadRowsProcedure, action: "read_uploads"},
	{name: cpisv1connect.UploadServiceDownloadResultProcedure, action: "read_uploads", stream: true},
	{name: cpisv1connect.UploadServiceGetUploadRulesProcedure, action: "read_uploads"},
	{name: cpisv1connect.UploadServiceSetUploadRulesProcedure, action: "set_upload_rules", write: true},
	{name: cpisv1connect.UploadServiceGetQualityReportProcedure, action: "read_uploads"},
	{name: cpisv1connect.NoticeServiceListNoticesProcedure, action: "read_notices"},
	{name: cpisv1connect.NoticeServiceGetNoticeProcedure, action: "read_notices"},
	{name: cpisv1connect.NoticeServiceWatchNoticesProcedure, action: "read_notices", stream: true},
	{name: cpisv1connect.NoticeServiceAcknowledgeNoticeProcedure, action: "answer_notice", write: true},
	{name: cpisv1connect.NoticeServiceAssignNoticeProcedure, action: "answer_notice", write: true},
	{name: cpisv1connect.NoticeServiceListColleaguesProcedure, action: "list_colleagues"},
	{name: cpisv1connect.NoticeServiceGetFiguresProcedure, action: "read_figures"},
	{name: cpisv1connect.NoticeServicePutChannelProcedure, action: "manage_channels", write: true},
	{name: cpisv1connect.NoticeServiceRotateSecretProcedure, action: "manage_channels", write: true},
	{name: cpisv1connect.NoticeServiceRemoveChannelProcedure, action: "manage_channels", write: true},
	{name: cpisv1connect.NoticeServiceTestChannelProcedure, action: "manage_channels"},
	{name: cpisv1connect.NoticeServiceListChannelsProcedure, action: "read_notices"},
	{name: cpisv1connect.EncounterServiceReportMissedAppointmentProcedure, action: "report_missed", write: true, held: true},
	{name: cpisv1connect.EncounterServiceReportWrongPatientProcedure, action: "report_wrong_patient", write: true, held: true},
	{name: cpisv1connect.ContactServiceGetContactsProcedure, action: "read_contacts"},
	{name: cpisv1connect.ContactServiceSetContactsProcedure, action: "set_contacts", write: true},
	{name: cpisv1connect.ContactServiceConfirmContactsProcedure, action: "set_contacts", write: true},
	{name: cpisv1connect.WorkServiceGetWorkListProcedure, action: "read_work"},
	{name: cpisv1connect.LogServiceGetCheckpointProcedure, action: "read_proof"},
	{name: cpisv1connect.LogServiceGetInclusionProofProcedure, action: "read_proof"},
	{name: cpisv1connect.LogServiceGetConsistencyProofProcedure, action: "read_proof"},
	{name: cpisv1connect.ReportServiceGetEntryCountProcedure, action: "read_reports"},
	{name: cpisv1connect.ReportServiceListEntriesProcedure, action: "read_reports"},
	{name: cpisv1connect.ReportServiceListTalliesProcedure, action: "read_reports"},
	{name: cpisv1connect.OversightServiceListReviewsProcedure, action: "read_reports"},
	{name: cpisv1connect.OversightServiceGetReviewProcedure, action: "read_reports"},
	{name: cpisv1connect.OversightServiceCloseReviewProcedure, action: "review_access", write: true},
	{name: cpisv1connect.OversightServiceGetSubjectAccessProcedure, action: "read_reports"},
	{name: cpisv1connect.OversightServiceProposeReleaseProcedure, action: "release_restricted", write: true},
	{name: cpisv1connect.OversightServiceDecideReleaseProcedure, action: "release_restricted", write: true},
	{name: cpisv1connect.OversightServiceListReleasesProcedure, action: "release_restricted"},
	{name: cpisv1connect.OversightServiceGetBoardSummaryProcedure, action: "read_reports"},
	{name: cpisv1connect.OversightServiceGetDigestProcedure, action: "read_reports"},
	{name: cpisv1connect.ExportServiceCreateExportProcedure, action: "export_report", write: true},
	{name: cpisv1connect.ExportServiceGetExportProcedure, action: "read_reports"},
	{name: cpisv1connect.ExportServiceListExportsProcedure, action: "read_reports"},
	{name: cpisv1connect.ExportServiceDownloadExportProcedure, action: "download_export", stream: true},
	{name: cpisv1connect.ExportServiceDeleteExportProcedure, action: "export_report", write: true},
	{name: cpisv1connect.AdminServiceGetPolicyProcedure, action: "explain_policy"},
	{name: cpisv1connect.AdminServiceExplainPolicyProcedure, action: "explain_policy"},
	{name: cpisv1connect.AdminServiceGetStatusProcedure, action: "read_service"},
	{name: cpisv1connect.AdminServiceListFailingChannelsProcedure, action: "read_service"},
	{name: cpisv1connect.AdminServiceListClientsProcedure, action: "read_service"},
})

// unknown stands for whatever is not in the contract. Its path is not kept:
// anything may stand in it.
var unknown = &procedure{name: "unknown", limit: maxRequest}

// tell indexes procedures by their path.
func tell(list []procedure) map[string]*procedure {
	byPath := make(map[string]*procedure, len(list))
	for i := range list {
		p := &list[i]
		byPath[p.name] = p
		p.name = strings.TrimPrefix(p.name, "/")
		p.method = path.Base(p.name)
		if p.limit == 0 {
			p.limit = maxRequest
		}
	}
	return byPath
}

// procedureAt returns the procedure at a path.
func procedureAt(path string) *procedure {
	if p := procedures[path]; p != nil {
		return p
	}
	return unknown
}
