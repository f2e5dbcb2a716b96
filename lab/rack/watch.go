// SPDX-License-Identifier: Apache-2.0

package rack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// What ends a watch before the rack is routed.
var (
	ErrMachine = errors.New("a machine of the rack has stopped")
	ErrNode    = errors.New("a node has failed")
	ErrTimeout = errors.New("not routed in time")
)

const (
	// pollInterval keeps the watcher's own commands a small part of an
	// emulated processor's time.
	pollInterval = 8 * time.Second
	// glance bounds one look at a guest whose agent may not be up yet.
	glance = 20 * time.Second
)

// Watch plays the operator and tells what happens until every node is routed
// and both leaves agree, a node or machine fails, or ctx ends.
func (r *Rack) Watch(ctx context.Context) error {
	if err := r.await(ctx, "joinsvc serves", r.admit); err != nil {
		return err
	}
	w := &watcher{Rack: r, seen: map[string]joinapi.NodeStatus{}}
	return r.await(ctx, "every node is routed", w.poll)
}

// admit makes a token for each role and hands it out, once joinsvc serves.
func (r *Rack) admit(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, glance)
	defer cancel()
	uses := map[plan.Role]int{}
	for _, h := range r.Hosts {
		uses[h.Role]++
	}
	for role, n := range uses {
		token, err := r.createToken(ctx, "--role", string(role), "--uses", fmt.Sprint(n))
		if err != nil {
			return err.Error(), nil // it is not up yet; await knows how long that may take
		}
		if role == r.subject().Role {
			r.token = token.Token
		}
		if err := r.handOut(role, token.Token); err != nil {
			return "", err
		}
	}
	r.clock.Mark(infraMachine, "joinsvc serves; the hosts have their enrolment line")
	return "", nil
}

// await calls try until it returns neither a reason to wait nor an error.
// Machines are looked after meanwhile.
func (r *Rack) await(ctx context.Context, what string, try func(context.Context) (why string, err error)) error {
	why := "nothing was tried"
	for {
		if err := r.healthy(ctx); err != nil {
			return err
		}
		got, err := try(ctx)
		switch {
		case errors.Is(ctx.Err(), context.DeadlineExceeded):
			return fmt.Errorf("%w: waiting until %s: %s", ErrTimeout, what, why)
		case ctx.Err() != nil:
			return fmt.Errorf("waiting until %s: %s: %w", what, why, ctx.Err())
		case err != nil:
			return err
		case got == "":
			return nil
		}
		why = got
		select {
		case <-ctx.Done():
		case <-time.After(pollInterval):
		}
	}
}

// healthy looks for what no waiting mends: a machine that is gone, a kernel
// that panicked, an installer's script that failed.
func (r *Rack) healthy(ctx context.Context) error {
	for _, name := range r.order {
		v := r.machines[name]
		if err := v.Exited(); err != nil {
			return fmt.Errorf("%w: %w", ErrMachine, err)
		}
		serial, err := os.ReadFile(v.SerialPath())
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // a machine has just been started
			return fmt.Errorf("reading the console of %s: %w", name, err)
		}
		if at := bytes.Index(serial, []byte("Kernel panic")); at >= 0 {
			panicLine, _, _ := bytes.Cut(serial[at:], []byte("\n"))
			return fmt.Errorf("%w: %s: %s", ErrMachine, name, bytes.TrimSpace(panicLine))
		}
	}
	return r.installed(ctx)
}

// installed asks each machine once for the end of its kickstart, and tells it.
func (r *Rack) installed(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, glance)
	defer cancel()
	var wg sync.WaitGroup
	errs := make([]error, len(r.order))
	for i, name := range r.order {
		if !r.hasKickstarted(name) {
			wg.Go(func() { errs[i] = r.askKickstart(ctx, name) })
		}
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (r *Rack) hasKickstarted(name string) bool {
	return slices.ContainsFunc(r.clock.Stages(), func(s Stage) bool { return s.Machine == name && s.What == stageInstalled })
}

func (r *Rack) askKickstart(ctx context.Context, name string) error {
	switch r.unit(ctx, name, "kickstart.service", "ActiveState") {
	case "active":
		r.clock.Mark(name, stageInstalled)
	case "failed":
		return fmt.Errorf("%w: %s: the kickstart script failed", ErrMachine, name)
	}
	return nil
}

// unit is what systemd says of one property of a unit, or "" while the
// machine's agent does not answer.
func (r *Rack) unit(ctx context.Context, machine, unit, property string) string {
	out, err := r.Run(ctx, machine, "systemctl", "show", "--property="+property, "--value", unit)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out.Stdout))
}

