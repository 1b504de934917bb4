package bench

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"cpis/deploy/dev/traffic"
	"cpis/policy"
	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service"
	"cpis/service/identity"
	"cpis/service/store"
	"cpis/service/upload"
)

// people are those who are asked about.
type people struct {
	flagged   []string // NHS numbers
	unflagged []string
}

// How many are asked about, and how often somebody has a flag.
const (
	flaggedPeople   = 2000
	unflaggedPeople = 100_000
	requests        = 20_000
	flaggedOneIn    = 100
)

// benchLog is the log that pgbench's rows pretend to be of.
const benchLog = 99

// numberAt returns the i-th NHS number of those that are never issued.
func numberAt(i int) (string, bool) {
	nine := strconv.Itoa(999_000_000 + i)
	sum := 0
	for j, c := range nine {
		sum += (10 - j) * int(c-'0')
	}
	check := (11 - sum%11) % 11
	return nine + strconv.Itoa(check), check < 10
}

func newPeople() *people {
	p := &people{}
	for i := 0; len(p.unflagged) < unflaggedPeople; i++ {
		n, ok := numberAt(i)
		switch {
		case !ok:
		case len(p.flagged) < flaggedPeople:
			p.flagged = append(p.flagged, n)
		default:
			p.unflagged = append(p.unflagged, n)
		}
	}
	return p
}

// seed fills the database: people who are asked about through an upload, and
// as many others as were asked for as rows of the same size.
func (s *site) seed(ctx context.Context) error {
	s.people = newPeople()
	sv, closeAll, err := openService(ctx, s)
	if err != nil {
		return err
	}
	defer closeAll()
	lead := authoritySystem()
	if err := s.upload(ctx, sv, lead, s.people.file()); err != nil {
		return err
	}
	return s.crowd(ctx)
}

// authoritySystem is a system of Islington.
func authoritySystem() *identity.Caller {
	return &identity.Caller{
		ID: "bench", ClientID: "bench", Issuer: "bench", Roles: policy.RolesOf(policy.LASystem), System: true,
		Organisation: "E09000019", Class: policy.LocalAuthority,
	}
}

// upload uploads a file of plans, and approves that.
func (s *site) upload(ctx context.Context, sv *service.Service, system *identity.Caller, file *bytes.Buffer) error {
	parts := func() (upload.Part, error) {
		if file.Len() == 0 {
			return upload.Part{}, io.EOF
		}
		return upload.Part{Chunk: file.Next(1 << 20)}, nil
	}
	sent, err := sv.Uploads.Upload(ctx, system, &upload.Request{
		Format: upload.CSV, Extent: upload.Delta, Request: uuid.NewString(),
	}, parts)
	if err != nil {
		return fmt.Errorf("uploading: %w", err)
	}
	lead := *system
	lead.Roles, lead.System = policy.RolesOf(policy.SafeguardingLead), false
	applied, err := sv.Uploads.ApproveUpload(ctx, &lead, &upload.ApproveRequest{
		UploadID: sent.Upload.ID, Version: sent.Upload.Version, Request: uuid.NewString(),
	})
	if err != nil {
		return fmt.Errorf("approving: %w", err)
	}
	if applied.Upload.State != upload.Applied {
		return errors.New("upload was not applied")
	}
	return nil
}

// file returns the flagged people as a file of plans.
func (p *people) file() *bytes.Buffer {
	var b bytes.Buffer
	b.WriteString("nhs_number,family_name,given_name,date_of_birth,kind,start,restricted\n")
	for i, n := range p.flagged {
		fmt.Fprintf(&b, "%s,Family%d,Given%d,2019-04-30,cpp,2026-01-02,no\n", n, i, i)
	}
	return &b
}

// past appends the entries that the log has at the beginning.
func (s *site) past(ctx context.Context) error {
	if s.b.Past == 0 {
		return nil
	}
	db, err := store.Open(ctx, s.url("cpis_app"), store.Options{})
	if err != nil {
		return err
	}
	defer db.Close()
	log, err := db.Logs.Find(ctx, origin)
	if err != nil {
		return err
	}
	head, err := db.Head(ctx, log.ID)
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, s.b.cluster.URL("postgres", s.database))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	return traffic.New(int64(s.b.Past), s.b.Now()).Append(ctx, conn, int16(log.ID), head, int64(s.b.Past))
}

// crowdChunk is how many rows are loaded at once.
const crowdChunk = 1_000_000

// crowd copies one person with a plan many times. The copies cannot be opened,
// their MACs do not verify, and nobody asks for them: they are there to make the indexes as deep as they
// would be. Many are loaded in pieces, without checking each against the others:
// they fit, being made together.
func (s *site) crowd(ctx context.Context) error {
	sql := &bytes.Buffer{}
	fmt.Fprintf(sql, `
SET synchronous_commit = off;
SET session_replication_role = replica;
CREATE SEQUENCE IF NOT EXISTS public.bench_idx MINVALUE 0 START 0;
CREATE TABLE IF NOT EXISTS cpis.entry_l%[1]d PARTITION OF cpis.entry FOR VALUES IN (%[1]d);
CREATE TEMP TABLE crowd (i int, id uuid);
`, benchLog)
	for from := 1; from <= s.b.Persons-flaggedPeople; from += crowdChunk {
		fmt.Fprintf(sql, crowdSQL, from, min(from+crowdChunk-1, s.b.Persons-flaggedPeople))
	}
	sql.WriteString("VACUUM ANALYZE; CHECKPOINT;\n")
	cmd := s.b.cluster.Command(ctx, "psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", s.database)
	cmd.Stdin = sql
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("filling the database: %w: %s", err, out)
	}
	return nil
}

