package notice

import (
	"encoding/json"

	"github.com/google/uuid"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/record"
	"cpis/service/store"
)

// News is a notice that an act makes.
type News struct {
	To           string // GSS code of the authority it is for
	Kind         Kind
	priority     bool
	Person       uuid.UUID     // zero if it is about nobody
	Key          *keys.DataKey // the person's; without it who and text are not kept
	Organisation string        // of the caller; empty if it must not be named
	setting      domain.Setting
	encounter    []byte
	corrects     uuid.UUID
	Reference    string
	Who          record.Who
	Text         string
}

// Said is what is sealed of a notice.
type Said struct {
	record.Who
	Text string `json:"text,omitempty"`
}

// SealSaid seals what is said with a notice.
func SealSaid(key *keys.DataKey, notice uuid.UUID, v Said) []byte {
	text, err := json.Marshal(v)
	if err != nil { // only for years beyond four digits
		return nil
	}
	return key.Seal(text, record.NoticeContext(notice))
}

// Tell creates notices. They are written with the entry of the act.
func (s *Notices) Tell(tx *store.Tx, all ...News) {
	for _, n := range all {
		row := store.NoticeRow{
			ID: guard.NewID(), Person: n.Person, Authority: n.To, Kind: string(n.Kind), Priority: n.priority, At: s.clock.Moment(),
			Organisation: n.Organisation, Setting: string(n.setting), Encounter: n.encounter,
			Corrects: n.corrects, Reference: n.Reference,
		}
		if n.Key != nil {
			row.Sealed = SealSaid(n.Key, row.ID, Said{n.Who, n.Text})
		}
		tx.Notices.Notify(row)
	}
}