const stageInstalled = "kickstart is done"

// watcher remembers what it has told already.
type watcher struct {
	*Rack
	seen     map[string]joinapi.NodeStatus
	workload bool
	leaves   string
}

// poll reads joinsvc's view, then the leaves', and returns what is missing.
func (w *watcher) poll(ctx context.Context) (string, error) {
	status, err := w.status(ctx)
	if err != nil {
		return err.Error(), nil // joinsvc busy or restarting: await is bounded
	}
	var waiting []string
	for _, n := range status.Nodes {
		w.tell(n)
		if n.Phase != joinapi.PhaseRouted {
			waiting = append(waiting, fmt.Sprintf("%s is %s %s", n.Name, phaseName(n.Phase), n.Reason))
		}
	}
	if err := w.startWorkload(ctx, status); err != nil {
		waiting = append(waiting, err.Error())
	}
	if len(waiting) > 0 {
		return strings.Join(waiting, "; "), w.stuck(ctx, status)
	}
	return w.pollLeaves(ctx), nil
}

// pollLeaves returns what the leaves do not see yet.
func (w *watcher) pollLeaves(ctx context.Context) string {
	got, err := w.neighbours(ctx)
	if err != nil {
		return err.Error()
	}
	left := strings.Join(missing(w.Topology, got), "; ")
	if left != w.leaves && left != "" {
		w.clock.Tell(infraMachine, "%s", left)
	}
	w.leaves = left
	if left == "" {
		w.clock.Mark("", "every planned session is Established at both leaves")
	}
	return left
}

// tell prints what is new of a node: its phase, and the reports of its run.
func (w *watcher) tell(n joinapi.NodeStatus) {
	old := w.seen[n.Name]
	w.seen[n.Name] = n
	short, _, _ := strings.Cut(n.Name, ".")
	for _, r := range n.Reports {
		if r.Outcome != joinapi.OutcomeStarted && !slices.Contains(old.Reports, r) {
			w.clock.Tell(short, "%s %s%s", r.Phase, r.Outcome, detail(r))
		}
	}
	if n.Phase != old.Phase {
		w.clock.Mark(short, "%s", phaseName(n.Phase))
	}
}

func detail(r joinapi.Report) string {
	switch {
	case r.Message != "":
		return ": " + r.Message
	case r.Changes > 0:
		return fmt.Sprintf(", %d changes", r.Changes)
	}
	return ""
}

func phaseName(p joinapi.NodePhase) string {
	if p == "" {
		return "not enrolled"
	}
	return string(p)
}

// maxRestarts is how often systemd may start nodeprep again before its host
// counts as failed. A run goes on where the last one stopped, so that one
// failure is no end.
const maxRestarts = 3

// stuck looks closer at the hosts that may not be getting anywhere.
func (w *watcher) stuck(ctx context.Context, status joinapi.Status) error {
	ctx, cancel := context.WithTimeout(ctx, glance)
	defer cancel()
	for _, n := range suspects(status, w.hasKickstarted) {
		short, _, _ := strings.Cut(n.Name, ".")
		if restarts, err := strconv.Atoi(w.unit(ctx, short, "nodeprep.service", "NRestarts")); err == nil && restarts >= maxRestarts {
			return fmt.Errorf("%w: %s is %s: nodeprep.service failed %d times: %s", ErrNode, n.Name, phaseName(n.Phase), restarts, n.Reason)
		}
	}
	return nil
}

// suspects are the nodes whose last run failed, and those that ought to be
// running, but are not known to joinsvc, which then cannot say.
func suspects(status joinapi.Status, installed func(machine string) bool) []joinapi.NodeStatus {
	var found []joinapi.NodeStatus
	for _, n := range status.Nodes {
		short, _, _ := strings.Cut(n.Name, ".")
		if n.Phase == joinapi.PhaseFailed || n.Phase == "" && installed(short) {
			found = append(found, n)
		}
	}
	return found
}

// status is joinsvc's own account of the nodes.
func (r *Rack) status(ctx context.Context) (joinapi.Status, error) {
	var s joinapi.Status
	out, err := r.Run(ctx, infraMachine, "joinsvc", "status", "-o", "json")
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(out.Stdout, &s); err != nil {
		return s, fmt.Errorf("reading joinsvc's status: %w", err)
	}
	return s, nil
}
