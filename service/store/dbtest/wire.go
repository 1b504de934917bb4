package dbtest

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// Wire is a way to a database that breaks where a test wants it to: before a
// request has reached PostgreSQL, or after it was carried out and before the
// answer is back. A request is what a client sends until it waits for an answer:
// a statement, the beginning or the end of a transaction.
type Wire struct {
	to  string // where PostgreSQL listens
	dir string // where it is reached by the wire

	mu     sync.Mutex
	conns  map[net.Conn]bool
	seen   int // requests since Break
	at     int // the one that breaks it; 0 if none does
	landed bool
	broke  bool
}

// NewWire returns a way to a database.
func NewWire(tb testing.TB, db *Database) *Wire {
	tb.Helper()
	u, err := url.Parse(db.Admin)
	if err != nil {
		tb.Fatalf("reading the address of the test database: %v", err)
	}
	w := &Wire{to: socketOf(u), conns: map[net.Conn]bool{}}
	if w.dir, err = os.MkdirTemp("", "cpis-wire-"); err != nil { //nolint:usetesting // a socket's path must be short
		tb.Fatalf("making a directory for the wire: %v", err)
	}
	l, err := net.Listen("unix", filepath.Join(w.dir, ".s.PGSQL.5432"))
	if err != nil {
		tb.Fatalf("listening: %v", err)
	}
	go w.accept(l)
	tb.Cleanup(func() {
		_ = l.Close()
		w.cut()
		_ = os.RemoveAll(w.dir)
	})
	return w
}

// By returns the address by which an address of the database is reached by the
// wire.
func (w *Wire) By(tb testing.TB, address string) string {
	tb.Helper()
	u, err := url.Parse(address)
	if err != nil {
		tb.Fatalf("reading the address of the test database: %v", err)
	}
	q := u.Query()
	q.Set("host", w.dir)
	q.Set("port", "5432")
	u.Host, u.RawQuery = "", q.Encode()
	return u.String()
}

// socketOf returns where PostgreSQL listens: a socket, or an address.
func socketOf(u *url.URL) string {
	if dir := u.Query().Get("host"); dir != "" {
		return filepath.Join(dir, ".s.PGSQL."+u.Query().Get("port"))
	}
	return u.Host
}

// Break has the wire break once, at the request of that number from now on,
// counted from 1: before it arrives, or once it has landed. All connections break.
func (w *Wire) Break(at int, landed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen, w.at, w.landed, w.broke = 0, at, landed, false
}

// Mend has the wire break no more, and reports whether it did.
func (w *Wire) Mend() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = 0
	return w.broke
}

// counts counts a request, and says whether the wire breaks at it, and when.
func (w *Wire) counts() (breaks, landed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen++
	if w.at == 0 || w.broke || w.seen != w.at {
		return false, false
	}
	w.broke = true
	return true, w.landed
}

// cut closes all connections.
func (w *Wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		_ = c.Close()
	}
	clear(w.conns)
}

func (w *Wire) accept(l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			if w.carry(client) != nil {
				_ = client.Close()
			}
		}()
	}
}

// carry carries what goes both ways on one connection.
func (w *Wire) carry(client net.Conn) error {
	network := "tcp"
	if filepath.IsAbs(w.to) {
		network = "unix"
	}
	server, err := net.Dial(network, w.to)
	if err != nil {
		return err
	}
	w.mu.Lock()
	w.conns[client], w.conns[server] = true, true
	w.mu.Unlock()
	link := &link{wire: w, client: client, server: server, ready: make(chan struct{}, 1)}
	go link.answers()
	err = link.requests()
	return errors.Join(err, client.Close(), server.Close())
}

// link is one connection.
type link struct {
	wire           *Wire
	client, server net.Conn

	mu     sync.Mutex
	silent bool          // answers are withheld
	ready  chan struct{} // an answer is complete
}

// requests passes on what the client sends, a request at a time.
func (l *link) requests() error {
	in := bufio.NewReader(l.client)
	if err := l.startUp(in); err != nil {
		return err
	}
	var request []byte
	for {
		message, err := readMessage(in)
		if err != nil {
			return err
		}
		request = append(request, message...)
		switch message[0] {
		case 'Q', 'S': // it waits for an answer now
			if breaks, landed := l.wire.counts(); breaks {
				return l.breakAt(request, landed)
			}
		case 'H', 'X', 'p', 'c', 'd', 'f': // to be passed on at once
		default:
			continue
		}
		if _, err := l.server.Write(request); err != nil {
			return err
		}
		request = request[:0]
	}
}

// breakAt breaks the wire at a request.
func (l *link) breakAt(request []byte, landed bool) error {
	if landed {
		l.withhold()
		if _, err := l.server.Write(request); err != nil {
			return err
		}
		<-l.ready
	}
	l.wire.cut()
	return nil
}

// withhold keeps all answers from the client from now on.
func (l *link) withhold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.silent = true
	select {
	case <-l.ready: // of what was asked before
	default:
	}
}

// startUp passes on the first message, which has no type.
func (l *link) startUp(in *bufio.Reader) error {
	head := make([]byte, 4)
	if _, err := io.ReadFull(in, head); err != nil {
		return err
	}
	size := int(binary.BigEndian.Uint32(head))
	if size < 4 || size > 1<<16 {
		return fmt.Errorf("no PostgreSQL client: %d bytes", size)
	}
	message := slices.Concat(head, make([]byte, size-4))
	if _, err := io.ReadFull(in, message[4:]); err != nil {
		return err
	}
	_, err := l.server.Write(message)
	return err
}

// answers passes on what the server sends.
func (l *link) answers() {
	defer l.client.Close()
	defer close(l.ready)
	out := bufio.NewReader(l.server)
	for {
		message, err := readMessage(out)
		if err != nil {
			return
		}
		if !l.pass(message) {
			return
		}
	}
}

// pass passes an answer on, unless it is withheld.
func (l *link) pass(message []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if message[0] == 'Z' {
		select {
		case l.ready <- struct{}{}:
		default:
		}
	}
	if l.silent {
		return true
	}
	_, err := l.client.Write(message)
	return err == nil
}

// readMessage reads one message of PostgreSQL's protocol.
func readMessage(in *bufio.Reader) ([]byte, error) {
	head := make([]byte, 5)
	if _, err := io.ReadFull(in, head); err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint32(head[1:]))
	if size < 4 || size > 1<<28 {
		return nil, fmt.Errorf("no message of PostgreSQL: %d bytes", size)
	}
	message := slices.Concat(head, make([]byte, size-4))
	_, err := io.ReadFull(in, message[5:])
	return message, err
}
