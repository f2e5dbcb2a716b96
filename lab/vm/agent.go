// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// ErrAgent is the guest agent's refusal of a request.
var ErrAgent = errors.New("refused by the guest agent")

// rpcTime bounds one request to the agent. It only waits for the agent, never
// for a command's end, yet an emulated guest at full load answers in seconds.
const rpcTime = 45 * time.Second

// Output is what a command in the guest left. The agent keeps up to 16 MiB of
// each stream (QEMU 7.2, qga/commands.c).
type Output struct {
	Code   int // exit status, or 128+signal
	Stdout []byte
	Stderr []byte
}

// ExitError is a command in a guest that ended with another status than 0.
type ExitError struct {
	Machine string
	Argv    []string
	Output  Output
}

// Error gives the line to paste in the guest and the end of what it printed.
func (e *ExitError) Error() string {
	said := tail(append(bytes.TrimSpace(e.Output.Stderr), bytes.TrimSpace(e.Output.Stdout)...), 400)
	return fmt.Sprintf("%s: %s: exit status %d: %s", e.Machine, shellLine(e.Argv), e.Output.Code, said)
}

// Run runs argv in the guest as root and waits for its end or ctx's. A status
// other than 0 is an *ExitError, with the output returned as well. argv[0]
// may be a bare name, looked up by the agent.
func (v *VM) Run(ctx context.Context, argv ...string) (Output, error) {
	out, err := v.agent.run(ctx, argv)
	if err != nil {
		return out, fmt.Errorf("%s: %s: %w", v.Name, shellLine(argv), err)
	}
	if out.Code != 0 {
		return out, &ExitError{Machine: v.Name, Argv: argv, Output: out}
	}
	return out, nil
}

// Ping returns nil when the guest's agent answers.
func (v *VM) Ping(ctx context.Context) error {
	if err := v.agent.call(ctx, agentRequest{Execute: "guest-ping"}, nil); err != nil {
		return fmt.Errorf("%s: %w", v.Name, err)
	}
	return nil
}

// agent speaks to qemu-guest-agent. The channel is one serial line, so one
// request is on it at a time; commands run side by side all the same, because
// waiting for one is a series of short requests.
//
// The connection stays open: without one the guest's end reads as hung up, and
// the agent then looks at it ten times a second for ever (QEMU 7.2,
// qga/main.c, channel_event_cb), a sixth of an emulated processor.
type agent struct {
	path string
	mu   sync.Mutex
	conn net.Conn
	r    *bufio.Reader
	sync bool // nothing of a request that was given up is on the line
}

type agentRequest struct {
	Execute   string          `json:"execute"`
	Arguments *agentArguments `json:"arguments,omitempty"`
}

type agentArguments struct {
	ID      int64    `json:"id,omitempty"`
	Path    string   `json:"path,omitempty"`
	Arg     []string `json:"arg,omitempty"`
	Env     []string `json:"env,omitempty"`
	Capture bool     `json:"capture-output,omitempty"`
	PID     int      `json:"pid,omitempty"`
}

type agentReply struct {
	Return json.RawMessage `json:"return"`
	Error  *struct {
		Class string `json:"class"`
		Desc  string `json:"desc"`
	} `json:"error"`
}

type execStatus struct {
	Exited bool   `json:"exited"`
	Code   int    `json:"exitcode"`
	Signal int    `json:"signal"`
	Out    []byte `json:"out-data"`
	Err    []byte `json:"err-data"`
}

// guestEnv is all a command inherits: the agent's own environment has no
// usable PATH on every distribution.
func guestEnv() []string {
	return []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "HOME=/root"}
}

