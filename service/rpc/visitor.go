package rpc

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// How long somebody is waited for who has not shown who they are.
const (
	strangerTimeout = 15 * time.Second // on a connection without a request
	refusedTimeout  = time.Second      // for the body of a request that was refused
)

// visitors are the connections of a server. Those on which nobody has shown who
// they are do not stay: whoever asks anything at all is known within moments.
type visitors struct{ all sync.Map } // of net.Conn to *visitor

// visitor is one connection.
type visitor struct {
	conn  net.Conn
	known atomic.Bool // somebody has shown who they are
	busy  atomic.Bool // a request is under way, which has bounds of its own
	timer *time.Timer
	from  atomic.Pointer[string] // where its calls come from, once that is known
}

type visitorKey struct{}

// watch makes a server look after its connections.
func (v *visitors) watch(s *http.Server) {
	s.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		one := &visitor{conn: conn}
		one.timer = time.AfterFunc(strangerTimeout, one.look)
		v.all.Store(conn, one)
		return context.WithValue(ctx, visitorKey{}, one)
	}
	s.ConnState = func(conn net.Conn, state http.ConnState) {
		held, ok := v.all.Load(conn)
		one, _ := held.(*visitor)
		if !ok {
			return
		}
		one.busy.Store(state == http.StateActive)
		if state == http.StateClosed || state == http.StateHijacked {
			one.timer.Stop()
			v.all.Delete(conn)
		}
	}
}

// look closes the connection of a stranger who asks nothing.
func (v *visitor) look() {
	switch {
	case v.known.Load():
	case v.busy.Load():
		v.timer.Reset(strangerTimeout)
	default:
		_ = v.conn.Close()
	}
}

// patience is how long a request may take. Until it is known who calls, that is
// what all have.
type patience struct {
	control *http.ResponseController
	now     func() time.Time
	long    time.Duration // for those who are known; 0 is what all have
	known   bool
}

type patienceKey struct{}

// admitted says that it is known who calls.
func admitted(ctx context.Context) {
	if v, ok := ctx.Value(visitorKey{}).(*visitor); ok {
		v.known.Store(true)
	}
	p, ok := ctx.Value(patienceKey{}).(*patience)
	if !ok {
		return
	}
	if p.known = true; p.long == 0 {
		return
	}
	// If the connection cannot, the request has the time that all have.
	until := p.now().Add(p.long)
	_ = p.control.SetReadDeadline(until)
	_ = p.control.SetWriteDeadline(until)
}

// refused says that it is not known who calls: what they send is not waited for.
func refused(ctx context.Context) {
	if p, ok := ctx.Value(patienceKey{}).(*patience); ok {
		p.end()
	}
}

// end waits no longer for what a stranger sends.
func (p *patience) end() {
	if !p.known {
		_ = p.control.SetReadDeadline(p.now().Add(refusedTimeout))
	}
}
