package rpc_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/person"
	"cpis/service/rpc"
)

// changeUses stands for the use cases of PlanService that concern persons.
type changeUses struct {
	mu          sync.Mutex
	replacement *person.ReplaceNHSNumberRequest
	proposal    *person.ProposeChangeRequest
	ruling      *person.DecideChangeRequest
	query       *person.ChangeQuery
	ruled       domain.State
	page        person.ChangePage
	err         error
}

var changeReceipt = guard.Receipt{Log: "cpis.example/log/1", Index: 7, TreeSize: 8}

func (u *changeUses) ReplaceNHSNumber(_ context.Context, _ *identity.Caller, q *person.ReplaceNHSNumberRequest) (*person.ReplaceNHSNumberResult, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.replacement = q
	return &person.ReplaceNHSNumberResult{Receipt: changeReceipt}, u.err
}

func (u *changeUses) ProposeChange(_ context.Context, _ *identity.Caller, q *person.ProposeChangeRequest) (*person.ProposeChangeResult, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.proposal = q
	return &person.ProposeChangeResult{ID: "change-1", Receipt: changeReceipt}, u.err
}

func (u *changeUses) DecideChange(_ context.Context, _ *identity.Caller, q *person.DecideChangeRequest) (*person.DecideChangeResult, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.ruling = q
	return &person.DecideChangeResult{State: u.ruled, Receipt: changeReceipt}, u.err
}

func (u *changeUses) ListChanges(_ context.Context, _ *identity.Caller, q *person.ChangeQuery) (*person.ChangePage, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.query = q
	return &u.page, u.err
}

func withChanges(u *changeUses) option {
	return func(cfg *rpc.Config) { cfg.UseCases.Changes = u }
}

func TestChanges_ArriveWhole(t *testing.T) {
	t.Parallel()
	u := &changeUses{ruled: domain.Accepted}
	receipt := &cpisv1.Receipt{Log: "cpis.example/log/1", Index: 7, TreeSize: 8, LeafHash: make([]byte, 32)}
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			_, c := w.open(t, withChanges(u))
			replaced, err := c.plans.ReplaceNHSNumber(t.Context(), &cpisv1.ReplaceNHSNumberRequest{
				OldNhsNumber: "999 000 0018", NewNhsNumber: "9990000034", DateOfBirth: "2019-04-30", Reason: "because",
			})
			if diff := cmp.Diff(&cpisv1.ReplaceNHSNumberResponse{Receipt: receipt}, replaced, protocmp.Transform()); err != nil || diff != "" {
				t.Errorf("ReplaceNHSNumber: %v (-want +got):\n%s", err, diff)
			}
			proposed, err := c.plans.ProposeChange(t.Context(), &cpisv1.ProposeChangeRequest{
				Kind: cpisv1.ChangeKind_CHANGE_KIND_MERGE, NhsNumber: "1", FromNhsNumber: "2", Superseded: true, MergeId: "3", Reason: "because",
			})
			if diff := cmp.Diff(&cpisv1.ProposeChangeResponse{ChangeId: "change-1", Receipt: receipt}, proposed, protocmp.Transform()); err != nil || diff != "" {
				t.Errorf("ProposeChange: %v (-want +got):\n%s", err, diff)
			}
			decided, err := c.plans.DecideChange(t.Context(), &cpisv1.DecideChangeRequest{
				ChangeId: "change-1", Decision: cpisv1.Decision_DECISION_ACCEPT, Reason: "yes",
			})
			want := &cpisv1.DecideChangeResponse{State: cpisv1.ProposalState_PROPOSAL_STATE_ACCEPTED, Receipt: receipt}
			if diff := cmp.Diff(want, decided, protocmp.Transform()); err != nil || diff != "" {
				t.Errorf("DecideChange: %v (-want +got):\n%s", err, diff)
			}
			if _, err := c.plans.ListChanges(t.Context(), &cpisv1.ListChangesRequest{OpenOnly: true, PageSize: 9, Page: "p", ChangeId: "change-1"}); err != nil {
				t.Errorf("ListChanges: %v", err)
			}
			u.check(t)
		})
	}
}

// check checks what the use cases were asked.
func (u *changeUses) check(t *testing.T) {
	t.Helper()
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, pair := range [][2]any{
		{&person.ReplaceNHSNumberRequest{Old: "999 000 0018", New: "9990000034", DateOfBirth: "2019-04-30", Reason: "because", Request: aRequest}, u.replacement},
		{&person.ProposeChangeRequest{
			Kind: person.Merge, NHSNumber: "1", From: "2", Superseded: true, MergeID: "3", Reason: "because", Request: aRequest,
		}, u.proposal},
		{&person.DecideChangeRequest{ChangeID: "change-1", Decision: domain.Accept, Reason: "yes", Request: aRequest}, u.ruling},
		{&person.ChangeQuery{ID: "change-1", OpenOnly: true, Paging: guard.Paging{Size: 9, Page: "p"}, Request: aRequest}, u.query},
	} {
		if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
			t.Errorf("asked for (-want +got):\n%s", diff)
		}
	}
}

