package rpc_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"cpis/proto/cpis/v1/cpisv1connect"
	"cpis/service/rpc"
)

// pipes is a listener whose connections stay in memory, so that the time of a
// test is theirs.
type pipes struct {
	ends chan net.Conn
	done chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.ends:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error { close(p.done); return nil }

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }

// within runs a test with a server in time of its own.
func within(t *testing.T, f func(t *testing.T, dial func() net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		l := &pipes{ends: make(chan net.Conn), done: make(chan struct{})}
		server := rpc.NewServer(b.handler, nil, zerolog.Nop())
		ended := make(chan error, 1)
		go func() { ended <- server.Serve(l) }()
		f(t, func() net.Conn {
			ours, theirs := net.Pipe()
			l.ends <- theirs
			return ours
		})
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}

// ask sends the head of a request, and returns the status of its answer.
func ask(t *testing.T, conn net.Conn, path, token, head string) int {
	t.Helper()
	if token != "" {
		head = "Authorization: Bearer " + token + "\r\n" + head
	}
	go func() {
		_, _ = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: service.example\r\nContent-Type: application/json\r\n%s", path, head)
	}()
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%s: no answer: %v", path, err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	return res.StatusCode
}

// lasts says how long a connection stays when nothing is sent any more.
func lasts(conn net.Conn) time.Duration {
	began := time.Now()
	_, _ = io.Copy(io.Discard, conn)
	return time.Since(began)
}

// A stranger gets no more time than others, whatever is asked: the answer comes
// at once although the body does not, and then the connection is closed.
func TestStrangersAreNotWaitedFor(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		cpisv1connect.UploadServiceUploadProcedure, cpisv1connect.UploadServiceApproveUploadProcedure,
		cpisv1connect.NoticeServiceWatchNoticesProcedure, lookUpPath,
	} {
		within(t, func(t *testing.T, dial func() net.Conn) {
			t.Helper()
			for _, head := range []string{"Content-Length: 100\r\n\r\n", "Content-Length: 300000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n"} {
				conn, began := dial(), time.Now()
				status := ask(t, conn, path, "", head)
				if answered, gone := time.Since(began), lasts(conn); answered > 2*time.Second || gone > 2*time.Second {
					t.Errorf("%s, %q: answered %d after %v, gone %v later", path, head, status, answered, gone)
				}
			}
		})
	}
}

// A connection on which nobody has shown who they are does not stay; one of
// those who have does, for their next request.
func TestStrangersConnectionsDoNotStay(t *testing.T) {
	t.Parallel()
	within(t, func(t *testing.T, dial func() net.Conn) {
		t.Helper()
		conn := dial()
		ask(t, conn, lookUpPath, "a stranger's token", "Content-Length: 2\r\n\r\n{}")
		if stayed := lasts(conn); stayed > 15*time.Second {
			t.Errorf("a stranger stayed for %v", stayed)
		}
		conn = dial()
		if stayed := lasts(conn); stayed > 15*time.Second {
			t.Errorf("who asks nothing stayed for %v", stayed)
		}
		conn = dial()
		for range 3 {
			if status := ask(t, conn, lookUpPath, nurseToken, "Content-Length: 2\r\n\r\n{}"); status != http.StatusOK {
				t.Errorf("got %d", status)
			}
			<-time.After(50 * time.Second)
		}
		if stayed := lasts(conn); stayed < time.Minute {
			t.Errorf("who is known stayed for %v", stayed)
		}
	})
}

// Whoever is known has the time that an upload needs.
func TestUploadsOfThoseWhoAreKnownHaveTime(t *testing.T) {
	t.Parallel()
	within(t, func(t *testing.T, dial func() net.Conn) {
		t.Helper()
		conn := dial()
		go func() {
			_, _ = io.WriteString(conn, "POST "+cpisv1connect.UploadServiceUploadProcedure+" HTTP/1.1\r\nHost: service.example\r\n"+
				"Content-Type: application/connect+json\r\nAuthorization: Bearer "+nurseToken+"\r\nX-Request-ID: "+aRequest+
				"\r\nTransfer-Encoding: chunked\r\n\r\n")
		}()
		if stayed := lasts(conn); stayed < 5*time.Minute {
			t.Errorf("a slow upload was cut off after %v", stayed)
		}
	})
}
