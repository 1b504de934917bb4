package admin

import (
	"context"
	"encoding/json"
	"time"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/store"
)

// ListClientsRequest asks who may call, and which client systems do.
type ListClientsRequest struct {
	Paging  guard.Paging
	Request string // request id
}

// Clients are the issuers that are trusted, as configured, and a part of the client
// systems that were used. There is no list of client systems that may call: whom an
// issuer gives a token may.
type Clients struct {
	guard.Receipt

	Issuers []identity.Trust
	Used    []Client // by issuer, client and organisation
	Next    string   // where to go on; empty at the end
	Behind  int64    // entries of all logs that were not read yet
}

// Client is a client system that was used for an organisation: whatever came of it.
type Client struct {
	Issuer           string
	ID               string
	Organisation     string // its code
	OrganisationName string // empty if the organisation is not known any more
	Pages            bool   // it is the pages of this service
	First, Last      time.Time
	Trusted          bool // its issuer is trusted today
}

// maxClients is how many client systems one answer has at most.
const maxClients = 200

// ListClients says who may call, and which client systems did when last.
func (s *Installation) ListClients(ctx context.Context, c *identity.Caller, q *ListClientsRequest) (*Clients, error) {
	var check domain.Reader
	size, behind := readClientPage(&check, q.Paging)
	a := guard.Act{Caller: c, Action: policy.ReadService, Request: q.Request, Check: check.Err()}
	return guard.Answer(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*Clients, error) {
		used, err := tx.Index.ClientUses(ctx, behind, size)
		if err != nil {
			return nil, err
		}
		states, err := tx.Index.States(ctx)
		if err != nil {
			return nil, err
		}
		out := &Clients{Issuers: s.trusted(), Next: nextClient(used, size)}
		for i := range states {
			out.Behind += states[i].Size - states[i].Next
		}
		for i := range used {
			out.Used = append(out.Used, clientOf(&used[i], out.Issuers))
		}
		e.Counts = audit.Counts{"shown": int64(len(used))}
		return out, nil
	})
}

// clientOf is a client system that was used, beside the issuers of today.
func clientOf(u *store.ClientUse, issuers []identity.Trust) Client {
	out := Client{
		Issuer: u.Issuer, ID: u.Client, Organisation: u.Organisation, OrganisationName: u.Name, First: u.First, Last: u.Last,
	}
	for i := range issuers {
		if issuers[i].Issuer == u.Issuer {
			out.Trusted, out.Pages = true, issuers[i].PagesClient == u.Client
		}
	}
	return out
}

// readClientPage reads where a part of the client systems begins.
func readClientPage(c *domain.Reader, p guard.Paging) (size int, behind store.ClientUse) {
	size = guard.ReadSize(c, p.Size, maxClients)
	if p.Page == "" {
		return size, behind
	}
	var place [3]string
	b, err := guard.DecodePlace(p.Page)
	if err != nil || json.Unmarshal(b, &place) != nil {
		c.Add("page", guard.ProblemPage, "")
	}
	return size, store.ClientUse{Issuer: place[0], Client: place[1], Organisation: place[2]}
}

// nextClient says where to go on after a part of the client systems.
func nextClient(used []store.ClientUse, size int) string {
	if len(used) < size {
		return ""
	}
	last := &used[len(used)-1]
	b, err := json.Marshal([3]string{last.Issuer, last.Client, last.Organisation})
	if err != nil {
		return "" // texts can be written
	}
	return guard.EncodePlace(b)
}
