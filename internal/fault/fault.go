// SPDX-License-Identifier: Apache-2.0

// Package fault makes the kernel fail, for tests of what a program does then. A
// fault holds for one thread, which no other test shares.
package fault

import (
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// OnThread runs do on a thread of its own, which ends with it, and with it all
// that was taken from the thread.
func OnThread(t testing.TB, take func() error, do func() error) error {
	t.Helper()
	end := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked
		if err := take(); err != nil {
			t.Errorf("preparing the thread: %v", err)
		}
		end <- do()
	}()
	return <-end
}

// Refuse has the kernel answer a system call with EIO, on this thread alone
// (seccomp(2)).
func Refuse(call uint32) func() error {
	return func() error {
		filter := []unix.SockFilter{
			{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // seccomp_data.nr
			{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: 0, Jf: 1, K: call},
			{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EIO)},
			{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		}
		program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return err
		}
		return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
	}
}

// Powerless takes from a root's thread the right to pass over modes.
func Powerless() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	return unix.Capset(&header, &none[0])
}
