package oversight

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/store"
)

// parseEntry parses the line of an entry. An error says that it is no entry of a
// version that this program knows.
func parseEntry(row *store.EntryRow) (audit.Entry, error) {
	e, err := audit.ParseLine(row.Line)
	if err != nil {
		return audit.Entry{}, fmt.Errorf("entry %d: %w", row.Index, err)
	}
	return e, nil
}

// indexRow is what the index knows of an entry, from its line alone.
func indexRow(log store.LogID, index int64, e *audit.Entry) store.IndexRow {
	r := store.IndexRow{
		Log: log, Index: index, At: e.Time.UTC(), Subject: e.Subject,
		Actor: word(e.Actor), Organisation: word(e.Organisation), Role: word(e.Role), Action: word(e.Action), Mode: word(e.Mode),
		Purpose: word(e.Purpose), Outcome: word(e.Outcome), Topic: topicOf(e),
		Refused: guard.IsRefusal(e.Outcome), BreakGlass: e.BreakGlass, Restricted: e.Restricted, Encounter: len(e.Encounter) > 0,
	}
	if len(r.Subject) == 0 {
		r.Subject = nil
	}
	if id, err := uuid.Parse(e.Request); err == nil {
		r.Request = uuid.NullUUID{UUID: id, Valid: true}
	}
	r.OutOfHours = (r.Topic == store.TopicLookUp || r.Topic == store.TopicReading) && e.Actor != guard.ActorService && outOfHours(e.Time)
	return r
}

// word is a text as PostgreSQL can hold it.
func word(s string) string { return strings.ReplaceAll(s, "\x00", "") }

// Office hours, as reports count them. Bank holidays are not known for all years
// to come, and what the index says of an entry must never change: they count as
// working days.
const (
	opens  = 8 * 60
	closes = 18*60 + 30
)

// outOfHours reports whether a time is outside office hours, in England.
func outOfHours(t time.Time) bool {
	t = t.In(domain.London)
	minute := 60*t.Hour() + t.Minute()
	return t.Weekday() == time.Saturday || t.Weekday() == time.Sunday || minute < opens || minute >= closes
}

// topics are what actions are about. Every action stands here. What other
// rooms do by themselves is named by its word: rooms do not know each other, and a
// test compares the words.
var topics = map[policy.Action]store.Topic{
	policy.LookUp: store.TopicLookUp, policy.LookUpMany: store.TopicLookUp,

	policy.GetPerson: store.TopicReading, policy.ListPlans: store.TopicReading, policy.ReadUploads: store.TopicReading,
	policy.ReadNotices: store.TopicReading, policy.ReadContacts: store.TopicReading, policy.ListColleagues: store.TopicReading,
	policy.FindPeople: store.TopicReading, policy.ReadWork: store.TopicReading, policy.ReadFigures: store.TopicReading,

	policy.RegisterPlan: store.TopicPlans, policy.AmendPlan: store.TopicPlans, policy.EndPlan: store.TopicPlans,
	policy.RemovePlan: store.TopicPlans, policy.RecordBirth: store.TopicPlans, policy.ProposeTransfer: store.TopicPlans,
	policy.DecideTransfer: store.TopicPlans, policy.ReplaceNumber: store.TopicPlans, policy.ProposeChange: store.TopicPlans,
	policy.DecideChange: store.TopicPlans, policy.UploadPlans: store.TopicPlans, policy.ApproveUpload: store.TopicPlans,
	"check_upload": store.TopicPlans, "apply_upload": store.TopicPlans, "cancel_upload": store.TopicPlans,

	policy.Configure: store.TopicPolicy, policy.SetUploadRules: store.TopicPolicy,

	policy.SetContacts: store.TopicContacts, "remind_contacts": store.TopicContacts,
	"use_policy": store.TopicPolicy,

	policy.ViewRestricted: store.TopicOther, policy.ReportMissed: store.TopicOther, policy.ReportWrongPatient: store.TopicOther,
	policy.AnswerNotice: store.TopicOther, policy.ReadProof: store.TopicOther, policy.ExplainPolicy: store.TopicOther, policy.ReadService: store.TopicOther,
	policy.LogIn: store.TopicOther, policy.ChooseRole: store.TopicOther, policy.LogOut: store.TopicOther,
	"deliver_notice": store.TopicOther, "unauthenticated": store.TopicOther, actionDigest: store.TopicOther,
	actionRaise: store.TopicOther, actionSample: store.TopicOther,

	policy.ManageChannels: store.TopicChannels,

	policy.ExportLog: store.TopicReports, policy.ReadLog: store.TopicReports, policy.ReadReports: store.TopicReports, policy.ReviewAccess: store.TopicReports,
	policy.ReleaseRestricted: store.TopicReports, policy.SecondRelease: store.TopicReports,
	policy.ExportReport: store.TopicReports, policy.DownloadExport: store.TopicReports,
}

// topicOf is what an entry is about. A command's entry names the command as its
// rule.
func topicOf(e *audit.Entry) store.Topic {
	if e.Action == string(policy.Configure) && e.Rule == string(policy.ExportLog) {
		return store.TopicReports
	}
	if t, ok := topics[policy.Action(e.Action)]; ok {
		return t
	}
	return store.TopicOther
}

// same reports whether two rows say the same.
func same(a, b *store.IndexRow) bool {
	x, y := *a, *b
	x.At, y.At = time.Time{}, time.Time{}
	return a.At.Equal(b.At) && reflect.DeepEqual(x, y)
}

// isUnreadable reports whether an error says that a line is no entry that this
// program knows.
func isUnreadable(err error) bool {
	return errors.Is(err, audit.ErrMalformed) || errors.Is(err, audit.ErrVersion)
}