func TestListedChanges_AreShownWhole(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	number := func(text string) domain.NHSNumber {
		n, problem := domain.ParseNHSNumber(text)
		if problem != "" {
			t.Fatal(problem)
		}
		return n
	}
	born := day(t, "2019-04-30")
	u := &changeUses{page: person.ChangePage{
		Changes: []person.ProposedChange{
			{
				ID: "change-2", Kind: person.Merge, State: domain.Declined, Superseded: true,
				Person:   domain.Person{NHSNumber: number("9990000034"), Family: "Example", Given: "Robin", DateOfBirth: born},
				From:     domain.Person{NHSNumber: number("9990000018"), Family: "Example", Given: "Robyn", DateOfBirth: born},
				Proposed: domain.Change{Act: "merge", Actor: "lead", Name: "Lead", Organisation: "E09000019", Reason: "because", At: at},
				Decided:  &domain.Change{Act: "decline", Actor: "deputy", Organisation: "E09000019", Reason: "no", At: at.Add(time.Hour)},
			},
			{ID: "change-1", Kind: person.Restrict, State: domain.Open, Proposed: domain.Change{Actor: "lead", At: at}}, // of somebody who was erased
		},
		Next: "change-1", Receipt: changeReceipt,
	}}
	want := &cpisv1.ListChangesResponse{
		Changes: []*cpisv1.ProposedChange{
			{
				Id: "change-2", Kind: cpisv1.ChangeKind_CHANGE_KIND_MERGE, State: cpisv1.ProposalState_PROPOSAL_STATE_DECLINED, Superseded: true,
				Person:   &cpisv1.Person{NhsNumber: "9990000034", FamilyName: "Example", GivenName: "Robin", DateOfBirth: "2019-04-30"},
				From:     &cpisv1.Person{NhsNumber: "9990000018", FamilyName: "Example", GivenName: "Robyn", DateOfBirth: "2019-04-30"},
				Proposed: &cpisv1.Change{Act: "merge", Actor: "lead", Name: "Lead", Organisation: "E09000019", Reason: "because", At: timestamppb.New(at)},
				Decided:  &cpisv1.Change{Act: "decline", Actor: "deputy", Organisation: "E09000019", Reason: "no", At: timestamppb.New(at.Add(time.Hour))},
			},
			{
				Id: "change-1", Kind: cpisv1.ChangeKind_CHANGE_KIND_RESTRICT, State: cpisv1.ProposalState_PROPOSAL_STATE_OPEN,
				Proposed: &cpisv1.Change{Actor: "lead", At: timestamppb.New(at)},
			},
		},
		NextPage: "change-1",
		Receipt:  &cpisv1.Receipt{Log: "cpis.example/log/1", Index: 7, TreeSize: 8, LeafHash: make([]byte, 32)},
	}
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			_, c := w.open(t, withChanges(u))
			got, err := c.plans.ListChanges(t.Context(), &cpisv1.ListChangesRequest{})
			if diff := cmp.Diff(want, got, protocmp.Transform()); err != nil || diff != "" {
				t.Errorf("ListChanges: %v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestEveryKindOfChangeHasItsWord(t *testing.T) {
	t.Parallel()
	u := &changeUses{}
	_, c := wires[0].open(t, withChanges(u))
	names := cpisv1.ChangeKind_name
	seen := map[person.ChangeKind]bool{}
	for value := int32(1); value < int32(len(names)); value++ { // the first is refused by the contract
		_, err := c.plans.ProposeChange(t.Context(), &cpisv1.ProposeChangeRequest{Kind: cpisv1.ChangeKind(value), Reason: "x"})
		if err != nil || u.proposal.Kind == "" || seen[u.proposal.Kind] {
			t.Fatalf("%s: %v, got the word %q", names[value], err, u.proposal.Kind)
		}
		seen[u.proposal.Kind] = true
		u.page = person.ChangePage{Changes: []person.ProposedChange{{Kind: u.proposal.Kind}}}
		page, err := c.plans.ListChanges(t.Context(), &cpisv1.ListChangesRequest{})
		if err != nil || int32(page.GetChanges()[0].GetKind()) != value {
			t.Errorf("%s: %v, came back as %v", names[value], err, page)
		}
	}
}

// What stands in the way of an act is told, without a field.
func TestChanges_SayWhatStandsInTheWay(t *testing.T) {
	t.Parallel()
	u := &changeUses{err: fmt.Errorf("%s: %w", secret, &guard.StateError{Problem: "the person is restricted already"})}
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			_, c := w.open(t, withChanges(u))
			_, err := c.plans.ProposeChange(t.Context(), &cpisv1.ProposeChangeRequest{Kind: cpisv1.ChangeKind_CHANGE_KIND_RESTRICT, Reason: "x"})
			checkAnswer(t, "state", err, connect.CodeFailedPrecondition, "not possible in this state")
			got := detail[cpisv1.InvalidRequest](t, err)
			want := &cpisv1.InvalidRequest{Violations: []*cpisv1.FieldViolation{{Problem: "the person is restricted already"}}}
			if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
				t.Errorf("detail (-want +got):\n%s", diff)
			}
		})
	}
}
