// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// doors are where joinsvc is asked.
type doors struct{ hosts, operators net.Listener }

// listen opens the doors. Whoever connects before somebody answers waits.
func listen(c config) (doors, error) {
	hosts, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return doors{}, fmt.Errorf("listening for hosts: %w%s", err, cmp.Or(running(c.DataDir), nextDoor(err)))
	}
	operators, err := listenUnix(c.AdminSocket)
	if err != nil {
		return doors{}, errors.Join(fmt.Errorf("listening for operators: %w%s", err, running(c.DataDir)), hosts.Close())
	}
	return doors{hosts, operators}, nil
}

// nextDoor is what to do about an address that cannot be had, beginning "; ".
func nextDoor(err error) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "; `ss -ltnp` names the program that has it: stop that, or give joinsvc another address (listen in its configuration)"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "; the address is none of this machine's: give one of `ip address`, or none for all (listen in joinsvc's configuration)"
	case errors.Is(err, syscall.EACCES):
		return "; ports below 1024 want a right that joinsvc does not have: give it another (listen in its configuration)"
	}
	return ""
}

func (d doors) close() {
	// A server that was shut down has closed its own.
	_ = d.hosts.Close()
	_ = d.operators.Close()
}

// lock makes the data folder and takes it for this process. Without it a
// second joinsvc would hang on the database that the first has open.
func lock(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the data folder: %w", err)
	}
	f, err := os.OpenFile(lockFile(dir), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the data folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("locking the data folder %s: %w%s", dir, err, holder(dir)), f.Close())
	}
	if err := sign(f); err != nil {
		return nil, errors.Join(fmt.Errorf("locking the data folder: %w", err), f.Close())
	}
	return func() { _ = f.Close() }, nil // closing unlocks (flock(2))
}

func lockFile(dir string) string { return filepath.Join(dir, "lock") }

// sign says in the lock file who holds it, for people and for running.
func sign(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// running says which process holds the data folder, "" when none does. It
// takes no lock to find out, which could be in the way of who starts just now.
func running(dir string) string {
	info, err := os.Stat(lockFile(dir))
	if err != nil {
		return ""
	}
	locks, err := os.ReadFile("/proc/locks")
	stat, ok := info.Sys().(*syscall.Stat_t)
	if err != nil || !ok {
		return ""
	}
	// proc_locks(5): "1: FLOCK  ADVISORY  WRITE 4711 fe:01:1835 0 EOF".
	of := fmt.Sprintf("%02x:%02x:%d", unix.Major(stat.Dev), unix.Minor(stat.Dev), stat.Ino)
	if !slices.Contains(strings.Fields(string(locks)), of) {
		return ""
	}
	return holder(dir)
}

// holder names the process that holds the data folder, by what it signed.
func holder(dir string) string {
	signed, err := os.ReadFile(lockFile(dir))
	process := ""
	if pid, bad := strconv.Atoi(strings.TrimSpace(string(signed))); err == nil && bad == nil {
		process = fmt.Sprintf(", process %d,", pid)
	}
	return fmt.Sprintf("; another joinsvc%s runs on the data folder %s: stop it first", process, dir)
}

// listenUnix listens on a socket that only its owner may open. One that an
// earlier process left behind is replaced, and nothing else is.
func listenUnix(path string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	if conn, err := net.Dial("unix", path); err == nil {
		return nil, errors.Join(fmt.Errorf("%s is answered by another process; stop that, or give this one another adminSocket", path), conn.Close())
	}
	if err := clearSocket(path); err != nil {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	// Opening a socket needs the right to write to it (unix(7)), which no
	// usual umask leaves to others in the meantime.
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// clearSocket removes a socket. What is none somebody else keeps there.
func clearSocket(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s is there and is no socket; it stays: give joinsvc another path (adminSocket in its configuration)", path)
	}
	return os.Remove(path)
}
