// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	macA      = "\x02\x00\x00\x00\x00\x0a"
	macB      = "\x02\x00\x00\x00\x00\x0b"
	macC      = "\x02\x00\x00\x00\x00\x0c"
	broadcast = "\xff\xff\xff\xff\xff\xff"
)

func frame(dst, src, payload string) []byte { return []byte(dst + src + "\x88\xb5" + payload) }

// plugs returns n cables into a hub that the test's end closes.
func plugs(t *testing.T, h *Hub, n int) []net.Conn {
	t.Helper()
	conns := make([]net.Conn, n)
	for i := range conns {
		f, err := h.Port()
		if err != nil {
			t.Fatal(err)
		}
		conns[i] = conn(t, f)
	}
	return conns
}

func conn(t *testing.T, f *os.File) net.Conn {
	t.Helper()
	c, err := net.FileConn(f)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// heard is the next frame, or nil when none comes soon.
func heard(t *testing.T, c net.Conn, wait time.Duration) []byte {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(wait)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, maxFrame)
	n, err := c.Read(buf)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return buf[:n]
}

func TestHubFloodsThenLearns(t *testing.T) {
	h := NewHub()
	t.Cleanup(func() { h.Close() })
	p := plugs(t, h, 3)
	steps := []struct {
		name string
		from int
		send []byte
		to   []int
	}{
		{"broadcast reaches all others", 0, frame(broadcast, macA, "1"), []int{1, 2}},
		{"unknown destination is flooded", 1, frame(macC, macB, "2"), []int{0, 2}},
		{"known destination only", 2, frame(macA, macC, "3"), []int{0}},
		{"jumbo frame whole", 0, frame(macC, macA, string(bytes.Repeat([]byte("x"), 9000))), []int{2}},
		{"own port gets nothing back", 0, frame(macA, macA, "4"), nil},
		{"a moved address is learnt anew", 1, frame(macC, macA, "5"), []int{2}},
		{"and reached there", 2, frame(macA, macC, "6"), []int{1}},
		{"a runt is dropped", 0, []byte("short"), nil},
	}
	for _, s := range steps {
		if _, err := p[s.from].Write(s.send); err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		got := map[int][]byte{}
		for i, c := range p {
			if f := heard(t, c, 150*time.Millisecond); f != nil {
				got[i] = f
			}
		}
		want := map[int][]byte{}
		for _, i := range s.to {
			want[i] = s.send
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", s.name, diff)
		}
	}
}

func TestHubSurvivesAMachineThatLeft(t *testing.T) {
	h := NewHub()
	t.Cleanup(func() { h.Close() })
	p := plugs(t, h, 3)
	if err := p[2].Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		want := frame(broadcast, macA, "still here")
		if _, err := p[0].Write(want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, heard(t, p[1], patience)); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
}

func TestHubCloses(t *testing.T) {
	h := NewHub()
	plugs(t, h, 2)
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Port(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a closed hub gave a port: %v", err)
	}
}

func TestWireJoinsItsEndsOnly(t *testing.T) {
	fa, fb, err := NewWire()
	if err != nil {
		t.Fatal(err)
	}
	a, b := conn(t, fa), conn(t, fb)
	stranger, err := net.Dial("udp4", a.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stranger.Close() })
	if _, err := stranger.Write(frame(macA, macC, "intruder")); err != nil {
		t.Fatal(err)
	}
	want := frame(macA, macB, "mine")
	if _, err := b.Write(want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, heard(t, a, patience)); diff != "" {
		t.Errorf("first frame (-want +got):\n%s", diff)
	}
}
