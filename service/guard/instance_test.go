package guard_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"cpis/policy"
	"cpis/service/directory"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/store"
	"cpis/service/store/dbtest"
)

// claimable is a database as an administrator sees it, with its marks.
type claimable struct {
	data  *dbtest.Database
	admin *directory.Admin
	here  guard.Marks
}

func newClaimable(t *testing.T) *claimable {
	t.Helper()
	data := dbtest.NewUnconnected(t)
	db := dbtest.OpenURL(t, data.Owner, store.Options{Owner: true, AllowUnsafe: true})
	log, err := db.Logs.Find(t.Context(), dbtest.Origin)
	if err != nil {
		t.Fatal(err)
	}
	here, err := guard.ReadMarks(t.Context(), db, "production", "db.example:5432/cpis")
	if err != nil {
		t.Fatal(err)
	}
	return &claimable{data, &directory.Admin{Command: guard.Command{DB: db, Log: log, Now: time.Now, Operator: "operator"}}, here}
}

// claims claims by itself, if the database cannot be a copy.
func (c *claimable) claims(t *testing.T) bool {
	t.Helper()
	claimed, err := c.admin.EnsureClaim(t.Context(), &guard.ClaimRequest{Marks: c.here})
	if err != nil {
		t.Fatal(err)
	}
	return claimed
}

// write makes an entry.
func (c *claimable) write(t *testing.T) {
	t.Helper()
	if err := c.admin.AddOrganisation(t.Context(), "X9X9X", "Somebody", policy.Operator); err != nil {
		t.Fatal(err)
	}
}

func TestANewDatabaseIsClaimedByItselfAndForItselfAlone(t *testing.T) {
	t.Parallel()
	o := newClaimable(t)
	if !o.claims(t) {
		t.Fatal("a new database was not claimed")
	}
	if err := guard.Claimed(t.Context(), o.admin.DB, o.admin.Log, &o.here); err != nil {
		t.Errorf("where it was claimed: %v", err)
	}
	for _, tt := range []struct {
		name   string
		change func(*guard.Marks)
		want   string
	}{
		{"Dump", func(m *guard.Marks) { m.System = "7" }, "another cluster"},
		{"DumpIntoTheSameCluster", func(m *guard.Marks) { m.Database++ }, "another database of this cluster"},
		{"BaseBackup", func(m *guard.Marks) { m.Address = "drill.example:5432/cpis" }, "here it is drill.example:5432/cpis"},
		{"StagingOfTheSameAddress", func(m *guard.Marks) { m.Name = "staging" }, `CPIS_INSTANCE is "staging"`},
	} {
		there := o.here
		tt.change(&there)
		err := guard.Claimed(t.Context(), o.admin.DB, o.admin.Log, &there)
		if !errors.Is(err, guard.ErrCopy) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want ErrCopy with %q", tt.name, err, tt.want)
		}
	}
}

// An installation of an earlier version has entries and no claim, and so has a
// backup of it. Only the installation has servers.
func TestADatabaseWithoutAClaimIsClaimedByItselfOnlyWhileServersAreConnected(t *testing.T) {
	t.Parallel()
	o := newClaimable(t)
	o.write(t)
	if o.claims(t) {
		t.Fatal("what may be a copy was claimed")
	}
	dbtest.OpenURL(t, o.data.App, store.Options{AllowUnsafe: true})
	if !o.claims(t) {
		t.Error("with a server connected: not claimed")
	}
}

func TestClaimingALogWithEntriesNeedsAReasonAndTheWord(t *testing.T) {
	t.Parallel()
	o := newClaimable(t)
	o.write(t)
	r := guard.ClaimRequest{Marks: o.here, Reason: " "}
	if _, ok := errors.AsType[*domain.InvalidError](o.admin.Claim(t.Context(), &r)); !ok {
		t.Error("a claim without a reason was taken")
	}
	r.Reason = "the cluster was lost"
	if err := o.admin.Claim(t.Context(), &r); !errors.Is(err, guard.ErrContinues) {
		t.Errorf("without the word: got %v", err)
	}
	before, err := o.admin.DB.Head(t.Context(), o.admin.Log.ID)
	if err != nil {
		t.Fatal(err)
	}
	r.Continue, o.admin.Copy = true, true
	if err := o.admin.Claim(t.Context(), &r); err != nil {
		t.Fatal(err)
	}
	after, err := o.admin.DB.Head(t.Context(), o.admin.Log.ID)
	if err != nil || after.Size() != before.Size()+1 {
		t.Errorf("a claim is one entry: got %d after %d, %v", after.Size(), before.Size(), err)
	}
	if err := o.admin.AddOrganisation(t.Context(), "X9X9Y", "Somebody", policy.Operator); !errors.Is(err, guard.ErrCopy) {
		t.Errorf("a command on a copy: got %v, want ErrCopy", err)
	}
	r.Continue = false // nothing differs any more
	if err := o.admin.Claim(t.Context(), &r); err != nil {
		t.Errorf("claiming again: %v", err)
	}
}
