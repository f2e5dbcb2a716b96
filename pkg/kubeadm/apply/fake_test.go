// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"
	"net"
	"net/http"
	"sync"
	"syscall"
	"testing"

	"github.com/nodeprep/nodeprep/pkg/kubeadm/apply/applytest"
)

// connect serves over pipes, so that the clock is the test's, and returns a way
// in. down, if set, tells when connections are refused.
func connect(t *testing.T, s *applytest.Server, down func() bool) *Client {
	t.Helper()
	c, err := NewClient(s.Kubeconfig(t, "https://api:6443"))
	if err != nil {
		t.Fatal(err)
	}
	pipes := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	s.Serve(t, pipes)
	t.Cleanup(c.Close)
	transport, _ := c.http.Transport.(*http.Transport)
	transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		if down != nil && down() {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		}
		here, there := net.Pipe()
		select {
		case pipes.conns <- there:
			return here, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return c
}

type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }
