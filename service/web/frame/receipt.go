package frame

import (
	"encoding/base64"
	"fmt"

	"cpis/service/guard"
)

// ReceiptText is where in the log an act stands, as people keep it and paste it to have
// it checked: the log, the index and the hash.
func ReceiptText(r *guard.Receipt) string {
	return fmt.Sprintf("%s %d %s", r.Log, r.Index, base64.StdEncoding.EncodeToString(r.Leaf[:]))
}
