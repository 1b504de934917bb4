package archtest

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// An arrow is a row of the table: what a package may import of this module.
type arrow struct {
	from string
	to   []string
}

// arrows is the whole table. A package without a row may not exist, and "/..."
// covers a folder with all that lies beneath.
//
// What is absent matters as much: audit and policy stand alone, so that an
// auditor can build the one and a reviewer read the other; planfile, which reads
// what anybody may send, reaches the rule of text only; store cannot name a
// plaintext plan; the faces (rpc, web, fhir, hl7) see the rooms that they show,
// and neither record nor store nor keys nor policy nor what puts it all together,
// so they decide nothing and cannot pass the log by. What text from outside may
// hold is one rule for all who take it, so it stands alone as well.
//
// The rooms of service point one way: domain has the words, guard is the way in,
// record is what is held about people, notice what authorities are told; the
// others stand on these, and on each other only as said here.
var arrows = []arrow{
	{from: "audit"},
	{from: "audit/archive", to: []string{"audit"}},
	{from: "policy"},
	{from: "proto/...", to: []string{"proto/..."}},
	{from: "service/text"},

	{from: "service/store/...", to: []string{"audit", "service/store/..."}},
	{from: "service/keys"},
	{from: "service/keys/internal/..."},
	{from: "service/keys/vault", to: []string{"service/keys", "service/keys/internal/..."}},
	{from: "service/keys/local", to: []string{"service/keys", "service/keys/internal/..."}},
	{from: "service/identity/...", to: []string{"policy", "service/identity/...", "service/text"}},
	{from: "service/reference", to: []string{"policy"}},
	{from: "service/planfile", to: []string{"service/text"}},

	{from: "service/domain", to: []string{"service/text"}},
	{from: "service/guard", to: ground("service/domain")},
	{from: "service/record", to: ground("service/domain", "service/guard")},
	{from: "service/notice", to: ground("service/domain", "service/guard", "service/record")},
	{from: "service/directory", to: ground("service/domain", "service/guard", "service/notice")},
	{from: "service/auditlog", to: ground("service/domain", "service/guard", "service/record")},
	{from: "service/plan", to: ground("service/domain", "service/guard", "service/record", "service/notice")},
	{from: "service/person", to: ground("service/domain", "service/guard", "service/record", "service/notice")},
	{from: "service/deliver", to: ground("service/domain", "service/guard", "service/record", "service/notice")},
	{from: "service/lookup", to: ground("service/domain", "service/guard", "service/record", "service/notice", "service/directory")},
	{from: "service/upload", to: ground(
		"service/domain", "service/guard", "service/record", "service/notice", "service/plan", "service/planfile",
	)},
	{from: "service/work", to: ground("service/domain", "service/guard", "service/record")},
	{from: "service/oversight", to: ground("service/domain", "service/guard", "service/record", "service/notice")},
	{from: "service/release", to: ground("service/domain", "service/guard", "service/record")},
	{from: "service/export", to: ground(
		"audit/archive", "service/domain", "service/guard", "service/record", "service/auditlog", "service/oversight",
	)},
	{from: "service/session", to: ground("service/domain", "service/guard", "service/record")},
	{from: "service/admin", to: ground("service/domain", "service/guard", "service/directory")},

	// Puts the rooms together.
	{from: "service", to: ground(
		"service/domain", "service/guard", "service/record", "service/notice", "service/directory", "service/auditlog", "service/plan",
		"service/person", "service/deliver", "service/lookup", "service/upload", "service/oversight", "service/release", "service/export",
		"service/session", "service/work", "service/admin",
	)},

	{from: "service/deliver/outbound", to: []string{"service/deliver"}},
	{from: "service/deliver/...", to: []string{"service/deliver", "service/deliver/outbound"}},

	{from: "service/rpc/...", to: face("service/rpc/...", "proto/...", "service/lookup", "service/plan", "service/person", "service/upload",
		"service/notice", "service/deliver", "service/directory", "service/auditlog", "service/oversight", "service/release", "service/export", "service/work",
		"service/admin")},
	{from: "service/web/...", to: face("service/web/...", "service/lookup", "service/plan", "service/person", "service/upload",
		"service/notice", "service/deliver", "service/directory", "service/auditlog", "service/oversight", "service/release", "service/export",
		"service/session", "service/work", "service/admin")},
	// Hands the rooms to the faces.
	{from: "service/faces", to: []string{"policy", "service", "service/domain", "service/identity", "service/rpc", "service/web/..."}},
	{from: "service/fhir/...", to: face("service/fhir/...", "service/lookup", "service/notice")},
	{from: "service/hl7/...", to: face("service/hl7/...", "service/lookup", "service/notice")},

	// Wiring, and the clients among the commands. What `cpis dev` and `cpis
	// bench` start are the only helpers that the program contains.
	{from: "cmd/...", to: []string{
		"audit", "audit/archive", "policy", "proto/...", "service/...", "cmd/...",
		"deploy/postgres", "deploy/dev/bench", "deploy/dev/demo", "deploy/dev/idp", "deploy/dev/pgdev", "deploy/dev/vaultdev",
	}},

	// What an administrator runs, embedded where `cpis dev` runs it.
	{from: "deploy/postgres"},
}

