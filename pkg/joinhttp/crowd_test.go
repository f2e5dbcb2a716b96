// SPDX-License-Identifier: Apache-2.0

package joinhttp

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"testing"
	"time"
)

// house is a bounded listener on loopback that accepts whoever comes.
func house(t *testing.T, most int) (c *crowd, dial func(from string) net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	c, _ = Bounded(l, slog.New(slog.DiscardHandler)).(*crowd)
	c.most = most
	in := make(chan net.Conn)
	go func() {
		for {
			conn, err := c.Accept()
			if err != nil {
				close(in)
				return
			}
			in <- conn
		}
	}()
	return c, func(from string) net.Conn {
		t.Helper()
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		conn, err := d.DialContext(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		accepted := <-in
		t.Cleanup(func() { _ = accepted.Close() })
		return conn
	}
}

// isOpen tells whether the other end of a connection on which nothing is said is
// still there after some time.
func isOpen(conn net.Conn, within time.Duration) bool {
	_ = conn.SetReadDeadline(time.Now().Add(within))
	_, err := conn.Read(make([]byte, 1))
	return errors.Is(err, os.ErrDeadlineExceeded)
}

// An end has to be noticed, on a machine that does much else, too; where none is
// to be, a moment has to do.
const (
	longEnough = 30 * time.Second
	aMoment    = 200 * time.Millisecond
)

// One address with connections without end crowds out itself, and nobody else.
func TestOneAddressCrowdsOutItself(t *testing.T) {
	const most = 20
	c, dial := house(t, most)
	other := dial("127.0.0.2")
	var own []net.Conn
	for range 3 * most {
		own = append(own, dial("127.0.0.3"))
	}
	late := dial("127.0.0.4")
	if c.open != most || len(c.guests) != 3 {
		t.Errorf("%d connections of %d sources are open, want %d of 3", c.open, len(c.guests), most)
	}
	if !isOpen(other, aMoment) || !isOpen(late, aMoment) {
		t.Error("a neighbour's connection was closed")
	}
	if isOpen(own[0], longEnough) || !isOpen(own[len(own)-1], aMoment) {
		t.Error("it is not the oldest that went")
	}
}

// Where nobody has more than another, the oldest goes.
func TestTheOldestOfEqualsGoes(t *testing.T) {
	const most = 5
	c, dial := house(t, most)
	var all []net.Conn
	for i := range most + 1 {
		all = append(all, dial(fmt.Sprintf("127.0.1.%d", i+1)))
	}
	if first := isOpen(all[0], longEnough); first || !isOpen(all[1], aMoment) || c.open != most {
		t.Errorf("the first is open: %v; %d are", first, c.open)
	}
}

// A connection that ends leaves its place, once, whoever ends it.
func TestPlacesAreGivenBack(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, _ := Bounded(l, slog.New(slog.DiscardHandler)).(*crowd)
	for range 100 {
		far, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		near, err := c.Accept()
		if err != nil {
			t.Fatal(err)
		}
		_ = far.Close()
		if _, err := near.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Error(err)
		}
		_, _ = near.Close(), near.Close()
	}
	if c.open != 0 || len(c.guests) != 0 {
		t.Errorf("%d places are taken, by %d sources", c.open, len(c.guests))
	}
}
