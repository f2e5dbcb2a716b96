// SPDX-License-Identifier: Apache-2.0

package joinapi

import "time"

// Operators' paths, served on the local socket only.
const (
	PathStatus = "/v1/status"      // GET → Status
	PathTokens = "/v1/tokens"      // POST TokenRequest → Token
	PathReopen = "/v1/init/reopen" // POST ReopenRequest → 204
)

// PathRelease frees what a node holds: POST ReleaseRequest → Released.
const PathRelease = "/v1/nodes/release"

// ReleaseRequest asks to free what the node of a host that is gone holds.
type ReleaseRequest struct {
	Node  string `json:"node"`            // in full, or short within the plan's domain
	Force bool   `json:"force,omitempty"` // although it may be alive
}

// Released is what was freed.
type Released struct {
	Node      string   `json:"node"` // in full
	Addresses []string `json:"addresses,omitempty"`
	ASNs      []string `json:"asns,omitempty"` // none where all nodes share one
}

// TokenRequest asks for an enrolment token.
type TokenRequest struct {
	Uses int           `json:"uses"`           // how many hosts may enrol, at least 1
	TTL  time.Duration `json:"ttlNanoseconds"` // how long it is valid
	Node string        `json:"node,omitempty"` // only this planned node may use it
	// Role is what hosts that use it may become. A token without Role and Node
	// admits workers alone: a host's hardware addresses, by which the plan tells
	// a control plane, are its own words.
	Role Role `json:"role,omitempty"`
	// Reinstalled says that Node's key is gone with its old disk: whoever uses
	// the token takes its place, and keeps its address and ASN.
	Reinstalled bool `json:"reinstalled,omitempty"`
}

// ReopenRequest lets kubeadm init run once more, for a cluster that is gone for
// good.
type ReopenRequest struct {
	Node string `json:"node"` // that has init, so that nobody does it by mistake
}

// Token is a fresh enrolment token; it is shown once and stored hashed.
type Token struct {
	Token   string    `json:"token"` // "np1.<ca-sha256>.<id>.<secret>"
	Expires time.Time `json:"expires"`
}

// Status is all nodes and their sessions.
type Status struct {
	Cluster string       `json:"cluster"`
	Access  AccessStatus `json:"clusterAccess"`
	Nodes   []NodeStatus `json:"nodes"`
	// Remarks are about no node alone: what joinsvc waits for in the cluster, and
	// what others have put in the way there.
	Remarks []string     `json:"remarks,omitempty"`
	Queue   *QueueStatus `json:"queue,omitempty"`
}

// AccessState is how joinsvc's access to the cluster is.
type AccessState string

// The states of the access.
const (
	AccessNone        AccessState = "none" // no node has handed one over
	AccessOK          AccessState = "ok"   // it was used a moment ago
	AccessExpired     AccessState = "expired"
	AccessUnreachable AccessState = "unreachable"
)

// AccessStatus is joinsvc's access to the cluster, as it is now.
type AccessStatus struct {
	State    AccessState `json:"state"`
	Server   string      `json:"server,omitempty"`
	Answered time.Time   `json:"answered,omitzero"` // when the API server last did
	Expires  time.Time   `json:"expires,omitzero"`  // when the certificate is over that the cluster issued for joinsvc
	Reason   string      `json:"reason,omitempty"`  // why the state is not ok
}

// QueueStatus is who joins and who waits for it.
type QueueStatus struct {
	Limit   int     `json:"limit"`   // how many may join at once
	Reason  string  `json:"reason"`  // why so many
	Latency float64 `json:"latency"` // of the API server, in seconds, smoothed; 0 when not measured
	Bound   float64 `json:"bound"`   // above which the limit falls, in seconds
	Joining []Turn  `json:"joining,omitempty"`
	Waiting []Turn  `json:"waiting,omitempty"` // in order
}

// Turn is a node in the queue.
type Turn struct {
	Node  string    `json:"node"`
	Since time.Time `json:"since"` // it joins, or waits
	Heard time.Time `json:"heard"` // when it last asked or reported
}

// NodeStatus is what an operator sees of one node; a planned one that has not
// enrolled has an empty phase.
type NodeStatus struct {
	Name     string    `json:"name"`
	Role     Role      `json:"role"`
	Address  string    `json:"address"`
	ASN      uint32    `json:"asn"`
	Phase    NodePhase `json:"phase"`
	Reason   string    `json:"reason,omitempty"`
	Reports  []Report  `json:"reports,omitempty"` // the last of each phase of its run
	Sessions []Session `json:"sessions,omitempty"`
	// Unplanned says that the plan has no such node any more, while it is on
	// record and holds Address and ASN.
	Unplanned bool `json:"unplanned,omitempty"`
}
