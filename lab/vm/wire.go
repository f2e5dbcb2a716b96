// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// socketBuffer is asked for on each end: an idle guest under emulation may
// not read for tens of milliseconds, and a jumbo frame costs 9 KiB.
const socketBuffer = 4 << 20

// NewWire is one cable: two UDP sockets on loopback, each connected to the
// other, one Ethernet frame per datagram. The kernel picks the ports, and a
// connected socket takes nothing from anyone else, so two racks on one
// machine cannot hear each other. The caller closes both files.
func NewWire() (a, b *os.File, err error) {
	fds, err := boundPair()
	if err != nil {
		return nil, nil, err
	}
	a, b = os.NewFile(uintptr(fds[0]), "wire"), os.NewFile(uintptr(fds[1]), "wire")
	if err := errors.Join(connect(fds[0], fds[1]), connect(fds[1], fds[0])); err != nil {
		return nil, nil, errors.Join(err, a.Close(), b.Close())
	}
	return a, b, nil
}

func boundPair() ([2]int, error) {
	var fds [2]int
	for i := range fds {
		fd, err := loopbackSocket()
		if err != nil {
			if i == 1 {
				err = errors.Join(err, unix.Close(fds[0]))
			}
			return fds, err
		}
		fds[i] = fd
	}
	return fds, nil
}

func loopbackSocket() (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, fmt.Errorf("opening a wire: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return -1, errors.Join(fmt.Errorf("binding a wire to loopback: %w", err), unix.Close(fd))
	}
	enlarge(fd)
	return fd, nil
}

// enlarge asks for more than net.core.rmem_max where that is allowed, and is
// content with the limit where it is not.
func enlarge(fd int) {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, socketBuffer) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, socketBuffer)
	}
}

func connect(fd, peer int) error {
	addr, err := unix.Getsockname(peer)
	if err != nil {
		return fmt.Errorf("reading a wire's port: %w", err)
	}
	if err := unix.Connect(fd, addr); err != nil {
		return fmt.Errorf("connecting a wire: %w", err)
	}
	return nil
}
