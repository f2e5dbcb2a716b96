// SPDX-License-Identifier: Apache-2.0

package etcd

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// A StoreError says what is wrong with the files of the store, and what to do.
type StoreError struct {
	File   string // or folder
	What   string // one sentence, what was found
	Remedy string // one sentence or more
	Err    error  // etcd's or the kernel's own words; may be nil
}

// Error is all of it.
func (e *StoreError) Error() string {
	s := e.File + ": " + e.What
	if e.Err != nil {
		s += " (" + e.Err.Error() + ")"
	}
	return s + ". " + e.Remedy
}

func (e *StoreError) Unwrap() error { return e.Err }

// failure takes the first error that etcd cannot go on with. etcd ends the
// process for it, by zap's Fatal (status 1, and one line of JSON) or Panic (a
// stack trace); here it ends the goroutine that cannot go on, and joinsvc ends
// itself, with a sentence for people.
type failure struct {
	once sync.Once
	err  error
	done chan struct{}
}

func newFailure() *failure { return &failure{done: make(chan struct{})} }

func (f *failure) set(err error) {
	f.once.Do(func() {
		f.err = err
		close(f.done)
	})
}

// get is the error that was set, nil before.
func (f *failure) get() error {
	select {
	case <-f.done:
		return f.err
	default:
		return nil
	}
}

// options make a logger's Fatal and Panic end in f.
func (f *failure) options() []zap.Option {
	return []zap.Option{zap.WithFatalHook(f), zap.WithPanicHook(f)}
}

// OnWrite implements zapcore.CheckWriteHook.
func (f *failure) OnWrite(e *zapcore.CheckedEntry, fields []zapcore.Field) {
	f.set(fatalError(e.Message, fields))
	runtime.Goexit()
}

// catch makes a panic of the goroutine that defers it an error too. bbolt's
// assertions, and its reading of a damaged page, are panics.
func (f *failure) catch() {
	switch p := recover().(type) {
	case nil:
	case error:
		f.set(fmt.Errorf("etcd panicked: %w", p))
	default:
		f.set(fmt.Errorf("etcd panicked: %v", p))
	}
}

// fatalError is the message of a log entry with the error that it came with.
func fatalError(message string, fields []zapcore.Field) error {
	for _, field := range fields {
		if err, ok := field.Interface.(error); ok && field.Type == zapcore.ErrorType {
			return fmt.Errorf("etcd: %s: %w", message, err)
		}
	}
	return errors.New("etcd: " + message)
}

// Explain turns what a disk did to the files in dir into what an operator can act
// on. What is no disk's it returns as it is.
func Explain(dir string, err error) error {
	if err == nil {
		return nil
	}
	return explain(dir, err)
}

// explain turns what ended etcd into what an operator can act on, with dir, the
// folder of the store.
func explain(dir string, err error) error {
	switch {
	case full(err):
		disk := diskOf(dir)
		return &StoreError{
			File: dir, What: "the disk is full: " + disk.String(), Err: err,
			Remedy: disk.room() + " and start joinsvc again; what was committed is on disk",
		}
	case errors.Is(err, syscall.EIO):
		return &StoreError{
			File: dir, What: "the disk does not read or write: " + diskOf(dir).String(), Err: err,
			Remedy: "The kernel's log has more (journalctl -k). Move the data folder to a disk that works, from a backup if need be, and start joinsvc again",
		}
	case errors.Is(err, syscall.EROFS):
		return &StoreError{
			File: dir, What: "the disk is mounted read-only: " + diskOf(dir).String(), Err: err,
			Remedy: "The kernel does so after errors of the disk (journalctl -k says which). Check it, remount it, and start joinsvc again. " +
				"A disk that others can write to is read-only to joinsvc.service alone: `systemctl edit joinsvc`, [Service], ReadWritePaths=" + dir,
		}
	}
	return err
}

// full tells whether a write found no room. Not all of etcd's errors wrap what
// the kernel said.
func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) ||
		strings.Contains(err.Error(), syscall.ENOSPC.Error()) || strings.Contains(err.Error(), syscall.EDQUOT.Error())
}
