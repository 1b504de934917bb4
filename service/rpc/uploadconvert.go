package rpc

import (
	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/guard"
	"cpis/service/upload"
)

// The words of uploads, side by side.
var (
	uploadStates = []upload.State{
		cpisv1.UploadState_UPLOAD_STATE_UNSPECIFIED: "",
		cpisv1.UploadState_UPLOAD_STATE_RECEIVED:    upload.Received,
		cpisv1.UploadState_UPLOAD_STATE_CHECKED:     upload.Checked,
		cpisv1.UploadState_UPLOAD_STATE_WAITING:     upload.Waiting,
		cpisv1.UploadState_UPLOAD_STATE_APPLYING:    upload.Applying,
		cpisv1.UploadState_UPLOAD_STATE_APPLIED:     upload.Applied,
		cpisv1.UploadState_UPLOAD_STATE_REJECTED:    upload.Rejected,
		cpisv1.UploadState_UPLOAD_STATE_CANCELLED:   upload.Cancelled,
	}
	// What is not said is a delta in CSV.
	uploadFormats = []upload.Format{
		cpisv1.UploadFormat_UPLOAD_FORMAT_UNSPECIFIED: "",
		cpisv1.UploadFormat_UPLOAD_FORMAT_CSV:         upload.CSV,
		cpisv1.UploadFormat_UPLOAD_FORMAT_SSD:         upload.SSD,
	}
	uploadExtents = []upload.Extent{
		cpisv1.UploadExtent_UPLOAD_EXTENT_UNSPECIFIED: "",
		cpisv1.UploadExtent_UPLOAD_EXTENT_DELTA:       upload.Delta,
		cpisv1.UploadExtent_UPLOAD_EXTENT_WHOLE:       upload.Whole,
	}
	outcomes = []upload.RowOutcome{
		cpisv1.RowOutcome_ROW_OUTCOME_UNSPECIFIED: "",
		cpisv1.RowOutcome_ROW_OUTCOME_NEW:         upload.RowNew,
		cpisv1.RowOutcome_ROW_OUTCOME_UNCHANGED:   upload.RowUnchanged,
		cpisv1.RowOutcome_ROW_OUTCOME_REJECTED:    upload.RowRejected,
		cpisv1.RowOutcome_ROW_OUTCOME_CHANGED:     upload.RowChanged,
		cpisv1.RowOutcome_ROW_OUTCOME_ENDING:      upload.RowEnding,
		cpisv1.RowOutcome_ROW_OUTCOME_HELD_BACK:   upload.RowHeldBack,
	}
)

func uploadFromProto(m *cpisv1.UploadBegin, request string) *upload.Request {
	q := &upload.Request{
		Format:    fromEnum(uploadFormats, m.GetFormat()),
		Extent:    fromEnum(uploadExtents, m.GetExtent()),
		Sequence:  m.GetSequence(),
		Authority: m.GetAuthority(),
		Request:   request,
	}
	if q.Format == "" {
		q.Format = upload.CSV
	}
	if q.Extent == "" {
		q.Extent = upload.Delta
	}
	return q
}

func approveUploadFromProto(m *cpisv1.ApproveUploadRequest, request string) *upload.ApproveRequest {
	return &upload.ApproveRequest{
		UploadID: m.GetUploadId(), Version: int(m.GetVersion()), ConfirmEnding: int(m.GetConfirmEnding()), Request: request,
	}
}

func approveUploadToProto(r *upload.Answer) *cpisv1.ApproveUploadResponse {
	return &cpisv1.ApproveUploadResponse{Upload: uploadToProto(&r.Upload), Receipt: receiptToProto(&r.Receipt)}
}

func cancelUploadFromProto(m *cpisv1.CancelUploadRequest, request string) *upload.CancelRequest {
	return &upload.CancelRequest{
		UploadID: m.GetUploadId(), Version: int(m.GetVersion()), Reason: m.GetReason(), Request: request,
	}
}

