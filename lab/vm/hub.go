// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
)

const (
	ethernetHeader = 14
	maxFrame       = 65507 // the largest UDP payload over IPv4
)

type hardwareAddr [6]byte

// Hub is one Ethernet segment in this process: it learns which port a source
// address was last seen on, sends known destinations there and everything
// else to all other ports.
type Hub struct {
	mu     sync.Mutex
	ports  []net.Conn
	learnt map[hardwareAddr]int
	closed bool
	wg     sync.WaitGroup
}

// NewHub is a segment without ports.
func NewHub() *Hub { return &Hub{learnt: map[hardwareAddr]int{}} }

// Port plugs in one more cable and returns its far end, for a NIC. The caller
// closes the file; the hub closes its own end.
func (h *Hub) Port() (*os.File, error) {
	near, far, err := NewWire()
	if err != nil {
		return nil, fmt.Errorf("plugging into the hub: %w", err)
	}
	conn, err := net.FileConn(near)
	if err := errors.Join(err, near.Close()); err != nil {
		return nil, errors.Join(fmt.Errorf("plugging into the hub: %w", err), far.Close())
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, errors.Join(fmt.Errorf("plugging into the hub: %w", net.ErrClosed), conn.Close(), far.Close())
	}
	h.ports = append(h.ports, conn)
	port := len(h.ports) - 1
	h.wg.Go(func() { h.serve(port, conn) })
	return far, nil
}

// Close unplugs every port and returns when no goroutine is left.
func (h *Hub) Close() error {
	h.mu.Lock()
	h.closed = true
	var errs []error
	for _, p := range h.ports {
		errs = append(errs, p.Close())
	}
	h.ports = nil
	h.mu.Unlock()
	h.wg.Wait()
	return errors.Join(errs...)
}

// serve forwards what one port says until the hub closes. A refused datagram
// only says that a machine is off: connected UDP reports the far end's ICMP.
func (h *Hub) serve(port int, conn net.Conn) {
	buf := make([]byte, maxFrame)
	for {
		n, err := conn.Read(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil && n >= ethernetHeader {
			h.forward(port, buf[:n])
		}
	}
}

func (h *Hub) forward(from int, frame []byte) {
	for _, out := range h.route(from, frame) {
		// A full or absent receiver loses the frame, as on any Ethernet.
		_, _ = out.Write(frame)
	}
}

// route learns the frame's source and says where the frame goes.
func (h *Hub) route(from int, frame []byte) []net.Conn {
	dst, src := hardwareAddr(frame[0:6]), hardwareAddr(frame[6:12])
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil
	}
	if src[0]&1 == 0 {
		h.learnt[src] = from
	}
	if to, ok := h.learnt[dst]; ok && dst[0]&1 == 0 {
		if to == from {
			return nil
		}
		return h.ports[to : to+1]
	}
	others := make([]net.Conn, 0, len(h.ports))
	for i, p := range h.ports {
		if i != from {
			others = append(others, p)
		}
	}
	return others
}
