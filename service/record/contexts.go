package record

import (
	"encoding/hex"
	"fmt"

	"github.com/google/uuid"

	"cpis/service/keys"
)

// What is sealed is bound to what it is for and where it stands, so that a
// ciphertext opens nowhere else. This is the one list of that. Nothing in it may
// change: what was sealed before would not open any more.

// The tables with something sealed. Reports of damage name them, too.
const (
	TableAccess     = "access"
	TableChannel    = "channel"
	TableColleague  = "colleague"
	TableNotice     = "notice"
	TableNoticeAct  = "notice_act"
	TablePerson     = "person"
	TablePlan       = "plan"
	TableProposal   = "proposal"
	TableRelease    = "release"
	TableReport     = "report"
	TableExport     = "export"
	TableExportPart = "export_part"
	TableReview     = "review"
	TableSession    = "session"
	TableDraft      = "draft"
	TableTransfer   = "transfer"
	TableUpload     = "upload"
	TableUploadPart = "upload_part"
	TableUploadRows = "upload_rows"
)

// What sealed texts are for.
const (
	forDetails = "details"
	forFile    = "file"
	forNote    = "note"
	forNotice  = "notice"
	forReason  = "reason"
	forRows    = "rows"
	forWho     = "who"
	forSession = "session"
	forAttempt = "log-in"
	forTyped   = "typed"
)

// DetailsContext is of the details of a row, in one version.
func DetailsContext(table string, row uuid.UUID, version int) keys.Context {
	return keys.Context{Purpose: forDetails, Table: table, Row: row.String(), Version: version}
}

// AccessContext is of who accessed a flag.
func AccessContext(access uuid.UUID) keys.Context {
	return keys.Context{Purpose: forWho, Table: TableAccess, Row: access.String(), Version: 1}
}

// NoticeContext is of what is said with a notice.
func NoticeContext(notice uuid.UUID) keys.Context {
	return keys.Context{Purpose: forNotice, Table: TableNotice, Row: notice.String(), Version: 1}
}

// NoteContext is of what was said when something was done about a notice, which
// made a version of it.
func NoteContext(notice uuid.UUID, version int) keys.Context {
	return keys.Context{Purpose: forNote, Table: TableNoticeAct, Row: notice.String(), Version: version}
}

// ReviewContext is of the reason for break-glass.
func ReviewContext(review uuid.UUID) keys.Context {
	return keys.Context{Purpose: forReason, Table: TableReview, Row: review.String(), Version: 1}
}

// FileContext is of the n-th piece of an upload's file.
func FileContext(upload uuid.UUID, n int) keys.Context {
	return keys.Context{Purpose: forFile, Table: TableUploadPart, Row: upload.String(), Version: n}
}

// RowsContext is of the n-th page of what a run says about an upload's rows.
func RowsContext(upload, run uuid.UUID, n int) keys.Context {
	return keys.Context{Purpose: forRows, Table: TableUploadRows, Row: upload.String() + "/" + run.String(), Version: n}
}

// PieceContext is of the n-th piece of a stream of an attempt to make an export:
// its file, or what is needed for that.
func PieceContext(export uuid.UUID, attempt, stream, n int) keys.Context {
	return keys.Context{
		Purpose: forFile, Table: TableExportPart, Row: fmt.Sprintf("%s/%d/%d", export, attempt, stream), Version: n,
	}
}

// SessionContext is of a log-in to pages.
func SessionContext(id []byte) keys.Context {
	return keys.Context{Purpose: forSession, Table: TableSession, Row: hex.EncodeToString(id), Version: 1}
}

// DraftContext is of what somebody has typed in pages.
func DraftContext(id []byte) keys.Context {
	return keys.Context{Purpose: forTyped, Table: TableDraft, Row: hex.EncodeToString(id), Version: 1}
}

// AttemptContext is of a log-in that has begun, which the browser keeps.
func AttemptContext(state string) keys.Context {
	return keys.Context{Purpose: forAttempt, Table: "browser", Row: state, Version: 1}
}
