// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// serve answers every connection to a unix socket by talk, one after another,
// and counts them.
func serve(t *testing.T, path string, talk func(net.Conn)) *atomic.Int32 {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	var count atomic.Int32
	var current atomic.Pointer[net.Conn]
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			count.Add(1)
			current.Store(&c)
			talk(c)
			_ = c.Close() // the client may have closed it first
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		if c := current.Load(); c != nil {
			_ = (*c).Close() // closed already unless the client keeps it
		}
		<-done
	})
	return &count
}

// guest is an agent as the protocol reference describes it; answers maps a
// request's name to the replies it gives in turn.
func guest(t *testing.T, path string, answers map[string][]string) *[]agentRequest {
	t.Helper()
	var seen []agentRequest
	_ = serve(t, path, func(c net.Conn) {
		r := bufio.NewReader(c)
		for {
			line, err := r.ReadBytes('\n')
			if err != nil {
				return
			}
			var req agentRequest
			if err := json.Unmarshal(bytes.TrimLeftFunc(line, func(r rune) bool { return r == utf8.RuneError }), &req); err != nil {
				t.Errorf("request %q: %v", line, err)
				return
			}
			if req.Execute == "guest-sync-delimited" {
				// first the answer to somebody who has given up
				fmt.Fprintf(c, "{\"error\":{\"class\":\"GenericError\",\"desc\":\"stale\"}}\n\xff{\"return\": 7}\n\xff{\"return\": %d}\n", req.Arguments.ID)
				continue
			}
			seen = append(seen, req)
			queue := answers[req.Execute]
			fmt.Fprintln(c, queue[0])
			answers[req.Execute] = queue[1:]
		}
	})
	return &seen
}

func machineIn(dir string) *VM {
	m := Machine{Name: "m", Dir: dir}
	return &VM{Machine: m, agent: agent{path: m.agentPath()}}
}

func TestRunCapturesOutput(t *testing.T) {
	v := machineIn(t.TempDir())
	seen := guest(t, v.agentPath(), map[string][]string{
		"guest-exec":        {`{"return": {"pid": 4}}`},
		"guest-exec-status": {`{"return": {"exited": false}}`, `{"return": {"exited": true, "exitcode": 0, "out-data": "aGk=", "err-data": "d2Fybg=="}}`},
	})
	out, err := v.Run(t.Context(), "echo", "hi")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Output{Stdout: []byte("hi"), Stderr: []byte("warn")}, out); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
	want := []agentRequest{
		{Execute: "guest-exec", Arguments: &agentArguments{Path: "echo", Arg: []string{"hi"}, Env: guestEnv(), Capture: true}},
		{Execute: "guest-exec-status", Arguments: &agentArguments{PID: 4}},
		{Execute: "guest-exec-status", Arguments: &agentArguments{PID: 4}},
	}
	if diff := cmp.Diff(want, *seen); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestRunReportsStatusAndSignal(t *testing.T) {
	cases := map[string]struct {
		status string
		code   int
		said   string
	}{
		"status": {`{"return": {"exited": true, "exitcode": 3, "err-data": "YmFk"}}`, 3, "m: sh -c 'exit 3': exit status 3: bad"},
		"signal": {`{"return": {"exited": true, "signal": 9}}`, 137, "m: sh -c 'exit 3': exit status 137: "},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			v := machineIn(t.TempDir())
			guest(t, v.agentPath(), map[string][]string{"guest-exec": {`{"return": {"pid": 4}}`}, "guest-exec-status": {c.status}})
			_, err := v.Run(t.Context(), "sh", "-c", "exit 3")
			var exit *ExitError
			if !errors.As(err, &exit) {
				t.Fatalf("got %v, want an ExitError", err)
			}
			if exit.Output.Code != c.code || err.Error() != c.said {
				t.Errorf("got code %d, %q; want %d, %q", exit.Output.Code, err, c.code, c.said)
			}
		})
	}
}

func TestRunTellsRefusal(t *testing.T) {
	v := machineIn(t.TempDir())
	guest(t, v.agentPath(), map[string][]string{"guest-exec": {`{"error": {"class": "GenericError", "desc": "No such file"}}`}})
	if _, err := v.Run(t.Context(), "nosuch"); !errors.Is(err, ErrAgent) || !strings.Contains(err.Error(), "No such file") {
		t.Errorf("got %v", err)
	}
}

