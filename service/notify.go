package service

import (
	"encoding/json"

	"github.com/google/uuid"

	"cpis/service/keys"
	"cpis/service/store"
)

// news is a notice that an act makes.
type news struct {
	to           string // GSS code of the authority it is for
	kind         NoticeKind
	priority     bool
	person       uuid.UUID     // zero where it is about nobody
	key          *keys.DataKey // the person's; without it who and text are not kept
	organisation string        // of the caller; empty where it must not be named
	setting      Setting
	encounter    []byte
	corrects     uuid.UUID
	reference    string
	who          who
	text         string
}

// said is what is sealed of a notice.
type said struct {
	who
	Text string `json:"text,omitempty"`
}

func noticeContext(id uuid.UUID) keys.Context {
	return keys.Context{Purpose: "notice", Table: "notice", Row: id.String(), Version: 1}
}

// sealSaid seals what is said with a notice.
func sealSaid(key *keys.DataKey, notice uuid.UUID, v said) []byte {
	text, err := json.Marshal(v)
	if err != nil { // only for years beyond four digits
		return nil
	}
	return key.Seal(text, noticeContext(notice))
}

// tell makes notices. They are written with the entry of the act.
func (s *Service) tell(tx *store.Tx, all ...news) {
	for _, n := range all {
		row := store.NoticeRow{
			ID: newID(), Person: n.person, Authority: n.to, Kind: string(n.kind), Priority: n.priority, At: s.moment(),
			Organisation: n.organisation, Setting: string(n.setting), Encounter: n.encounter,
			Corrects: n.corrects, Reference: n.reference,
		}
		if n.key != nil {
			row.Sealed = sealSaid(n.key, row.ID, said{n.who, n.text})
		}
		tx.Notify(row)
	}
}
