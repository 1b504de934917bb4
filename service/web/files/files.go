// Package files has the pages about files of plans: sending one, what it would do,
// what is wrong with its rows, approving it or giving it up, and its result.
package files

import (
	"context"
	"embed"
	"io/fs"
	"slices"
	"time"

	"cpis/service/identity"
	"cpis/service/upload"
	"cpis/service/web/frame"
)

// Uploads are files of plans. *upload.Uploads does it.
type Uploads interface {
	Upload(ctx context.Context, c *identity.Caller, q *upload.Request, next func() (upload.Part, error)) (*upload.Answer, error)
	ApproveUpload(ctx context.Context, c *identity.Caller, q *upload.ApproveRequest) (*upload.Answer, error)
	CancelUpload(ctx context.Context, c *identity.Caller, q *upload.CancelRequest) (*upload.Answer, error)
	GetUpload(ctx context.Context, c *identity.Caller, q *upload.GetRequest) (*upload.Answer, error)
	ListUploads(ctx context.Context, c *identity.Caller, q *upload.ListRequest) (*upload.Page, error)
	ListUploadRows(ctx context.Context, c *identity.Caller, q *upload.ListRowsRequest) (*upload.RowPage, error)
	GetUploadRules(ctx context.Context, c *identity.Caller, q *upload.GetRulesRequest) (*upload.RulesAnswer, error)
	SetUploadRules(ctx context.Context, c *identity.Caller, q *upload.SetRulesRequest) (*upload.SetRulesResult, error)
	DownloadResult(ctx context.Context, c *identity.Caller, q *upload.ResultRequest, send func(*upload.ResultPart) error) error
	GetQualityReport(ctx context.Context, c *identity.Caller, q *upload.QualityReportRequest) (*upload.QualityReport, error)
}

// UseCases are what these pages show and do. All are required.
type UseCases struct{ Uploads Uploads }

// patience is how long somebody looks at a page that does not come. What takes longer
// goes on meanwhile, and a page says so.
const patience = 3 * time.Second

// pages are the pages over their use cases.
type pages struct{ UseCases }

//go:embed template/*.html
var templates embed.FS

// Area returns the pages.
func Area(u UseCases) frame.Area {
	p := &pages{u}
	folder, _ := fs.Sub(templates, "template") // is embedded
	return frame.Area{
		Who: frame.Leads, Routes: p.routes(), Templates: folder,
		Menu: frame.Menu(frame.Line{Text: "Files", Href: "/files"}),
		Ways: []frame.Way{
			{Text: "Files that wait for approval", Href: "/files?waiting=1", About: "See what each would do, and approve it or give it up"},
			{Text: "Send a file of plans", Href: "/files/new", About: "CSV, or tables of the Standard Safeguarding Dataset"},
			{Text: "Data quality", Href: "/quality", About: "What is missing or doubtful in your plans, and what to do about it"},
		},
	}
}

func (p *pages) routes() []frame.Route {
	return slices.Concat(p.fileRoutes(), []frame.Route{
		{Pattern: "GET /files/rules", Who: frame.Leads, Action: "read_uploads", Serve: p.showRules},
	}, p.changingRules().Routes())
}

// fileRoutes are the pages of files, and of one.
func (p *pages) fileRoutes() []frame.Route {
	return []frame.Route{
		{Pattern: "GET /files", Who: frame.Leads, Action: "read_uploads", Serve: p.list},
		{Pattern: "GET /files/template", Who: frame.Leads, Serve: sendTemplate},
		{Pattern: "GET /quality", Who: frame.Leads, Action: "read_uploads", Serve: p.showQuality},
		{Pattern: "GET /files/new", Who: frame.Leads, Level: 3, Serve: p.ask},
		{Pattern: "POST /files/new", Who: frame.Leads, Action: "upload_plans", Level: 3, Streams: true, Serve: p.take},
		{Pattern: "GET /files/{id}", Who: frame.Leads, Action: "read_uploads", Serve: p.show},
		{Pattern: "GET /files/{id}/rows", Who: frame.Leads, Action: "read_uploads", Serve: p.listRows},
		{Pattern: "GET /files/{id}/result", Who: frame.Leads, Action: "read_uploads", Serve: p.sendResult},
		{Pattern: "GET /files/{id}/approve", Who: frame.Leads, Action: "read_uploads", Level: 3, Serve: p.askToApprove},
		{Pattern: "POST /files/{id}/approve", Who: frame.Leads, Action: "approve_upload", Level: 3, Serve: p.approve},
		{Pattern: "GET /files/{id}/cancel", Who: frame.Leads, Action: "read_uploads", Level: 3, Serve: p.askToCancel},
		{Pattern: "POST /files/{id}/cancel", Who: frame.Leads, Action: "upload_plans", Level: 3, Serve: p.cancel},
	}
}

// get shows where the file of the address stands.
func (p *pages) get(v *frame.Visit) (*upload.Upload, error) {
	found, err := p.Uploads.GetUpload(v.R.Context(), v.Caller(), &upload.GetRequest{UploadID: v.R.PathValue("id"), Request: v.Request})
	if err != nil {
		return nil, err
	}
	return &found.Upload, nil
}
