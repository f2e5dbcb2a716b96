// SPDX-License-Identifier: Apache-2.0

// Package joinapi is what a host and joinsvc say to each other: wire types,
// errors and the client. It rests on the standard library alone.
//
// The wire is strict one way and tolerant the other. A field of a request that
// joinsvc does not know is an error: passed over, "only this node may use the
// token" would mean that every node may. A field of an answer that a host does
// not know is passed over: an older nodeprep has to understand a newer joinsvc,
// for joinsvc is updated once and hosts one by one. So joinsvc is updated first.
package joinapi

import "time"

// Paths of version 1 of the API. All but PathEnrol want a client certificate.
const (
	PathEnrol   = "/v1/enrol"               // POST EnrolRequest → EnrolResponse
	PathNode    = "/v1/node"                // POST → NodeView
	PathReport  = "/v1/node/report"         // POST Report → 204
	PathKubeadm = "/v1/node/kubeadm"        // POST → KubeadmOrder, or 503 with Retry-After
	PathAccess  = "/v1/node/cluster-access" // POST ClusterAccess → 204
)

// HeaderIdentity goes with every request of a node: the Identity of the hardware
// that it runs on, as JSON on one line. Whoever clones a disk clones its key, so
// a certificate alone does not say which host asks.
const HeaderIdentity = "Nodeprep-Identity"

// NodePhase is how far a node has come.
type NodePhase string

// The phases of a node, in order; PhaseFailed may follow any of them.
const (
	PhaseEnrolled NodePhase = "enrolled" // it has a certificate, an address and an ASN
	PhasePrepared NodePhase = "prepared" // the host is as the plan wants it
	PhaseJoining  NodePhase = "joining"  // kubeadm documents were handed out
	PhaseJoined   NodePhase = "joined"   // kubeadm is done
	PhaseRouted   NodePhase = "routed"   // every planned session is Established
	PhaseFailed   NodePhase = "failed"
)

// Identity is what a host says of its hardware.
type Identity struct {
	Hostname  string `json:"hostname,omitempty"`
	MachineID string `json:"machineID,omitempty"` // /etc/machine-id
	Serial    string `json:"serial,omitempty"`    // SMBIOS product serial
	MACs      []MAC  `json:"macs"`
}

// EnrolRequest asks for a certificate. The token travels in the Authorization
// header, as "Bearer np1.<ca-sha256>.<id>.<secret>".
type EnrolRequest struct {
	CSR      string   `json:"csr"` // PEM, PKCS #10 (RFC 2986), signed by the node's own key
	Identity Identity `json:"identity"`
}

// EnrolResponse admits a node.
type EnrolResponse struct {
	Node        string `json:"node"`        // fully qualified name
	Certificate string `json:"certificate"` // PEM, for client authentication
	CA          string `json:"ca"`          // PEM
}

// NodeView is all that a node may see: itself.
type NodeView struct {
	Phase    NodePhase `json:"phase"`
	Reason   string    `json:"reason,omitempty"`
	Plan     HostPlan  `json:"plan"`
	Sessions []Session `json:"sessions,omitempty"`
	// ClusterCA names the CA of the cluster that joinsvc has access to, as
	// kubeadm pins it: "sha256:<hex>" of its public key; empty before there is one.
	ClusterCA string `json:"clusterCA,omitempty"`
	// Renew is set for the init node when the certificate that its cluster has
	// issued for joinsvc is in the second half of its time: it is to issue another.
	Renew *AccessRequest `json:"renew,omitempty"`
}

// Outcome is how one phase of a run on the host went.
type Outcome string

// The outcomes of a phase.
const (
	OutcomeStarted Outcome = "started"
	OutcomeDone    Outcome = "done"
	OutcomeFailed  Outcome = "failed"
	OutcomeNoted   Outcome = "noted" // a remark such as a bond running on one leg
)

// Report tells joinsvc of one phase of a run on the host.
type Report struct {
	Phase   string    `json:"phase"` // "network", "kubeadm", …
	Outcome Outcome   `json:"outcome"`
	Message string    `json:"message,omitempty"`
	Changes int       `json:"changes,omitempty"`
	Time    time.Time `json:"time"`
}

// The reports that move a node from phase to phase.
const (
	ReportPrepared = "prepared" // OutcomeDone: all of the host is ready for kubeadm
	ReportKubeadm  = "kubeadm"  // OutcomeDone: kubeadm has finished on this host
)

// Action is what kubeadm has to do.
type Action string

// The actions. Exactly one node of a cluster is ever told ActionInit.
const (
	ActionInit Action = "init"
	ActionJoin Action = "join"
)

// PatchesDir is where a node keeps the patches of its order while kubeadm runs;
// the documents name it.
const PatchesDir = "/run/nodeprep/patches"

// KubeadmOrder is what a node needs to run kubeadm.
type KubeadmOrder struct {
	Action Action `json:"action"`
	// Config is the kubeadm documents, YAML, to be kept at mode 0600: a join's
	// holds a bootstrap token.
	Config string `json:"config"`
	// Patches are files for PatchesDir, by name: what kubeadm changes in the
	// manifests that it writes (kubeadm.io, "Customizing components").
	Patches map[string]string `json:"patches,omitempty"`
	// Access is set for ActionInit: how joinsvc is to reach the cluster, with a
	// key of its own.
	Access *AccessRequest `json:"access,omitempty"`
	// AddOns is set for ActionInit: YAML of what every cluster of this plan has,
	// the CNI's manifest, for server-side apply.
	AddOns string `json:"addOns,omitempty"`
}

// AccessRequest is what the init node does with its administrator's rights.
type AccessRequest struct {
	// RBAC is YAML for server-side apply: what the CSR's user may do.
	RBAC string `json:"rbac"`
	// CSR is a certificate request (PEM, PKCS #10, RFC 2986) that the init node
	// signs with the cluster's CA; the certificate goes back in ClusterAccess.
	CSR string `json:"csr"`
}

// ClusterAccess is the certificate of the cluster's CA for joinsvc's key.
type ClusterAccess struct {
	Server      string `json:"server"`      // "https://192.168.9.193:6443"
	CA          string `json:"ca"`          // PEM, the cluster's CA
	Certificate string `json:"certificate"` // PEM, for joinsvc's key
}

// SessionState is a BGP state as BIRD names it (RFC 4271 section 8.2.2).
type SessionState string

// Established is the one state that routes, and Unknown what is told of a
// session that cannot be asked for: BIRD knows no such state.
const (
	Established SessionState = "Established"
	Unknown     SessionState = "unknown"
)

// Session is one planned BGP session of a node, as the node sees it.
type Session struct {
	Leaf    string       `json:"leaf"`
	PeerIP  string       `json:"peerIP"`
	PeerASN uint32       `json:"peerASN"`
	State   SessionState `json:"state"` // empty: not reported yet
	// Reason is why the state is unknown, or why a session that is Established
	// routes nothing. It holds no age, which follows from Observed.
	Reason string `json:"reason,omitempty"`
	// Observed is when the node last told of the session; of an unknown one, the
	// last time that it was known.
	Observed time.Time `json:"observed,omitzero"`
}