func (a *agent) run(ctx context.Context, argv []string) (Output, error) {
	var started struct {
		PID int `json:"pid"`
	}
	req := agentRequest{Execute: "guest-exec", Arguments: &agentArguments{
		Path: argv[0], Arg: argv[1:], Env: guestEnv(), Capture: true,
	}}
	if err := a.call(ctx, req, &started); err != nil {
		return Output{}, err
	}
	status := agentRequest{Execute: "guest-exec-status", Arguments: &agentArguments{PID: started.PID}}
	for pause := 250 * time.Millisecond; ; pause = min(2*pause, 4*time.Second) {
		var s execStatus
		if err := a.call(ctx, status, &s); err != nil {
			return Output{}, err
		}
		if s.Exited {
			return s.output(), nil
		}
		select {
		case <-ctx.Done():
			return Output{}, ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (s execStatus) output() Output {
	code := s.Code
	if s.Signal != 0 {
		code = 128 + s.Signal
	}
	return Output{Code: code, Stdout: s.Out, Stderr: s.Err}
}

// call sends one request and decodes its return into result, if not nil.
func (a *agent) call(ctx context.Context, req agentRequest, result any) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, rpcTime)
	defer cancel()
	raw, err := a.exchange(ctx, req)
	if err != nil {
		return fmt.Errorf("guest agent: %s: %w", req.Execute, err)
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(raw, result); err != nil {
		return fmt.Errorf("guest agent: %s: %w", req.Execute, err)
	}
	return nil
}

// exchange leaves the line in step, or knows that it is not. A guest that did
// not answer in time keeps its connection; one that broke gets a new one.
func (a *agent) exchange(ctx context.Context, req agentRequest) (json.RawMessage, error) {
	if err := a.connect(ctx); err != nil {
		return nil, err
	}
	conn, cut := a.conn, make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(cut)
		_ = conn.SetDeadline(time.Now())
	})
	raw, err := a.inStep(req)
	if !stop() {
		<-cut // or the deadline would hit the next request
	}
	if err == nil || errors.Is(err, ErrAgent) {
		return raw, err
	}
	a.sync = false
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		err = errors.Join(err, a.conn.Close())
		a.conn = nil
	}
	return nil, err
}

func (a *agent) connect(ctx context.Context) error {
	if a.conn != nil {
		return a.conn.SetDeadline(time.Time{})
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", a.path)
	if err != nil {
		return err
	}
	a.conn, a.r, a.sync = conn, bufio.NewReader(conn), false
	return nil
}

func (a *agent) inStep(req agentRequest) (json.RawMessage, error) {
	if !a.sync {
		if err := synchronise(a.conn, a.r); err != nil {
			return nil, fmt.Errorf("synchronising: %w", err)
		}
		a.sync = true
	}
	return send(a.conn, a.r, req)
}

// close ends the connection, if there is one.
func (a *agent) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.conn != nil {
		_ = a.conn.Close() // nothing is lost: every request had its answer
		a.conn = nil
	}
}

// delimiter flushes both sides' parsers: never part of UTF-8, it makes the
// agent drop a half-sent request, and the agent sends it ahead of the answer
// to guest-sync-delimited (QEMU guest agent protocol reference).
const delimiter = 0xff

// synchronise throws away answers to requests that were given up, until the
// one that carries our number. The connection's deadline ends the loop.
func synchronise(conn net.Conn, r *bufio.Reader) error {
	id := rand.Int64N(1 << 52)
	if _, err := conn.Write([]byte{delimiter}); err != nil {
		return err
	}
	req := agentRequest{Execute: "guest-sync-delimited", Arguments: &agentArguments{ID: id}}
	if err := json.NewEncoder(conn).Encode(req); err != nil {
		return err
	}
	for {
		if _, err := r.ReadBytes(delimiter); err != nil {
			return err
		}
		raw, err := receive(r)
		var got int64
		if err == nil && json.Unmarshal(raw, &got) == nil && got == id {
			return nil
		}
		if err != nil && !errors.Is(err, ErrAgent) {
			return err
		}
	}
}

func send(conn net.Conn, r *bufio.Reader, req agentRequest) (json.RawMessage, error) {
	if err := json.NewEncoder(conn).Encode(req); err != nil {
		return nil, err
	}
	return receive(r)
}

func receive(r *bufio.Reader) (json.RawMessage, error) {
	line, err := r.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	var reply agentReply
	if err := json.Unmarshal(line, &reply); err != nil {
		return nil, fmt.Errorf("%q: %w", tail(line, 80), err)
	}
	if reply.Error != nil {
		return nil, fmt.Errorf("%w: %s: %s", ErrAgent, reply.Error.Class, reply.Error.Desc)
	}
	return reply.Return, nil
}

// shellLine is argv as one can paste it into a shell.
func shellLine(argv []string) string {
	words := make([]string, len(argv))
	for i, a := range argv {
		words[i] = a
		if a == "" || strings.ContainsAny(a, " \t\n'\"\\$`;&|<>()*?[]{}~#!") {
			words[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}

// tail is the last n bytes of what a program printed.
func tail(b []byte, n int) string { return string(b[max(0, len(b)-n):]) }
