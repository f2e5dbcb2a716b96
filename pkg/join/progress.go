// SPDX-License-Identifier: Apache-2.0

package join

import (
	"context"
	"regexp"
	"strings"
	"sync"

	"github.com/nodeprep/nodeprep/pkg/admission"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// Report takes what a node tells of one phase of its run, and moves the node's
// own phase by it. Reports that come too fast are CodeTooMany; a milestone never
// is: what it says is done, and only what is said twice is not written twice.
func (c *Coordinator) Report(ctx context.Context, who Caller, r joinapi.Report) error {
	if err := checkReport(r); err != nil {
		return err
	}
	if r.Time.IsZero() {
		r.Time = c.Now().UTC()
	}
	if !milestone(r) && c.reports.empty(who.Key, c.Now()) { // at no cost
		return reportsTooFast(who)
	}
	// The budget is the node's, and taken when it is known that this is the node.
	paced := sync.OnceValue(func() bool { return c.reports.take(who.Key, c.Now()) })
	var n Node
	var freed admission.Slot
	err := c.Store.Update(ctx, func(tx Tx) (err error) {
		if n, err = c.reported(tx, who, r, paced); err != nil {
			return err
		}
		freed, err = c.heard(tx, n.Name, callOf(r))
		return err
	})
	if err != nil {
		return err
	}
	if freed.Node != "" {
		c.turns.forget() // somebody's turn has come
	}
	if freed.Node != "" && r.Outcome == joinapi.OutcomeDone {
		c.joinTook(c.Now().Sub(freed.Since))
	}
	if paced() {
		phase, reason := n.Phase()
		c.Log.Info("report", "node", n.Name, "of", r.Phase, "outcome", r.Outcome, "message", shortened(r.Message), "phase", phase, "reason", reason)
	}
	if r.Outcome == joinapi.OutcomeDone && joined(n) && n.Bootstrap != nil {
		c.revoke(ctx, who)
	}
	return nil
}

func reportsTooFast(who Caller) error {
	return tooFast("%s reports faster than %d a second; this report is not on record", who.Node, reportsPerSecond)
}

// reported moves the node, and files the report unless it came too fast and
// moved nothing.
func (c *Coordinator) reported(tx Tx, who Caller, r joinapi.Report, paced func() bool) (Node, error) {
	n, err := c.node(tx, who)
	if err != nil {
		return n, err
	}
	if !paced() && !milestone(r) {
		return n, reportsTooFast(who)
	}
	before := n
	v, err := c.decide(tx, callOf(r), &n)
	if err != nil {
		return n, err
	}
	n.Failure = v.failure.of(n.Failure, r)
	if joined(n) && milestone(r) {
		rec, _, err := get[sessionRecord](tx, sessionPrefix+n.Name)
		if err != nil {
			return n, err
		}
		if err := c.route(tx, &n, rec.Sessions); err != nil {
			return n, err
		}
	}
	if paced() || !sameState(before, n) {
		if err := file(tx, n.Name, r, c.Now()); err != nil {
			return n, err
		}
	}
	return n, c.putNode(tx, n)
}

func sameState(a, b Node) bool {
	return a.Progress == b.Progress && (a.Failure == nil) == (b.Failure == nil)
}

// callOf is what a report asks for.
func callOf(r joinapi.Report) call {
	switch r.Outcome {
	case joinapi.OutcomeFailed:
		return callFailed
	case joinapi.OutcomeDone:
		switch r.Phase {
		case joinapi.ReportPrepared:
			return callPrepared
		case joinapi.ReportKubeadm:
			return callKubeadm
		default:
			return callDone
		}
	default:
		return callNoted
	}
}

// milestone says whether a report moves a node from state to state.
func milestone(r joinapi.Report) bool {
	what := callOf(r)
	return what == callPrepared || what == callKubeadm
}

// of is what a failure becomes when a report comes.
func (rule failureRule) of(f *Failure, r joinapi.Report) *Failure {
	switch rule {
	case isSet:
		return &Failure{Phase: r.Phase, Message: shortened(r.Message)}
	case goes:
		return nil
	case goesWith:
		if f != nil && f.Phase == r.Phase {
			return nil
		}
	case stays, goesWhen: // goesWhen is for sessions, which route looks after
	}
	return f
}

// shortened is a message for the node's record and for the log, which stay small;
// the report has all of it.
func shortened(message string) string { return cut(message, maxFailure) }

// cut leaves at most n bytes of what a host said.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "") + " …"
}

var phaseName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// checkReport says everything that is wrong with a report.
func checkReport(r joinapi.Report) error {
	var problems []joinapi.FieldProblem
	add := func(path, format string, args ...any) {
		problems = append(problems, wrong(path, format, args...))
	}
	if !phaseName.MatchString(r.Phase) {
		add("phase", "%q is no name of a phase: want at most 40 lower-case letters, digits and hyphens", cut(r.Phase, 40))
	}
	switch r.Outcome {
	case joinapi.OutcomeStarted, joinapi.OutcomeDone, joinapi.OutcomeFailed, joinapi.OutcomeNoted:
	default:
		add("outcome", "%q is not started, done, failed or noted", cut(string(r.Outcome), 40))
	}
	if len(r.Message) > maxMessage {
		add("message", "%d bytes are more than %d", len(r.Message), maxMessage)
	}
	if len(problems) == 0 {
		return nil
	}
	return joinapi.Invalid(problems...)
}

func joined(n Node) bool {
	return n.Progress == joinapi.PhaseJoined || n.Progress == joinapi.PhaseRouted
}
