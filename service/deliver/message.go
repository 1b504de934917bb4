package deliver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cpis/audit"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/notice"
	"cpis/service/record"
	"cpis/service/store"
)

// actionDeliver stands in the entries of notices that are sent on.
const actionDeliver = "deliver_notice"

// prepare creates the messages of parcels, and writes down that they will leave.
// A parcel that cannot be made gets its error. An error of prepare itself says
// that nothing was written down: nothing may be sent then.
func (s *Channels) prepare(ctx context.Context, channel *store.ChannelRow, parcels []parcel) error {
	_, sealed, err := s.openChannel(ctx, channel)
	if err == nil && ChannelKind(channel.Kind) == MeshChannel {
		err = s.fillWhole(ctx, channel.Authority, parcels)
	}
	if err != nil {
		failAll(parcels, unopened(err))
		return nil
	}
	now := s.clock.Now()
	var entries []*audit.Entry
	for i := range parcels {
		p := &parcels[i]
		if p.err == nil && ChannelKind(channel.Kind) == WebhookChannel {
			p.err = p.fillReference()
		}
		if p.err != nil {
			continue
		}
		p.message.ID, p.message.At, p.message.To = p.claimed.Notice.String(), now, sealed.To
		p.message.Secrets = sealed.secrets(now)
		entries = append(entries, p.complete())
	}
	if len(entries) == 0 {
		return nil
	}
	return s.dispatchTx(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := s.guard.Enter(ctx, tx, entries...)
		return err
	})
}

// unopened returns the failure if details could not be opened.
func unopened(err error) error {
	if errors.Is(err, guard.ErrUnavailable) {
		return &DeliveryError{failureUnopened}
	}
	return err
}

// complete returns the entry of a parcel, with what is disclosed by it.
func (p *parcel) complete() *audit.Entry {
	e := p.entry
	e.Version, e.Actor, e.Organisation, e.Action = audit.Version, guard.ActorService, p.claimed.Authority, actionDeliver
	e.Request, e.Rule, e.Outcome = p.message.ID, "channel", guard.OutcomeDone
	e.Target = guard.Target(guard.KindNotice, p.claimed.Notice.String())
	return &e
}

// referenceMessage is what a webhook gets: nobody is named in it.
type referenceMessage struct {
	Type      string        `json:"type"`
	Timestamp time.Time     `json:"timestamp"`
	Data      referenceData `json:"data"`
}

type referenceData struct {
	Notice   string `json:"notice_id"`
	Kind     string `json:"kind"`
	Priority bool   `json:"priority"`
}

// fillReference writes the body of a message that names nobody.
func (p *parcel) fillReference() (err error) {
	p.message.Body, err = json.Marshal(referenceMessage{
		Type: "notice.made", Timestamp: p.claimed.At,
		Data: referenceData{p.claimed.Notice.String(), p.claimed.Kind, p.claimed.Priority},
	})
	return err
}

// wholeMessage is what a mailbox gets: the whole notice.
type wholeMessage struct {
	Version      int              `json:"version"`
	Notice       string           `json:"notice_id"`
	Kind         notice.Kind      `json:"kind"`
	Priority     bool             `json:"priority"`
	At           time.Time        `json:"at"`
	Authority    wholeBody        `json:"authority"`
	Person       *wholePerson     `json:"person,omitempty"`
	Plans        []wholePlan      `json:"plans,omitempty"`
	Organisation wholeBody        `json:"organisation,omitzero"`
	Setting      domain.Setting   `json:"setting,omitempty"`
	Actor        wholeActor       `json:"actor,omitzero"`
	Responsible  wholeResponsible `json:"responsible_person,omitzero"`
	Lead         wholeResponsible `json:"safeguarding_lead,omitzero"`
	Encounter    time.Time        `json:"encounter_at,omitzero"`
	Text         string           `json:"text,omitempty"`
	Corrects     string           `json:"corrects,omitempty"`
	Reference    string           `json:"reference,omitempty"`
	Digest       string           `json:"digest,omitempty"` // what the authority did in a week, signed
}

// wholeBody is an organisation or authority.
type wholeBody struct {
	Code string `json:"code,omitempty"`
	Name string `json:"name,omitempty"`
}

type wholePerson struct {
	NHSNumber   string      `json:"nhs_number"`
	Family      string      `json:"family_name"`
	Given       string      `json:"given_name"`
	DateOfBirth domain.Date `json:"date_of_birth"`
}