func TestSilentGuestEndsWithContext(t *testing.T) {
	v := machineIn(t.TempDir())
	release := make(chan struct{})
	serve(t, v.agentPath(), func(net.Conn) { <-release })
	t.Cleanup(func() { close(release) })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := v.Ping(ctx); err == nil {
		t.Error("a silent guest answered")
	}
}

// The late answer of a request that was given up must not be taken for that
// of the next one, and the connection stays: see agent.
func TestGuestThatAnswersLate(t *testing.T) {
	v := machineIn(t.TempDir())
	asked, late := make(chan struct{}), make(chan struct{})
	connections := serve(t, v.agentPath(), func(c net.Conn) {
		r := bufio.NewReader(c)
		for first := true; ; {
			line, err := r.ReadBytes('\n')
			if err != nil {
				return
			}
			var req agentRequest
			if err := json.Unmarshal(line[bytes.IndexByte(line, '{'):], &req); err != nil {
				t.Errorf("request %q: %v", line, err)
				return
			}
			switch {
			case req.Execute == "guest-sync-delimited":
				fmt.Fprintf(c, "\xff{\"return\": %d}\n", req.Arguments.ID)
			case first:
				first = false
				close(asked)
				<-late
				fmt.Fprintln(c, `{"error": {"class": "GenericError", "desc": "too late"}}`)
			default:
				fmt.Fprintln(c, `{"return": {}}`)
			}
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { <-asked; cancel() }()
	if err := v.Ping(ctx); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a guest that did not answer: %v", err)
	}
	close(late)
	for range 2 {
		if err := v.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections, want one", n)
	}
}

func TestBrokenConnectionIsReplaced(t *testing.T) {
	v := machineIn(t.TempDir())
	connections := serve(t, v.agentPath(), func(net.Conn) {})
	for range 2 {
		if err := v.Ping(t.Context()); err == nil {
			t.Error("an agent that hangs up has answered")
		}
	}
	if n := connections.Load(); n != 2 {
		t.Errorf("%d connections, want two", n)
	}
}

func TestMonitor(t *testing.T) {
	const greeting = `{"QMP": {"version": {}, "capabilities": []}}`
	cases := map[string]struct {
		answer string
		want   error
	}{
		"done after an event": {`{"event": "NIC_RX_FILTER_CHANGED"}` + "\n" + `{"return": {}}`, nil},
		"refused":             {`{"error": {"class": "DeviceNotFound", "desc": "Device 'eno9' not found"}}`, ErrMonitor},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			v := machineIn(t.TempDir())
			var asked []string
			serve(t, v.qmpPath(), func(conn net.Conn) {
				r := bufio.NewReader(conn)
				fmt.Fprintln(conn, greeting)
				for _, reply := range []string{`{"return": {}}`, c.answer} {
					line, _ := r.ReadString('\n')
					asked = append(asked, strings.TrimSpace(line))
					fmt.Fprintln(conn, reply)
				}
			})
			if err := v.SetLink(t.Context(), "eno1", false); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			want := []string{`{"execute":"qmp_capabilities"}`, `{"execute":"set_link","arguments":{"name":"eno1","up":false}}`}
			if diff := cmp.Diff(want, asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}

func TestShellLine(t *testing.T) {
	got := shellLine([]string{"vtysh", "-c", "show bgp", "it's", ""})
	if want := `vtysh -c 'show bgp' 'it'\''s' ''`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestForcedAccel(t *testing.T) {
	for _, forced := range []string{"kvm", "tcg"} {
		got, _, err := ChooseAccel(t.Context(), forced, "", "")
		if err != nil || got != Accel(forced) {
			t.Errorf("%s: got %s, %v", forced, got, err)
		}
	}
	if _, _, err := ChooseAccel(t.Context(), "hvf", "", filepath.Join(t.TempDir(), "x")); !errors.Is(err, ErrUnknownAccel) {
		t.Errorf("hvf: got %v", err)
	}
}
