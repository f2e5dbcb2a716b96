// SPDX-License-Identifier: Apache-2.0

package join

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// The bounds of what one node may leave on record.
const (
	maxReports = 128
	maxMessage = 4096 // bytes
)

// Report takes what a node tells of one phase of its run, and moves the node's
// own phase by it.
func (c *Coordinator) Report(ctx context.Context, who Caller, r joinapi.Report) error {
	if err := checkReport(r); err != nil {
		return err
	}
	if r.Time.IsZero() {
		r.Time = c.Now().UTC()
	}
	n, err := c.modify(ctx, who, func(n *Node) error {
		n.Reports = remember(n.Reports, r)
		if len(n.Reports) > maxReports {
			return joinapi.Errorf(joinapi.CodeInvalid, "%s has more than %d reports on record", n.Name, maxReports)
		}
		advance(n, r)
		route(n, c.leaves(n.Name))
		return nil
	})
	if err != nil {
		return err
	}
	phase, reason := n.Phase()
	c.Log.Info("report", "node", n.Name, "of", r.Phase, "outcome", r.Outcome, "message", r.Message, "phase", phase, "reason", reason)
	if r.Outcome == joinapi.OutcomeDone && joined(n) && n.Bootstrap != "" {
		c.revoke(ctx, who)
	}
	return nil
}

var phaseName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// checkReport says everything that is wrong with a report.
func checkReport(r joinapi.Report) error {
	var problems []string
	if !phaseName.MatchString(r.Phase) {
		problems = append(problems, fmt.Sprintf("phase: %q is no name of a phase", r.Phase))
	}
	switch r.Outcome {
	case joinapi.OutcomeStarted, joinapi.OutcomeDone, joinapi.OutcomeFailed, joinapi.OutcomeNoted:
	default:
		problems = append(problems, fmt.Sprintf("outcome: %q is not started, done, failed or noted", r.Outcome))
	}
	if len(r.Message) > maxMessage {
		problems = append(problems, fmt.Sprintf("message: %d bytes are more than %d", len(r.Message), maxMessage))
	}
	if len(problems) == 0 {
		return nil
	}
	return joinapi.Errorf(joinapi.CodeInvalid, "%s", strings.Join(problems, "; "))
}

// remember keeps, of each phase, the last outcome and the notes since it began.
func remember(reports []joinapi.Report, r joinapi.Report) []joinapi.Report {
	kept := slices.DeleteFunc(slices.Clone(reports), func(old joinapi.Report) bool {
		if old.Phase != r.Phase {
			return false
		}
		note := old.Outcome == joinapi.OutcomeNoted
		switch r.Outcome {
		case joinapi.OutcomeStarted:
			return true
		case joinapi.OutcomeNoted:
			return note && old.Message == r.Message
		default:
			return !note
		}
	})
	return append(kept, r)
}

// advance moves the node forward only: a run on a finished host reports the
// same phases again.
func advance(n *Node, r joinapi.Report) {
	milestone := r.Phase == joinapi.ReportPrepared || r.Phase == joinapi.ReportKubeadm
	switch {
	case r.Outcome == joinapi.OutcomeFailed:
		n.Failure = &Failure{Phase: r.Phase, Message: r.Message}
		return
	case r.Outcome != joinapi.OutcomeDone:
		return
	case n.Failure != nil && (milestone || n.Failure.Phase == r.Phase):
		n.Failure = nil
	}
	switch {
	case r.Phase == joinapi.ReportPrepared && n.Progress == joinapi.PhaseEnrolled:
		n.Progress = joinapi.PhasePrepared
	case r.Phase == joinapi.ReportKubeadm && !joined(*n):
		n.Progress, n.Reason = joinapi.PhaseJoined, ""
	}
}

func joined(n Node) bool {
	return n.Progress == joinapi.PhaseJoined || n.Progress == joinapi.PhaseRouted
}

// Sessions takes the state of a node's BGP sessions, as the cluster tells it.
// A node that is not enrolled is not joinsvc's and is left alone.
func (c *Coordinator) Sessions(ctx context.Context, node string, sessions []joinapi.Session) error {
	var before, after joinapi.NodePhase
	var reason string
	err := c.Store.Update(ctx, func(tx Tx) error {
		n, ok, err := get[Node](tx, nodePrefix+node)
		if err != nil || !ok {
			return err
		}
		before, _ = n.Phase()
		changed := !sameStates(n.Sessions, sessions)
		n.Sessions = sessions
		route(&n, c.leaves(n.Name))
		after, reason = n.Phase()
		if !changed && before == after {
			return nil // only their time of observation differs
		}
		return put(tx, nodePrefix+n.Name, n)
	})
	if err != nil {
		return err
	}
	if before != after {
		c.Log.Info("sessions moved the node", "node", node, "from", before, "to", after, "reason", reason)
	}
	return nil
}

func sameStates(a, b []joinapi.Session) bool {
	return slices.EqualFunc(a, b, func(x, y joinapi.Session) bool {
		x.Observed = y.Observed
		return x == y
	})
}

// leaves are the addresses that a node has to have a session with, those of its
// rack, and their names. A node that the plan has no more is still in the one
// rack of a plan that names none, and in no other.
func (c *Coordinator) leaves(node string) map[string]string {
	planned, _ := c.planned(node)
	rack, _ := c.Plan.Spec.RackOf(planned)
	leaves := map[string]string{}
	for _, l := range rack.Leaves {
		leaves[l.Address.String()] = l.Name
	}
	return leaves
}

// route moves a joined node to routed when each planned session is Established,
// and back with the reason when one is not.
func route(n *Node, leaves map[string]string) {
	switch {
	case !joined(*n):
		return
	case len(leaves) == 0: // or it would be routed with no session at all
		n.Progress, n.Reason = joinapi.PhaseJoined, "it is in no rack of the plan, so no session is planned"
		return
	}
	down := unknown(leaves)
	for _, s := range n.Sessions {
		if _, planned := leaves[s.PeerIP]; !planned {
			continue
		}
		switch {
		case s.State == joinapi.Established && s.Reason == "":
			delete(down, s.PeerIP)
		case s.State == joinapi.Established:
			down[s.PeerIP] = fmt.Sprintf("session to %s is Established, but routes nothing: %s", leaves[s.PeerIP], s.Reason)
		case s.State == "" && s.Reason == "":
		case s.Reason != "":
			down[s.PeerIP] = fmt.Sprintf("session to %s is %s: %s", leaves[s.PeerIP], cmp.Or(s.State, "not reported"), s.Reason)
		default:
			down[s.PeerIP] = fmt.Sprintf("session to %s is %s", leaves[s.PeerIP], s.State)
		}
	}
	if len(down) > 0 {
		n.Progress, n.Reason = joinapi.PhaseJoined, reasons(down)
		return
	}
	if n.Progress != joinapi.PhaseRouted {
		n.Failure = nil // such as a run that gave up waiting for this
	}
	n.Progress, n.Reason = joinapi.PhaseRouted, ""
}

// unknown starts every leaf as one that nothing is known of.
func unknown(leaves map[string]string) map[string]string {
	down := make(map[string]string, len(leaves))
	for address, name := range leaves {
		down[address] = fmt.Sprintf("session to %s is not reported yet", name)
	}
	return down
}

func reasons(down map[string]string) string {
	var all []string
	for _, reason := range down {
		all = append(all, reason)
	}
	slices.Sort(all)
	return strings.Join(all, "; ")
}
