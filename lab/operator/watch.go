// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/nodeprep/nodeprep/lab/rack"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// Watch tells what happens until every node is routed and both leaves agree, a
// machine fails, nothing moves any more, or ctx ends.
func (o *Operator) Watch(ctx context.Context) error {
	o.clock.Mark("", "%d machines started in %s", len(o.Machines()), o.Dir())
	o.look("the machines boot")
	if err := o.Await(ctx, "joinsvc serves", o.admit); err != nil {
		return err
	}
	w := &watcher{Operator: o, seen: map[string]joinapi.NodeStatus{}, standBack: o.StandBack}
	return o.Await(ctx, "every node is routed", w.poll)
}

// admit makes a token for each role and hands it out, once joinsvc serves.
func (o *Operator) admit(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, o.Patient(glance))
	defer cancel()
	uses := map[plan.Role]int{}
	for _, h := range o.Hosts {
		uses[h.Role]++
	}
	for role, n := range uses {
		token, err := o.CreateToken(ctx, "--role", string(role), "--uses", fmt.Sprint(n))
		if err != nil {
			return err.Error(), nil // it is not up yet; Await knows how long that may take
		}
		if role == o.Subject().Role {
			o.token = token.Token
		}
		if err := o.HandOut(role, token.Token); err != nil {
			return "", err
		}
	}
	o.clock.Mark(rack.Infra, "joinsvc serves; the hosts have their enrolment line")
	o.reached("joinsvc serves", "the hosts have their enrolment line")
	return "", nil
}