type wholePlan struct {
	ID        string      `json:"plan_id"`
	Kind      domain.Kind `json:"kind"`
	Reference string      `json:"reference,omitempty"` // the authority's own
}

type wholeActor struct {
	Name string `json:"name,omitempty"`
	Role string `json:"role,omitempty"`
}

type wholeResponsible struct {
	Name  string `json:"name,omitempty"`
	Role  string `json:"role,omitempty"`
	Phone string `json:"phone,omitempty"`
}

// wholeVersion is the version of wholeMessage. Fields may be added to one.
const wholeVersion = 1

// fillWhole writes the bodies of messages that hold the whole notice, and says
// in the entries what they disclose. It asks the keeper for keys, so it does
// not belong into a transaction.
func (s *Channels) fillWhole(ctx context.Context, authority string, parcels []parcel) error {
	ctx, cancel := context.WithTimeout(ctx, guard.Timeout)
	defer cancel()
	whose, err := s.db.Directory.Authority(ctx, authority)
	if err != nil {
		return guard.Translate(err)
	}
	rows := make([]store.NoticeRow, len(parcels))
	for i := range parcels {
		if rows[i], err = s.db.Notices.Get(ctx, parcels[i].claimed.Notice); err != nil {
			return guard.Translate(err)
		}
	}
	opened, err := s.notices.OpenNotices(ctx, authority, rows)
	if err != nil {
		return guard.Translate(err)
	}
	for i := range parcels {
		p := &parcels[i]
		m := wholeOf(&opened.Notices[i])
		m.Authority = wholeBody{whose.GSS, whose.Name}
		if m.Digest, err = s.digest(ctx, authority, &opened.Notices[i]); err != nil {
			return guard.Translate(err)
		}
		p.err = s.fillPlans(p, m, opened.About[rows[i].Person])
		if opened.Notices[i].Degraded {
			p.err = &DeliveryError{failureUnopened}
		}
		if p.err == nil {
			p.message.Body, p.err = json.Marshal(m)
		}
	}
	return nil
}

// digest returns the digest that a notice tells of; nothing for all other notices.
func (s *Channels) digest(ctx context.Context, authority string, n *notice.Notice) (string, error) {
	if n.Kind != notice.Digest {
		return "", nil
	}
	week, err := domain.ParseDate(n.Reference)
	if err != nil {
		return "", s.records.Damaged(record.TableNotice)
	}
	row, err := s.db.Digests.Get(ctx, authority, week.Time())
	return row.Note, err
}

// wholeOf returns a notice as it is sent.
func wholeOf(n *notice.Notice) *wholeMessage {
	m := &wholeMessage{
		Version: wholeVersion, Notice: n.ID, Kind: n.Kind, Priority: n.Priority, At: n.At,
		Organisation: wholeBody{n.Organisation, n.OrganisationName}, Setting: n.Setting,
		Actor:       wholeActor{n.Actor.Name, n.Actor.Role},
		Responsible: wholeResponsible(n.Actor.Responsible), Lead: wholeResponsible(n.Actor.Lead),
		Encounter: n.Encounter, Text: n.Text, Corrects: n.Corrects, Reference: n.Reference,
	}
	if n.Person != nil {
		m.Person = &wholePerson{
			NHSNumber: n.Person.NHSNumber.Reveal(), // to the authority that recorded it
			Family:    n.Person.Family, Given: n.Person.Given, DateOfBirth: n.Person.DateOfBirth,
		}
	}
	return m
}

// fillPlans adds the authority's plans to a message about somebody, and to its
// entry.
func (s *Channels) fillPlans(p *parcel, m *wholeMessage, about *record.Record) error {
	if about == nil || m.Person == nil {
		return nil
	}
	p.entry.Subject, p.entry.Restricted = s.records.Subject(about.Person.NHSNumber), about.Row.Restricted
	for _, plan := range about.Plans {
		if plan.Row.Removed {
			continue
		}
		if err := s.records.OpenOwn(about.Key, &plan); err != nil {
			return fmt.Errorf("writing message: %w", err)
		}
		m.Plans = append(m.Plans, wholePlan{plan.Row.ID.String(), plan.Kind, plan.Reference})
		p.entry.Disclosed = append(p.entry.Disclosed, audit.Disclosed{Plan: plan.Row.ID.String(), Version: plan.Row.Version})
	}
	return nil
}