func cancelUploadToProto(r *upload.Answer) *cpisv1.CancelUploadResponse {
	return &cpisv1.CancelUploadResponse{Upload: uploadToProto(&r.Upload), Receipt: receiptToProto(&r.Receipt)}
}

func getUploadFromProto(m *cpisv1.GetUploadRequest, request string) *upload.GetRequest {
	return &upload.GetRequest{UploadID: m.GetUploadId(), Request: request}
}

func getUploadToProto(r *upload.Answer) *cpisv1.GetUploadResponse {
	return &cpisv1.GetUploadResponse{Upload: uploadToProto(&r.Upload), Receipt: receiptToProto(&r.Receipt)}
}

func listUploadsFromProto(m *cpisv1.ListUploadsRequest, request string) *upload.ListRequest {
	return &upload.ListRequest{
		WaitingOnly: m.GetWaitingOnly(), Paging: guard.Paging{Size: int(m.GetPageSize()), Page: m.GetPage()}, Request: request,
	}
}

func listUploadsToProto(r *upload.Page) *cpisv1.ListUploadsResponse {
	return &cpisv1.ListUploadsResponse{
		Uploads: each(r.Uploads, uploadToProto), NextPage: r.Next, Receipt: receiptToProto(&r.Receipt),
	}
}

func listUploadRowsFromProto(m *cpisv1.ListUploadRowsRequest, request string) *upload.ListRowsRequest {
	return &upload.ListRowsRequest{
		UploadID: m.GetUploadId(), Outcome: fromEnum(outcomes, m.GetOutcome()), Page: m.GetPage(), Request: request,
	}
}

func listUploadRowsToProto(r *upload.RowPage) *cpisv1.ListUploadRowsResponse {
	return &cpisv1.ListUploadRowsResponse{
		Rows: each(r.Rows, rowToProto), NextPage: r.Next, Receipt: receiptToProto(&r.Receipt),
	}
}

func resultPartToProto(p *upload.ResultPart) *cpisv1.DownloadResultResponse {
	m := &cpisv1.DownloadResultResponse{
		Format: toEnum[cpisv1.UploadFormat](uploadFormats, p.Format), Size: p.Size, Offset: p.Offset, Chunk: p.Chunk,
	}
	if p.Offset == 0 {
		m.Receipt = receiptToProto(&p.Receipt)
	}
	return m
}

func getUploadRulesFromProto(_ *cpisv1.GetUploadRulesRequest, request string) *upload.GetRulesRequest {
	return &upload.GetRulesRequest{Request: request}
}

func getUploadRulesToProto(r *upload.RulesAnswer) *cpisv1.GetUploadRulesResponse {
	return &cpisv1.GetUploadRulesResponse{Rules: rulesToProto(&r.Rules), Receipt: receiptToProto(&r.Receipt)}
}

func setUploadRulesFromProto(m *cpisv1.SetUploadRulesRequest, request string) *upload.SetRulesRequest {
	return &upload.SetRulesRequest{Rules: rulesFromProto(m.GetRules()), Request: request}
}

func setUploadRulesToProto(r *upload.SetRulesResult) *cpisv1.SetUploadRulesResponse {
	return &cpisv1.SetUploadRulesResponse{Version: count(r.Version), Receipt: receiptToProto(&r.Receipt)}
}

func qualityReportFromProto(_ *cpisv1.GetQualityReportRequest, request string) *upload.QualityReportRequest {
	return &upload.QualityReportRequest{Request: request}
}

