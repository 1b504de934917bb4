package auditor

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"cpis/service/session"
	"cpis/service/web/frame"
)

// receipt is where in the log an act stands, as somebody was told.
type receipt struct {
	Log   string
	Index int64
	Leaf  []byte
}

// leafSize is how long the hash of an entry is.
const leafSize = 32

// readReceipt reads a receipt as pages show it: the log, the index and the hash, with
// any white space between them.
func readReceipt(text string) (*receipt, bool) {
	parts := strings.Fields(text)
	if len(parts) != 3 {
		return nil, false
	}
	index, err := strconv.ParseInt(parts[1], 10, 64)
	leaf, wrong := base64.StdEncoding.Strict().DecodeString(parts[2])
	if err != nil || wrong != nil || index < 0 || len(leaf) != leafSize {
		return nil, false
	}
	return &receipt{parts[0], index, leaf}, true
}

// text is a receipt as it is pasted.
func (r *receipt) text() string {
	return r.Log + " " + strconv.FormatInt(r.Index, 10) + " " + base64.StdEncoding.EncodeToString(r.Leaf)
}

// receiptDraft names what a receipt is kept as.
func receiptDraft(id string) session.Draft { return session.Draft{Of: "receipt " + id} }

// keepReceipt keeps a receipt for whoever pasted it, and returns what addresses call
// it: what is pasted by mistake stands in none.
func keepReceipt(v *frame.Visit, r *receipt) (id string, err error) {
	id = uuid.NewString()
	return id, v.Sessions.SaveDraft(v.R.Context(), v.Owner(), receiptDraft(id), r)
}

// keptReceipt returns the receipt of the address, if it is there for who asks.
func keptReceipt(v *frame.Visit) (*receipt, bool, error) {
	var r receipt
	found, err := v.Kept(receiptDraft(v.R.PathValue("receipt")).Of, &r)
	return &r, found, err
}
