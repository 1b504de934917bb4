package rpc

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
)

// The HTTP server writes an answer that is larger than its buffer in two system
// calls: the buffer with the headers, and what is left. The second follows the
// first at once, so a connection can keep the first back and write both
// together. That is a twentieth of what the whole look-up costs in a crowd.

// minJoined is how long a body has to be so that its second write is certain:
// longer than the buffer of the HTTP server, which is 4 KiB.
const minJoined = 8 << 10

// joining listens for connections that join writes.
type joining struct{ net.Listener }

// Accept waits for the next connection.
func (l joining) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err //nolint:wrapcheck // the server looks what it is
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		return &joinedConn{TCPConn: tcp}, nil
	}
	return c, nil
}

// joinedConn keeps one write back when asked to. Writes of one connection come
// one after the other, and join is called by the goroutine that writes.
type joinedConn struct {
	*net.TCPConn

	join bool
	held []byte
}

// Write writes, or keeps back what is followed by another write at once.
func (c *joinedConn) Write(p []byte) (int, error) {
	if c.join {
		c.join = false
		c.held = append(c.held[:0], p...)
		return len(p), nil
	}
	if len(c.held) == 0 {
		return c.TCPConn.Write(p) //nolint:wrapcheck // the server looks what it is
	}
	both := net.Buffers{c.held, p}
	held := int64(len(c.held))
	c.held = c.held[:0]
	n, err := both.WriteTo(c.TCPConn)
	return int(max(0, n-held)), err //nolint:wrapcheck // as above
}

type joinedKey struct{}

// withJoined is a server's ConnContext: it keeps the connection for joinWrites.
func withJoined(ctx context.Context, c net.Conn) context.Context {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	if j, ok := c.(*joinedConn); ok {
		return context.WithValue(ctx, joinedKey{}, j)
	}
	return ctx
}

// joinWrites has the two writes joined that a body of that length takes. Over
// HTTP/2 the connection is not the request's alone, and nothing is done.
func joinWrites(r *http.Request, length int) {
	if r.ProtoMajor != 1 || length < minJoined {
		return
	}
	if c, ok := r.Context().Value(joinedKey{}).(*joinedConn); ok {
		c.join = true
	}
}