func uploadToProto(u *upload.Upload) *cpisv1.Upload {
	m := &cpisv1.Upload{
		Id:       u.ID,
		Version:  count(u.Version),
		State:    toEnum[cpisv1.UploadState](uploadStates, u.State),
		Format:   toEnum[cpisv1.UploadFormat](uploadFormats, u.Format),
		Extent:   toEnum[cpisv1.UploadExtent](uploadExtents, u.Extent),
		Sequence: u.Sequence,
		Counts: &cpisv1.UploadCounts{
			Rows:         count(u.Counts.Rows),
			New:          count(u.Counts.New),
			Unchanged:    count(u.Counts.Unchanged),
			Changed:      count(u.Counts.Changed),
			Ending:       count(u.Counts.Ending),
			HeldBack:     count(u.Counts.HeldBack),
			Rejected:     count(u.Counts.Rejected),
			ValidNumbers: count(u.Counts.ValidNumbers),
			Closing:      count(u.Counts.Closing),
		},
		Code:     u.Code,
		Problems: each(u.Problems, violationToProto),
		Warnings: u.Warnings,
		Brake:    u.Brake,
		Sent:     changeToProto(&u.Sent),
		Changed:  timeToProto(u.Changed),
		Size:     u.Size,
		Reasons:  each(u.Reasons, reasonToProto),
		Result:   u.Result,
	}
	if !u.KeptUntil.IsZero() {
		m.KeptUntil = timeToProto(u.KeptUntil)
	}
	if !u.Decided.At.IsZero() {
		m.Decided = changeToProto(&u.Decided)
	}
	return m
}

func reasonToProto(r *upload.ReasonCount) *cpisv1.ReasonCount {
	return &cpisv1.ReasonCount{Field: r.Field, Code: r.Code, Problem: r.Problem, Rows: count(r.Rows)}
}

func rowToProto(r *upload.RowResult) *cpisv1.RowResult {
	return &cpisv1.RowResult{
		Line:       count(r.Line),
		Outcome:    toEnum[cpisv1.RowOutcome](outcomes, r.Outcome),
		PlanId:     r.PlanID,
		Violations: each(r.Violations, violationToProto),
		File:       r.File,
		Code:       r.Code,
		Reference:  r.Reference,
		Changes:    each(r.Changes, fieldChangeToProto),
	}
}

func fieldChangeToProto(c *upload.FieldChange) *cpisv1.FieldChange {
	return &cpisv1.FieldChange{Field: c.Field, Old: c.Old, New: c.New}
}

func rulesToProto(r *upload.Rules) *cpisv1.UploadRules {
	return &cpisv1.UploadRules{
		ApproveSystems:     r.ApproveSystems,
		MaxNew:             count(r.MaxNew),
		MaxChanged:         count(r.MaxChanged),
		MaxEnding:          count(r.MaxEnding),
		MaxRejectedPercent: count(r.MaxRejectedPercent),
		BrakePercent:       count(r.BrakePercent),
		Version:            count(r.Version),
	}
}

func rulesFromProto(m *cpisv1.UploadRules) upload.Rules {
	return upload.Rules{
		ApproveSystems:     m.GetApproveSystems(),
		MaxNew:             int(m.GetMaxNew()),
		MaxChanged:         int(m.GetMaxChanged()),
		MaxEnding:          int(m.GetMaxEnding()),
		MaxRejectedPercent: int(m.GetMaxRejectedPercent()),
		BrakePercent:       int(m.GetBrakePercent()),
		Version:            int(m.GetVersion()),
	}
}

func qualityReportToProto(q *upload.QualityReport) *cpisv1.GetQualityReportResponse {
	return &cpisv1.GetQualityReportResponse{
		ValidNumbersPercent: q.ValidNumbersPercent,
		GoLivePercent:       upload.GoLivePercent,
		LastApplied:         timeToProto(q.LastApplied),
		DaysSince:           signed(q.DaysSince),
		Rejected:            each(q.Rejected, reasonToProto),
		Active:              count(q.Active),
		Overdue:             count(q.Overdue),
		Adults:              count(q.Adults),
		ContactsDays:        signed(q.ContactsDays),
		Receipt:             receiptToProto(&q.Receipt),
	}
}

// signed is count of what may be -1.
func signed(n int) int32 { return max(-1, count(n)) }
