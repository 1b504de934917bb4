package files

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"cpis/service/upload"
	"cpis/service/web/frame"
)

// resultNames are what results are called: nothing that somebody named a file.
var resultNames = map[upload.Format]struct{ ending, kind string }{
	upload.CSV: {".csv", "text/csv; charset=utf-8"},
	upload.SSD: {".zip", "application/zip"},
}

// sendResult sends the file with what becomes of its rows. Whoever hears less than its
// length knows that it was cut off.
func (p *pages) sendResult(v *frame.Visit) error {
	until := time.Now().Add(arrivalTime)                        //nolint:forbidigo // the machine's clock is the connection's
	_ = http.NewResponseController(v.W).SetWriteDeadline(until) // if the connection cannot, it has the time that all have
	ask := &upload.ResultRequest{UploadID: v.R.PathValue("id"), Request: v.Request}
	return p.Uploads.DownloadResult(v.R.Context(), v.Caller(), ask, func(part *upload.ResultPart) error {
		if v.Status == 0 {
			form := resultNames[part.Format]
			beginFile(v, "result-"+strings.ToLower(ask.UploadID)+form.ending, form.kind)
			v.W.Header().Set("Content-Length", strconv.FormatInt(part.Size, 10))
			v.W.WriteHeader(v.Status)
		}
		_, err := v.W.Write(part.Chunk)
		return err
	})
}

// sendTemplate sends an empty file, to be filled in.
func sendTemplate(v *frame.Visit) error {
	beginFile(v, "plans.csv", "text/csv; charset=utf-8")
	v.W.WriteHeader(v.Status)
	_, err := v.W.Write([]byte(upload.Template()))
	return err
}

// beginFile says what comes.
func beginFile(v *frame.Visit, name, kind string) {
	v.W.Header().Set("Content-Type", kind)
	v.W.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	v.Status = http.StatusOK
}
