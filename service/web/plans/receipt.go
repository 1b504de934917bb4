package plans

import (
	"encoding/hex"

	"cpis/service/guard"
	"cpis/service/web/journey"
	"cpis/service/web/words"
)

// receiptOf is a receipt, as people can keep it and have it checked.
func receiptOf(r *guard.Receipt) []journey.Fact {
	return []journey.Fact{{Name: "Log", Text: r.Log}, {Name: "Entry", Text: words.Number(r.Index)}, {Name: "Leaf", Text: hex.EncodeToString(r.Leaf[:])}}
}
