package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

var (
	// ErrNotFound says that what was asked for, or what a new row refers to,
	// does not exist.
	ErrNotFound = errors.New("not found")
	// ErrConflict says that somebody else was first: a version is no longer
	// the stored one, or a key is taken. Nothing was written.
	ErrConflict = errors.New("changed meanwhile")
	// ErrHeadMoved says that the log's head is not the one that was appended
	// to. Nothing was written; read the head and try again.
	ErrHeadMoved = errors.New("head of the log has moved")
	// ErrUncertain says that a commit was asked for and not confirmed: it may
	// or may not have happened, and may yet happen or be lost with a server.
	ErrUncertain = errors.New("commit not confirmed")
	// ErrUnavailable says that the database cannot be used now. Nothing was
	// written, and trying again is safe.
	ErrUnavailable = errors.New("database unavailable")
	// ErrSchema says that the database's schema is not one that this program
	// knows: migrations are missing, or newer ones have run.
	ErrSchema = errors.New("unknown database schema")
	// ErrUnsafe says that the database, as it is set up, could lose what it has
	// confirmed, or that the service is signed in with rights that it must not have.
	ErrUnsafe = errors.New("database is not set up safely")
)

// SQLSTATEs that decide something.
const (
	uniqueViolation      = "23505"
	foreignKeyViolation  = "23503"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	readOnlyTransaction  = "25006"
	lockNotAvailable     = "55P03"
	undefinedTable       = "42P01"
	invalidSchemaName    = "3F000"
	insufficientRights   = "42501"
	idleInTransaction    = "25P03"
)

// failure is what the rest of the program may know of an error of PostgreSQL
// or of the connection to it: messages and details quote values, and stay here.
type failure struct {
	doing string
	kinds []error // sentinels, and the context's error if that was the cause
	what  string  // SQLSTATE and constraint, or the cause of a lost connection
	code  string  // SQLSTATE, if there is one
	again bool    // running the transaction again may succeed
	lost  bool    // the connection is of no more use, and others may not be either
	// unsent says that the server has seen nothing of a statement that commits.
	unsent bool
}

func (f *failure) Error() string {
	parts := []string{f.doing}
	for _, k := range f.kinds {
		parts = append(parts, k.Error())
	}
	if f.what != "" {
		parts = append(parts, f.what)
	}
	return strings.Join(parts, ": ")
}

func (f *failure) Unwrap() []error { return f.kinds }

// translate turns an error of pgx into ours, nil into nil. It is for
// everything but the confirmation of a commit, see commitFailure.
func translate(doing string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*failure](err); ok {
		return err
	}
	f := &failure{doing: doing}
	f.explain(err)
	return f
}

// commitFailure is translate for the error of a statement that commits. Only
// an ERROR of the server says that it did not: FATAL may follow the commit, and
// so may everything of class 57 (operator intervention), because the server
// notices a request to stop or cancel after the commit as well.
//
// The driver's word that nothing was sent is taken only for a write that
// failed. It also says so of a connection that is closed, but a server that
// ends a session while COMMIT waits for a standby closes it too; callers look
// whether it was closed before, see checkOpen.
func commitFailure(doing string, err error) error {
	if err == nil {
		return nil
	}
	f := &failure{doing: doing}
	f.explain(err)
	if pgconn.SafeToRetry(err) && !errors.Is(err, pgconn.ErrConnClosed) {
		f.unsent = true
		return f
	}
	if server, ok := errors.AsType[*pgconn.PgError](err); ok && server.SeverityUnlocalized == "ERROR" && !strings.HasPrefix(server.Code, "57") {
		return f
	}
	f.kinds = append([]error{ErrUncertain}, contextErrors(err)...)
	return f
}

// checkOpen is called before a statement that commits is sent: on a connection
// that is closed already, nothing will be.
func checkOpen(doing string, c *pgx.Conn) error {
	if !c.IsClosed() {
		return nil
	}
	return &failure{doing: doing, kinds: []error{ErrUnavailable}, what: "connection lost", lost: true, unsent: true}
}

// explain fills in what may be said about err.
func (f *failure) explain(err error) {
	var (
		server  *pgconn.PgError
		connect *pgconn.ConnectError
	)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		f.kinds = []error{ErrNotFound}
	case errors.As(err, &connect): // names host, user and database, and no more
		f.kinds, f.what, f.lost = append([]error{ErrUnavailable}, contextErrors(err)...), connect.Error(), true
	case errors.As(err, &server):
		f.explainServer(server)
	case len(contextErrors(err)) > 0:
		f.kinds = append([]error{ErrUnavailable}, contextErrors(err)...)
	case isConnectionLost(err):
		f.kinds, f.what, f.lost = []error{ErrUnavailable}, causeOf(err), true
	default:
		f.what = fmt.Sprintf("unexpected %T", err) // its text may quote a value
	}
}

func (f *failure) explainServer(e *pgconn.PgError) {
	f.code, f.what = e.Code, "SQLSTATE "+e.Code
	if e.ConstraintName != "" {
		f.what += " on " + e.ConstraintName
	}
	f.again = e.Code == serializationFailure || e.Code == deadlockDetected
	f.lost = e.Code == readOnlyTransaction || e.SeverityUnlocalized == "FATAL" || e.SeverityUnlocalized == "PANIC"
	if kind := kindOf(e.Code); kind != nil {
		f.kinds = []error{kind}
	}
}

// kindOf returns the sentinel for a SQLSTATE, nil if there is none.
func kindOf(code string) error {
	switch code {
	case uniqueViolation:
		return ErrConflict
	case foreignKeyViolation:
		return ErrNotFound
	case serializationFailure, deadlockDetected, readOnlyTransaction, lockNotAvailable, idleInTransaction:
		return ErrUnavailable
	}
	switch code[:min(2, len(code))] {
	case "08", "53", "57", "58": // connection, resources, operator, system
		return ErrUnavailable
	}
	return nil
}

// contextErrors returns the context's error if that is why err happened.
func contextErrors(err error) []error {
	switch {
	case errors.Is(err, context.Canceled):
		return []error{context.Canceled}
	case errors.Is(err, context.DeadlineExceeded):
		return []error{context.DeadlineExceeded}
	}
	return nil
}

// isConnectionLost reports whether err comes from the connection, not from what
// was sent over it.
func isConnectionLost(err error) bool {
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || pgconn.SafeToRetry(err)
}

// causeOf names the cause of a lost connection without quoting anything.
func causeOf(err error) string {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Error()
	}
	return "connection lost"
}

// unsent reports whether a statement that commits never got to the server.
func unsent(err error) bool {
	f, ok := errors.AsType[*failure](err)
	return ok && f.unsent
}

// stateOf returns the SQLSTATE of a translated error, "" if there is none.
func stateOf(err error) string {
	if f, ok := errors.AsType[*failure](err); ok {
		return f.code
	}
	return ""
}