// healthy looks for what no waiting mends: a machine that is gone, a kernel
// that panicked, an installer's script that failed.
func (o *Operator) healthy(ctx context.Context) error {
	if err := o.Alive(); err != nil {
		return fmt.Errorf("%w: %w", ErrMachine, err)
	}
	ctx, cancel := context.WithTimeout(ctx, o.Patient(glance))
	defer cancel()
	states := map[string]string{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, name := range o.Machines() {
		if !o.installed[name] {
			wg.Go(func() {
				state := o.Unit(ctx, name, "kickstart.service", "ActiveState")
				mu.Lock()
				defer mu.Unlock()
				states[name] = state
			})
		}
	}
	wg.Wait()
	return o.kickstarted(states)
}

// kickstarted tells of each machine's kickstart that it has ended.
func (o *Operator) kickstarted(states map[string]string) error {
	var errs []error
	for _, name := range o.Machines() {
		switch states[name] {
		case "active":
			o.installed[name] = true
			o.clock.Mark(name, "kickstart is done")
			o.patience.Progress(name + ": kickstart is done")
		case "failed":
			errs = append(errs, fmt.Errorf("%w: %s: the kickstart script failed", ErrMachine, name))
		}
	}
	return errors.Join(errs...)
}

// watcher remembers what it has told already.
type watcher struct {
	*Operator
	seen      map[string]joinapi.NodeStatus
	passed    int // milestones, by all nodes
	workload  bool
	behind    joinapi.Role          // stands back
	standBack func(plan.Role) error // has it do so
	leaves    string
	least     int // sessions that the leaves lacked at the best time, plus one
}

// milestones are the phases that all nodes go through, with their names on the
// board; joining is a moment of some.
func milestones() []joinapi.NodePhase {
	return []joinapi.NodePhase{joinapi.PhaseEnrolled, joinapi.PhasePrepared, joinapi.PhaseJoined, joinapi.PhaseRouted}
}

// poll reads joinsvc's view, then the leaves', and returns what is missing.
func (w *watcher) poll(ctx context.Context) (string, error) {
	status, err := w.Status(ctx)
	if err != nil {
		return err.Error(), nil // joinsvc busy or restarting: Await is bounded
	}
	var waiting []string
	for _, n := range status.Nodes {
		w.tell(n)
		if n.Phase != joinapi.PhaseRouted {
			waiting = append(waiting, fmt.Sprintf("%s is %s %s", short(n.Name), phaseName(n.Phase), n.Reason))
		}
	}
	w.show(status.Nodes)
	if err := w.giveWay(status.Nodes); err != nil {
		return "", err
	}
	if err := w.startWorkload(ctx, status); err != nil {
		waiting = append(waiting, err.Error())
	}
	if len(waiting) > 0 {
		return strings.Join(waiting, "; "), nil
	}
	return w.pollLeaves(ctx), nil
}

// giveWay has one role stand back behind the other.
func (w *watcher) giveWay(nodes []joinapi.NodeStatus) error {
	behind := w.second(nodes)
	if behind == w.behind {
		return nil
	}
	w.behind = behind
	return w.standBack(plan.Role(behind))
}

// second is the role that has to wait: control planes until every worker is
// prepared, workers from then on until the control planes route. The programs of
// a control plane ask one another a fixed number of times a second whether they
// are ready, which alone is half a processor for as long as its init lasts: 99 s
// on two processors, 346 s with one of them taken by others, and twelve minutes
// beside workers that were still at their packages. What workers can do without
// it they have done by then.
func (w *watcher) second(nodes []joinapi.NodeStatus) joinapi.Role {
	switch {
	case !slices.ContainsFunc(nodes, w.lacking(joinapi.ControlPlane, joinapi.PhaseRouted)):
		return ""
	case slices.ContainsFunc(nodes, w.lacking(joinapi.Worker, joinapi.PhasePrepared)):
		return joinapi.ControlPlane
	}
	return joinapi.Worker
}

// lacking tells of a node whether it has the role and has not come to the phase yet.
func (w *watcher) lacking(role joinapi.Role, phase joinapi.NodePhase) func(joinapi.NodeStatus) bool {
	return func(n joinapi.NodeStatus) bool { return n.Role == role && rank(w.furthest(n)) < rank(phase) }
}

// show puts on the board how many nodes are how far, the first milestone that
// not all have reached and those before it.
func (w *watcher) show(nodes []joinapi.NodeStatus) {
	for i, phase := range milestones() {
		if i < w.passed {
			continue
		}
		var there []string
		for _, n := range nodes {
			if rank(w.furthest(n)) >= rank(phase) {
				there = append(there, short(n.Name))
			}
		}
		if len(there) == len(nodes) && i == w.passed {
			w.passed++
			w.reached(string(phase), fmt.Sprintf("all %d hosts", len(nodes)))
			continue
		}
		if len(there) > 0 {
			w.board.Stage(string(phase), fmt.Sprintf("        %d of %d: %s", len(there), len(nodes), strings.Join(there, ", ")))
		}
	}
}

// furthest is the phase that a node has come to, which a failure does not take
// back.
func (w *watcher) furthest(n joinapi.NodeStatus) joinapi.NodePhase {
	best := n.Phase
	for _, s := range w.clock.Stages() {
		if p := joinapi.NodePhase(s.What); s.Machine == short(n.Name) && rank(p) > rank(best) {
			best = p
		}
	}
	return best
}

// rank orders the phases of the way up; -1 for those beside it.
func rank(p joinapi.NodePhase) int {
	return slices.Index([]joinapi.NodePhase{
		joinapi.PhaseEnrolled, joinapi.PhasePrepared, joinapi.PhaseJoining, joinapi.PhaseJoined, joinapi.PhaseRouted,
	}, p)
}

// pollLeaves returns what the leaves do not see yet.
func (w *watcher) pollLeaves(ctx context.Context) string {
	got, err := w.Neighbours(ctx)
	if err != nil {
		return err.Error()
	}
	lines := Missing(w.Topology, got)
	left := strings.Join(lines, "; ")
	if left != w.leaves && left != "" {
		w.clock.Tell(rack.Infra, "%s", left)
	}
	if w.least == 0 || len(lines) < w.least-1 { // sessions that come and go are no progress
		w.least = len(lines) + 1
		w.patience.Progress(fmt.Sprintf("the leaves lack %d", len(lines)))
	}
	w.leaves = left
	if left == "" {
		w.clock.Mark("", "every planned session is Established at both leaves")
		w.reached("at the leaves", "every planned session is Established")
	}
	return left
}

// tell prints what is new of a node: its phase, and the reports of its run.
func (w *watcher) tell(n joinapi.NodeStatus) {
	old := w.seen[n.Name]
	w.seen[n.Name] = n
	machine := short(n.Name)
	for _, r := range n.Reports {
		if r.Outcome != joinapi.OutcomeStarted && !slices.Contains(old.Reports, r) {
			w.clock.Tell(machine, "%s %s%s", r.Phase, r.Outcome, detail(r))
		}
		w.heard("reports of "+n.Name, fmt.Sprintf("%s %s %s", r.Phase, r.Outcome, r.Message))
	}
	for _, s := range n.Sessions {
		w.heard("sessions of "+n.Name, fmt.Sprintf("%s %s", s.Leaf, s.State))
	}
	if n.Phase != old.Phase {
		w.clock.Mark(machine, "%s", phaseName(n.Phase))
	}
	w.heard("phase of "+n.Name, phaseName(n.Phase)+" "+n.Reason)
}

func short(name string) string {
	machine, _, _ := strings.Cut(name, ".")
	return machine
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
