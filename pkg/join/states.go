// SPDX-License-Identifier: Apache-2.0

package join

import (
	"slices"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// A call is what can be asked of joinsvc about a node: by the node itself, by a
// host that enrols, or, the last ones, by what watches the cluster.
type call string

const (
	callView      call = "view"
	callOrder     call = "kubeadm order"
	callNoted     call = "report: started, noted"
	callFailed    call = "report: failed"
	callDone      call = "report: another phase done"
	callPrepared  call = "report: prepared done"
	callKubeadm   call = "report: kubeadm done"
	callAccess    call = "cluster access"
	callEnrol     call = "enrol again"
	callReinstall call = "enrol, reinstalled"
	callUp        call = "sessions: all Established"
	callDown      call = "sessions: one is not"
	callUnseen    call = "sessions: unseen for too long"
)

// An initState is how far the making of the cluster has come.
type initState string

const (
	initFree  initState = "nobody's"
	initTaken initState = "taken" // a node was told to run kubeadm init
	initDone  initState = "done"  // the cluster exists
)

// A standing is what a node is, and what init is to it.
type standing struct {
	role plan.Role
	init initState
	own  bool // this node has init
}

// String is a standing in docs/states.md.
func (s standing) String() string {
	if s.init == initFree || s.role == plan.Worker {
		return string(s.role) + ", init " + string(s.init)
	}
	if s.own {
		return string(s.role) + ", init " + string(s.init) + " by it"
	}
	return string(s.role) + ", init " + string(s.init) + " by another"
}

// An answer is what a call gets.
type answer string

const (
	ansYes      answer = "yes"
	ansInit     answer = "init"
	ansJoin     answer = "join"
	ansWait     answer = "wait"
	ansJoined   answer = "no: joined"
	ansHeld     answer = "no: another's"
	ansExists   answer = "no: the cluster exists"
	ansNoOrder  answer = "no: no order"
	ansNotInits answer = "no: not its init"
)

func (a answer) refused() bool {
	switch a {
	case ansYes, ansInit, ansJoin, ansWait:
		return false
	default:
		return true
	}
}

// A cell is what one call gets in one state, and the state that follows.
type cell struct {
	answer answer
	next   joinapi.NodePhase // empty: as it was
}

// cells are one for each of progresses.
type cells [5]cell

// A row is one call in some standings, over all states.
type row struct {
	call  call
	of    []standing // empty: any
	cells cells
	// failure is what becomes of a failure on record when the call is let pass.
	failure failureRule
	// init is what init becomes when the call is let pass; empty: as it was.
	init initState
}

type failureRule string

const (
	stays    failureRule = "stays"
	isSet    failureRule = "is set"
	goes     failureRule = "goes"
	goesWith failureRule = "goes, if of that phase"
	goesWhen failureRule = "goes, when routed"
)

// progresses are the states that a node goes through, in order. Failed is none
// of them: a node that failed goes on from where it was.
func progresses() [5]joinapi.NodePhase {
	return [5]joinapi.NodePhase{
		joinapi.PhaseEnrolled, joinapi.PhasePrepared, joinapi.PhaseJoining, joinapi.PhaseJoined, joinapi.PhaseRouted,
	}
}

// initStandings are the standings, by what kubeadm has to do with them.
type initStandings struct{}

func (initStandings) free() []standing { return []standing{{plan.ControlPlane, initFree, false}} }

func (initStandings) ownTaken() []standing { return []standing{{plan.ControlPlane, initTaken, true}} }

func (initStandings) ownDone() []standing { return []standing{{plan.ControlPlane, initDone, true}} }

func (initStandings) others() []standing {
	return []standing{{plan.ControlPlane, initTaken, false}, {plan.ControlPlane, initDone, false}}
}

func (initStandings) early() []standing {
	return []standing{{plan.Worker, initFree, false}, {plan.Worker, initTaken, false}}
}

func (initStandings) workers() []standing { return []standing{{plan.Worker, initDone, false}} }

// strangers are all that do not have init.
func (s initStandings) strangers() []standing {
	return slices.Concat(s.free(), s.others(), s.early(), s.workers())
}

func (s initStandings) all() []standing {
	return slices.Concat(s.free(), s.ownTaken(), s.ownDone(), s.others(), s.early(), s.workers())
}

// states is the order of life: what each call gets in each state of a node, and
// what becomes of the node. Every call decides by it, and docs/states.md is
// printed from it.
func states() []row {
	return slices.Concat(orderRows(), reportRows(), accessRows(), enrolRows(), sessionRows())
}

func same(c cell) cells { return cells{c, c, c, c, c} }

func becomes(p joinapi.NodePhase) cell { return cell{ansYes, p} }

func orderRows() []row {
	var s initStandings
	joined := cell{answer: ansJoined}
	until := func(c cell) cells { return cells{c, c, c, joined, joined} }
	init, join := cell{ansInit, joinapi.PhaseJoining}, cell{ansJoin, joinapi.PhaseJoining}
	exists := cell{answer: ansExists}
	return []row{
		{call: callView, cells: same(cell{answer: ansYes}), failure: stays},
		{call: callOrder, of: s.free(), cells: until(init), failure: stays, init: initTaken},
		{call: callOrder, of: s.ownTaken(), cells: until(init), failure: stays},
		// The run that made the cluster asks for the rest of its order; whoever
		// comes from a fresh disk would make a second one.
		{call: callOrder, of: s.ownDone(), cells: cells{exists, exists, init, joined, joined}, failure: stays},
		{call: callOrder, of: s.others(), cells: until(cell{answer: ansHeld}), failure: stays},
		{call: callOrder, of: s.early(), cells: until(cell{answer: ansWait}), failure: stays},
		{call: callOrder, of: s.workers(), cells: until(join), failure: stays},
	}
}

func reportRows() []row {
	var s initStandings
	yes, no, joined := cell{answer: ansYes}, cell{answer: ansNoOrder}, becomes(joinapi.PhaseJoined)
	ordered := cells{no, no, joined, yes, yes}
	return []row{
		{call: callNoted, cells: same(yes), failure: stays},
		{call: callFailed, cells: same(yes), failure: isSet},
		{call: callDone, cells: same(yes), failure: goesWith},
		{call: callPrepared, cells: cells{becomes(joinapi.PhasePrepared), yes, yes, yes, yes}, failure: goes},
		{call: callKubeadm, of: s.ownTaken(), cells: ordered, failure: goes, init: initDone},
		// That it made the cluster is on record, so that it was handed an order.
		{call: callKubeadm, of: s.ownDone(), cells: cells{joined, joined, joined, yes, yes}, failure: goes},
		{call: callKubeadm, of: s.strangers(), cells: ordered, failure: goes},
	}
}

func accessRows() []row {
	var s initStandings
	yes, no := cell{answer: ansYes}, cell{answer: ansNoOrder}
	return []row{
		{call: callAccess, of: s.ownTaken(), cells: cells{no, no, yes, yes, yes}, failure: stays, init: initDone},
		{call: callAccess, of: s.ownDone(), cells: cells{no, no, yes, yes, yes}, failure: stays},
		{call: callAccess, of: s.strangers(), cells: same(cell{answer: ansNotInits}), failure: stays},
	}
}

func enrolRows() []row {
	return []row{
		{call: callEnrol, cells: same(cell{answer: ansYes}), failure: stays},
		{call: callReinstall, cells: same(becomes(joinapi.PhaseEnrolled)), failure: goes},
	}
}

func sessionRows() []row {
	yes := cell{answer: ansYes}
	back := cells{yes, yes, yes, yes, becomes(joinapi.PhaseJoined)}
	return []row{
		{call: callUp, cells: cells{yes, yes, yes, becomes(joinapi.PhaseRouted), yes}, failure: goesWhen},
		{call: callDown, cells: back, failure: stays},
		{call: callUnseen, cells: back, failure: stays},
	}
}

// lookup finds the one cell of a call. A state that is none of progresses is on
// nobody's record; it gets what a fresh node gets.
func lookup(what call, s standing, p joinapi.NodePhase) (row, cell) {
	at := progresses()
	column := max(0, slices.Index(at[:], p))
	for _, r := range states() {
		if r.call == what && (len(r.of) == 0 || slices.Contains(r.of, s)) {
			return r, r.cells[column]
		}
	}
	return row{}, cell{answer: ansNotInits} // no row: refused. TestStatesAreWhole
}