const crowdSQL = `
TRUNCATE crowd;
INSERT INTO crowd SELECT i, gen_random_uuid() FROM generate_series(%d, %d) AS i;
INSERT INTO cpis.person (id, restricted, wrapped_key, version, sealed, changed_at, mac)
SELECT c.id, false, p.wrapped_key, 1, p.sealed, p.changed_at, p.mac FROM crowd c, (SELECT * FROM cpis.person LIMIT 1) p;
INSERT INTO cpis.person_tag (tag, person_id, index_version, mac)
SELECT sha256(('crowd' || c.i)::bytea), c.id, 1, t.mac FROM crowd c, (SELECT * FROM cpis.person_tag LIMIT 1) t;
INSERT INTO cpis.plan (id, person_id, authority, version, visible_until, removed, sealed, changed_at, mac)
SELECT gen_random_uuid(), c.id, p.authority, 1, NULL, false, p.sealed, p.changed_at, p.mac FROM crowd c, (SELECT * FROM cpis.plan LIMIT 1) p;
INSERT INTO cpis.holding (id, authority, person_id, mac)
SELECT gen_random_uuid(), h.authority, c.id, h.mac FROM crowd c, (SELECT * FROM cpis.holding LIMIT 1) h;
INSERT INTO cpis.plan_index (plan_id, index_version, plan_version, names, mac)
SELECT l.id, 1, 1, ARRAY(SELECT substr(sha256((k || 'crowd' || c.i)::bytea), 1, 16) FROM generate_series(1, 4) AS k), x.mac
FROM crowd c JOIN cpis.plan l ON l.person_id = c.id, (SELECT * FROM cpis.plan_index LIMIT 1) x;
`

// codec is how messages are written.
type codec struct {
	name, contentType string
	marshal           func(proto.Message) ([]byte, error)
}

var (
	jsonCodec   = codec{"json", "application/json", protojson.Marshal}
	binaryCodec = codec{"binary", "application/proto", proto.Marshal}
)

// lookups returns look-ups by a nurse and a practitioner in turns: every other
// one is unscheduled and has an encounter of its own.
func (s *site) lookups(c codec) load {
	l := load{
		name: "lookup-" + c.name, base: s.base, path: "/cpis.v1.LookupService/LookUp", contentType: c.contentType,
	}
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same requests in every run
	tokens := s.tokens("nurse", "gp")
	for i := range requests {
		number := s.people.unflagged[r.IntN(len(s.people.unflagged))]
		if i%flaggedOneIn == 0 {
			number = s.people.flagged[r.IntN(len(s.people.flagged))]
		}
		m := &cpisv1.LookUpRequest{NhsNumber: number, AccessMode: cpisv1.AccessMode_ACCESS_MODE_SCHEDULED}
		if i%2 == 0 {
			m.AccessMode = cpisv1.AccessMode_ACCESS_MODE_UNSCHEDULED
			m.Encounter = &cpisv1.Encounter{
				Id: "ED-" + strconv.Itoa(r.IntN(1e9)), Setting: cpisv1.Setting_SETTING_EMERGENCY_DEPARTMENT,
			}
		}
		l.requests = append(l.requests, request{tokens[i%2], mustMarshal(c, m)})
	}
	return l
}

// tokens mints a token each for people of the identity provider.
func (s *site) tokens(names ...string) []string {
	tokens := make([]string, len(names))
	for i, name := range names {
		t, err := s.idp.Token(name, tokenLife)
		if err != nil {
			panic(err) // the names stand in this file
		}
		tokens[i] = t
	}
	return tokens
}

// sized returns the same look-ups to who answers them all alike.
func (s *site) sized() load {
	l := s.lookups(jsonCodec)
	l.name, l.base = "sized", s.echoBase
	return l
}

// echoes returns requests that are answered with what they hold.
func (s *site) echoes() load {
	l := load{
		name: "echo", base: s.echoBase, path: "/cpis.v1.LogService/GetCheckpoint", contentType: jsonCodec.contentType,
	}
	for i := range 100 {
		m := &cpisv1.GetCheckpointRequest{Log: hex.EncodeToString([]byte(strconv.Itoa(i) + " bare echo"))}
		l.requests = append(l.requests, request{"-", mustMarshal(jsonCodec, m)})
	}
	return l
}

func mustMarshal(c codec, m proto.Message) []byte {
	b, err := c.marshal(m)
	if err != nil {
		panic(err) // generated messages encode
	}
	return b
}

var tokenLife = tokenLasting(tokenFor)
