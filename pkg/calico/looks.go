// SPDX-License-Identifier: Apache-2.0

package calico

import "time"

// A Pace says how often nodes are asked for their sessions, and how long an
// answer counts. Each question is two writes of joinsvc's and one of the node's.
type Pace struct {
	Ask     time.Duration // from one answer to the next question
	Unknown time.Duration // the age at which a state is no knowledge any more
}

// Normal keeps what is told of a settled session younger than 30 seconds; one
// lost answer makes nothing unknown.
func Normal() Pace { return Pace{Ask: 20 * time.Second, Unknown: time.Minute} }

// Slow is for an API server on hosts that are emulated or shared: asked every 20
// seconds, it was the questions that kept it from answering.
func Slow() Pace { return Pace{Ask: time.Minute, Unknown: 270 * time.Second} }

// share is the time that every node of a cluster adds to all others' turns: some
// seven are asked a second, which is about twenty writes.
const share = 150 * time.Millisecond

// among is the pace in a cluster of so many nodes.
func (p Pace) among(nodes int) Pace {
	p.Ask = max(p.Ask, time.Duration(nodes)*share)
	p.Unknown = max(p.Unknown, 3*p.Ask)
	return p
}
