package acceptance_test

import (
	"context"
	"encoding/pem"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
)

// Whenever a server is killed while it sends notices on, none is lost: each
// arrives, and of each person's in order.
func TestServerIsKilledWhileDelivering(t *testing.T) {
	t.Parallel()
	newInstallation(t).killWhileDelivering(fewKills, time.Time{})
}

// TestSoakDelivering is TestServerIsKilledWhileDelivering for longer.
func TestSoakDelivering(t *testing.T) {
	text := os.Getenv("TEST_SOAK")
	if text == "" {
		t.Skip("takes long: make soak runs it")
	}
	whole, err := time.ParseDuration(text)
	must(t, err)
	newInstallation(t).killWhileDelivering(serverKills, time.Now().Add(whole/8))
}

// hook is a receiver of webhooks. It takes its time, and refuses now and then.
type hook struct {
	*httptest.Server

	mu     sync.Mutex
	random *rand.Rand
	taken  []string // ids, as often as they came
}

func newHook(in *installation) *hook {
	h := &hook{random: rand.New(rand.NewPCG(in.seed, 99))}
	h.Server = httptest.NewTLSServer(http.HandlerFunc(h.serve))
	in.tb.Cleanup(h.Close)
	return h
}

func (h *hook) serve(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	pause, refuse := time.Duration(h.random.IntN(30))*time.Millisecond, h.random.IntN(20) == 0
	if !refuse {
		h.taken = append(h.taken, r.Header.Get("Webhook-Id"))
	}
	h.mu.Unlock()
	time.Sleep(pause) // what was taken is not told before
	if refuse {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

// all returns the ids that came, in their order.
func (h *hook) all() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.taken...)
}

// settings have a server send to the hook.
func (h *hook) settings(tb testing.TB) []string {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.Certificate().Raw})
	must(tb, os.WriteFile(file, text, 0o600))
	return []string{"CPIS_WEBHOOK_ALLOW=127.0.0.0/8", "CPIS_WEBHOOK_CA=" + file}
}

// killWhileDelivering kills a server that sends notices on, again and again, at
// least so many times and until then.
func (in *installation) killWhileDelivering(times int, until time.Time) {
	in.tb.Helper()
	h := newHook(in)
	s := in.newServer(h.settings(in.tb)...)
	notices := cpisv1connect.NewNoticeServiceClient(in.dial(s, protocols[0]).as("lead@" + islington))
	ctx, _ := named(in.tb.Context(), uuid.NewString())
	_, err := notices.PutChannel(ctx, &cpisv1.PutChannelRequest{Channel: &cpisv1.Channel{
		Rank: 1, To: &cpisv1.Channel_Webhook{Webhook: &cpisv1.Webhook{Url: h.URL}},
	}})
	must(in.tb, err)
	in.registerChildren(s) // there are notices of overlapping plans already
	stop := in.attend(s)
	kills := 0
	for ; more(kills, times, until); kills++ {
		before := len(h.all())
		in.await("deliveries", func() bool { return len(h.all()) > before+20+kills%30 })
		in.jitter(30 * time.Millisecond)
		s.process.kill()
		in.endLeases()
		s.start()
	}
	stop()
	in.endLeases()
	in.await("everything to be delivered", func() bool {
		in.endLeases() // of what was refused
		return in.undelivered() == 0
	})
	in.checkDelivered(h)
	in.tb.Logf("killed the server %d times; %d messages came", kills, len(h.all()))
}

// attend has children turn up one after the other, until stop is called.
func (in *installation) attend(s *server) (stop func()) {
	in.tb.Helper()
	ctx, cancel := context.WithCancel(in.tb.Context())
	lookups := cpisv1connect.NewLookupServiceClient(in.dial(s, protocols[0]).as("nurse"))
	var running sync.WaitGroup
	running.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			ask, _ := named(ctx, uuid.NewString())
			_, err := lookups.LookUp(ask, &cpisv1.LookUpRequest{
				NhsNumber:  in.children[i%len(in.children)].number,
				AccessMode: cpisv1.AccessMode_ACCESS_MODE_UNSCHEDULED,
				Encounter:  &cpisv1.Encounter{Id: uuid.NewString(), Setting: cpisv1.Setting_SETTING_EMERGENCY_DEPARTMENT},
			})
			if err != nil {
				rest(ctx, breather) // the server is down
			}
			rest(ctx, 20*time.Millisecond) // no more than one receiver takes
		}
	})
	stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	in.tb.Cleanup(stop)
	return stop
}

// sql runs something as a superuser.
func (in *installation) sql(do func(ctx context.Context, conn *pgx.Conn) error) {
	in.tb.Helper()
	ctx := in.tb.Context()
	conn, err := pgx.Connect(ctx, in.cluster.URL("cpis_owner", "cpis"))
	must(in.tb, err)
	defer func() { _ = conn.Close(ctx) }()
	must(in.tb, do(ctx, conn))
}

// endLeases lets the time pass for which others wait after a server was killed,
// or after a failure.
func (in *installation) endLeases() {
	in.tb.Helper()
	in.sql(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `
			UPDATE cpis.delivery
			SET due_at = now()
			WHERE state = 'pending'
			  AND due_at > now();
			UPDATE cpis.channel
			SET rests_until = NULL
			WHERE rests_until IS NOT NULL`)
		return err
	})
}

// undelivered is how many notices the authority's channel has not delivered.
func (in *installation) undelivered() (n int) {
	in.tb.Helper()
	in.sql(func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `
			SELECT count(*)
			FROM cpis.notice AS n
			WHERE n.authority = $1
			  AND NOT EXISTS (SELECT FROM cpis.delivery AS d WHERE d.notice_id = n.id AND d.state = 'delivered')`, islington).Scan(&n)
	})
	return n
}

// checkDelivered checks that every notice came, and those of each person first
// in the order in which they were made.
func (in *installation) checkDelivered(h *hook) {
	in.tb.Helper()
	first := map[string]int{}
	for i, id := range h.all() {
		if _, again := first[id]; !again {
			first[id] = i
		}
	}
	last := map[string]int{}
	made := 0
	in.sql(func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, `
			SELECT id::text, person_id::text
			FROM cpis.notice
			WHERE authority = $1
			ORDER BY entry, id`, islington)
		if err != nil {
			return err
		}
		var id, person string
		_, err = pgx.ForEachRow(rows, []any{&id, &person}, func() error {
			made++
			at, came := first[id]
			if before, known := last[person]; !came || known && at < before {
				in.tb.Errorf("notice %s: came %v, as number %d after %d", id, came, at, before)
			}
			last[person] = at
			return nil
		})
		return errors.Join(err, rows.Err())
	})
	if made == 0 || len(first) != made {
		in.tb.Errorf("%d notices were made, %d came", made, len(first))
	}
}