// ground is what every room stands on, and more.
func ground(more ...string) []string {
	return append([]string{"audit", "policy", "service/identity", "service/keys", "service/store", "service/text"}, more...)
}

// face is what every face stands on, and the rooms that it shows.
func face(more ...string) []string {
	return append([]string{"service/domain", "service/guard", "service/identity", "service/text"}, more...)
}

// A home says which packages of ours alone may import a library.
type home struct {
	library string
	in      []string
}

var homes = []home{
	{library: "github.com/jackc/pgx/v5/...", in: []string{"service/store/..."}},
	{library: "github.com/pressly/goose/v3/...", in: []string{"service/store/..."}},
	{library: "database/sql/...", in: []string{"service/store/..."}},
	{library: "github.com/hashicorp/vault/...", in: []string{"service/keys/vault"}},
	{library: "github.com/casbin/...", in: []string{"policy"}},
	{library: "connectrpc.com/...", in: []string{"proto/...", "service/rpc/...", "cmd/..."}},
	{library: "google.golang.org/protobuf/...", in: []string{"proto/...", "service/rpc/...", "cmd/..."}},
	{library: "net/http/...", in: []string{
		"service/identity/...", "service/keys/vault", "service/deliver/outbound", "service/deliver/webhook", "service/deliver/mesh",
		"service/rpc/...", "service/fhir/...", "service/hl7/...", "service/web/...", "cmd/...",
	}},
	{library: "github.com/rs/zerolog/...", in: []string{
		"service", "service/rpc/...", "service/fhir/...", "service/hl7/...", "service/web/...", "cmd/...",
	}},
	// Only to say, in LogValue, that a secret is not to be shown.
	{library: "log/slog", in: []string{"service/keys"}},
	// Global loggers have no home.
	{library: "github.com/rs/zerolog/log"},
	{library: "log"},
}

// A reach says what a package must be able to do without, however indirectly.
type reach struct {
	from  string
	never []string
}

var unreachable = []reach{
	{from: "audit", never: []string{"net/...", "database/sql/...", "os/exec"}},
	{from: "audit/archive", never: []string{"net/...", "database/sql/...", "os/exec"}},
	{from: "policy", never: []string{"net/http/...", "database/sql", "os/exec"}},
	{from: "service/planfile", never: []string{"net/...", "database/sql/...", "os/exec"}},
	{from: "cmd/...", never: []string{"testing/...", "net/http/httptest"}},
}

// top is what lies at the top of the tree.
var top = []string{
	"LICENSE", "Makefile", "README.md", "buf.yaml", "go.mod", "go.sum",
	"audit", "cmd", "deploy", "docs", "policy", "proto", "service",
}

// Table draws the arrows for people to read.
func Table() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "package\tmay import, of this module")
	for _, row := range arrows {
		to := strings.Join(row.to, " ")
		if to == "" {
			to = "nothing"
		}
		fmt.Fprintf(w, "%s\t%s\n", row.from, to)
	}
	fmt.Fprintln(w, "\nlibrary\tmay be imported by")
	for _, h := range homes {
		in := strings.Join(h.in, " ")
		if in == "" {
			in = "nobody"
		}
		fmt.Fprintf(w, "%s\t%s\n", h.library, in)
	}
	w.Flush() // cannot fail: a strings.Builder takes everything
	return b.String()
}
