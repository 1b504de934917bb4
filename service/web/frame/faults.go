package frame

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/session"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// fault is a page that says what to do now.
type fault struct {
	status int
	title  string
	words  []string
	not    bool // "this is not a no"
}

// unrecorded comes before all others: joined to a refusal it would otherwise pass for a
// mere refusal.
var unrecorded = fault{http.StatusServiceUnavailable, "The service cannot answer just now", []string{"It may or may not have been saved: look before you send it again."}, true}

// faults are what errors come to, the first that fits. What is none of these is a
// mistake of the program.
var faults = []struct {
	err   error
	fault fault
}{
	{session.ErrEnded, fault{http.StatusForbidden, "You are logged out", []string{"Your session has ended. Log in again to go on."}, false}},
	{guard.ErrUnrecorded, unrecorded},
	{guard.ErrUnavailable, fault{http.StatusServiceUnavailable, "The service cannot answer just now", []string{"Nothing was saved. Try again in a minute."}, true}},
	{errProviderAway, fault{http.StatusServiceUnavailable, "Log-in does not work just now", []string{"Your identity provider does not answer. Try again in a minute."}, true}},
	{guard.ErrDenied, fault{http.StatusForbidden, "You cannot do this here", []string{"Your role, or your organisation, does not let you do this. If you should be able to, ask whoever gives roles in your organisation."}, false}},
	{errCrossSite, fault{http.StatusForbidden, "This form came from another site", []string{"Nothing was done. Open the page here, and fill it in again."}, false}},
	{errOtherPerson, fault{http.StatusForbidden, "Somebody else logged in", []string{"The stronger log-in was another person's. Nothing was changed."}, false}},
	{ErrNoPage, fault{http.StatusNotFound, "Page not found", []string{"If you typed the address, check it. It may also not be yours to see."}, false}},
	{guard.ErrNotFound, fault{http.StatusNotFound, "Page not found", []string{"If you typed the address, check it. It may also not be yours to see."}, false}},
	{guard.ErrConflict, fault{http.StatusConflict, "Somebody changed this while you were typing", []string{"Nothing of yours was saved. Open it again to see what is there now."}, false}},
	{guard.ErrReused, fault{http.StatusConflict, "This was sent before, and said something else", []string{"Nothing was saved this time. Open the page again, and look."}, false}},
	{guard.ErrSamePerson, fault{http.StatusConflict, "A colleague must decide this", []string{"You proposed it, so somebody else has to agree."}, false}},
	{guard.ErrState, fault{http.StatusConflict, "That is not possible any more", []string{"It is no longer in a state in which that can be done. Open it again to see what is there now."}, false}},
	{errTooLarge, fault{http.StatusRequestEntityTooLarge, "That is too much text", []string{"Nothing was saved. Make it shorter, and send it again."}, false}},
	{errFileTooLarge, fault{http.StatusRequestEntityTooLarge, "The file is too big", []string{"Nothing was saved. Leave out whoever has no plan, or send only what has changed."}, false}},
	{ErrUnreadable, fault{http.StatusUnprocessableEntity, "The form could not be read", []string{"Nothing was saved. Open the page again, and fill it in."}, false}},
}

// faultOf returns what an error comes to.
func faultOf(err error) fault {
	if errors.Is(err, guard.ErrUnrecorded) {
		return unrecorded
	}
	if _, busy := errors.AsType[*guard.OverloadedError](err); busy {
		return fault{http.StatusTooManyRequests, "Too many people at once", []string{"Wait a second, and try again."}, true}
	}
	if _, failed := errors.AsType[*failedLogInError](err); failed {
		return fault{http.StatusForbidden, "You are not logged in", []string{"The log-in took too long, or was not finished. Log in again."}, false}
	}
	if _, invalid := errors.AsType[*domain.InvalidError](err); invalid {
		return fault{http.StatusUnprocessableEntity, "Something in the form is not right", []string{"Nothing was saved. Go back and check what you typed."}, false}
	}
	if refused := refusalOf(err); refused != "" {
		return denied(refused)
	}
	for _, f := range faults {
		if errors.Is(err, f.err) {
			return f.fault
		}
	}
	return fault{http.StatusInternalServerError, "Something went wrong", []string{"It is not your mistake. We have been told."}, true}
}

// refusalOf returns the reason of a refusal by the policy, or by the door before it; of
// other errors nothing.
func refusalOf(err error) string {
	if refused, is := errors.AsType[*guard.DeniedError](err); is {
		return refused.Reason
	}
	if errors.Is(err, errNotForRole) {
		return words.OtherRole
	}
	return ""
}

// denied is what a refusal comes to: why, and what to do.
func denied(reason string) fault {
	w := words.In(words.English)
	title := w.Failures.NotHere
	if errors.Is(&guard.DeniedError{Reason: reason}, guard.ErrWeakSignIn) {
		title = "This needs your stronger log-in"
	}
	return fault{http.StatusForbidden, title, w.Refused.Of(reason), false}
}

// faultPage says what went wrong, and what to do now.
type faultPage struct {
	Page

	Heading   nhsuk.Heading
	Words     []string
	NotNo     bool
	Reference string
	Way       nhsuk.Button
	Why       Way // leads to why it was refused
}

// fail answers with the page of an error. That page needs nothing but memory.
func (v *Visit) fail(err error) {
	if v.Status != 0 {
		return // it was answered already
	}
	f := faultOf(err)
	page := &faultPage{
		Page: Page{Title: f.title}, Heading: Heading(f.title), Words: f.words, NotNo: f.not, Reference: v.Request,
		Way: nhsuk.Button{Text: "Go to your home page", Href: "/home", Variant: nhsuk.Secondary},
	}
	if reason := refusalOf(err); reason != "" && f.status == http.StatusForbidden {
		page.Why = Way{Text: page.Say().Refused.Why, Href: "/help/refused/" + reason}
	}
	if failed, ok := errors.AsType[*failedLogInError](err); ok {
		v.Strangers(v.From(v.R), failed.why)
		page.Way = nhsuk.Button{Text: "Log in again", Href: withTo("/log-in/"+failed.provider, failed.to)}
	}
	if busy, ok := errors.AsType[*guard.OverloadedError](err); ok {
		v.W.Header().Set("Retry-After", strconv.Itoa(max(1, int(busy.RetryAfter.Seconds()))))
	}
	if v.Session != nil {
		v.Session.Message.Text = "" // it is for a page that worked
	}
	if shown := v.Show(f.status, "fault", page); shown != nil && v.Status == 0 {
		v.Status = f.status
		http.Error(v.W, f.title+". Call "+v.Hub.Name+" on "+v.Hub.Phone+".", f.status)
	}
}

// plainly is an error as the operator's log has it: ours name nobody; of others the
// kind alone.
func plainly(err error) string {
	for _, f := range faults {
		if errors.Is(err, f.err) {
			return f.err.Error()
		}
	}
	return fmt.Sprintf("%T", err)
}
