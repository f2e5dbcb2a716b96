// SPDX-License-Identifier: Apache-2.0

package rack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/nodeprep/nodeprep/lab/vm"
)

// A door is a socket in the rack's folder behind which commands run on the
// machines. Their guest agents have room for one caller, the running rack, so
// whoever wants to look inside asks it.
type door struct {
	server *http.Server
	done   chan error
}

const doorSocket = "rack.sock"

// doorRequest is one command, at most maxRequest bytes of JSON.
type doorRequest struct {
	Machine string
	Argv    []string
}

// doorReply is how it ended. Error is set when it did not run to its end.
type doorReply struct {
	vm.Output
	Error string
}

const maxRequest = 1 << 20

// runner runs a command on a machine, as Rack.Run does.
type runner func(ctx context.Context, machine string, argv ...string) (vm.Output, error)

// openDoor serves run until the door is closed.
func openDoor(dir string, run runner) (*door, error) {
	l, err := net.Listen("unix", filepath.Join(dir, doorSocket))
	if err != nil {
		return nil, fmt.Errorf("opening the rack's door: %w", err)
	}
	d := &door{done: make(chan error, 1), server: &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: run}}
	go func() { d.done <- d.server.Serve(l) }()
	return d, nil
}

// ServeHTTP answers one doorRequest.
func (run runner) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var req doorRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(&req); err != nil || len(req.Argv) == 0 {
		http.Error(w, "a machine and a command are needed", http.StatusBadRequest)
		return
	}
	out, err := run(r.Context(), req.Machine, req.Argv...)
	reply := doorReply{Output: out}
	var exit *vm.ExitError
	if err != nil && !errors.As(err, &exit) {
		reply.Error = err.Error()
	}
	_ = json.NewEncoder(w).Encode(reply) // a caller who left misses nothing
}

func (d *door) close() error {
	err := d.server.Close()
	if served := <-d.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// Knock runs argv on a machine of the rack that runs in dir. A command that
// ended with another status than 0 is no error.
func Knock(ctx context.Context, dir, machine string, argv ...string) (vm.Output, error) {
	body, err := json.Marshal(doorRequest{Machine: machine, Argv: argv})
	if err != nil {
		return vm.Output{}, err
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(dir, doorSocket))
	}
	client := &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://rack/", bytes.NewReader(body))
	if err != nil {
		return vm.Output{}, err
	}
	res, err := client.Do(req)
	if err != nil {
		return vm.Output{}, fmt.Errorf("asking the rack in %s: %w", dir, err)
	}
	defer res.Body.Close()
	return readReply(res)
}

func readReply(res *http.Response) (vm.Output, error) {
	if res.StatusCode != http.StatusOK {
		text, err := io.ReadAll(io.LimitReader(res.Body, 1<<10))
		return vm.Output{}, errors.Join(fmt.Errorf("the rack answers %s: %s", res.Status, bytes.TrimSpace(text)), err)
	}
	var reply doorReply
	if err := json.NewDecoder(res.Body).Decode(&reply); err != nil {
		return vm.Output{}, fmt.Errorf("reading the rack's answer: %w", err)
	}
	if reply.Error != "" {
		return reply.Output, errors.New(reply.Error)
	}
	return reply.Output, nil
}
