// SPDX-License-Identifier: Apache-2.0

// Package join is the coordinator's domain: who may enrol as which planned
// node, which address and ASN it holds, who runs kubeadm init, and how far
// every node has come. It knows neither HTTP nor etcd nor Kubernetes.
package join

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/nodeprep/nodeprep/pkg/admission"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/pki"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// A Coordinator answers hosts and operators. Its methods may run at the same
// time; what has to be decided once is decided by the Store. Their errors are
// *joinapi.Error where the asker is to know why; any other is internal, but for
// context.Canceled in the chain, which says that the asker went away. Once it
// has been asked anything its fields stay as they are.
type Coordinator struct {
	Plan    plan.Plan
	Store   Store
	CA      *pki.CA
	Kubeadm Kubeadm
	Now     func() time.Time
	Log     *slog.Logger
	// Remarks, when set, are what stands in the cluster and is about no node
	// alone, for Status.
	Remarks func() []string

	// Admission measures the API server and bounds how many nodes join at once.
	// Without it all may.
	Admission *admission.Limiter

	reports   pacer
	turns     queueing
	readiness readiness
	slots     slots

	once  sync.Once
	index *inventory // of Plan; inventory() makes it

	mu      sync.Mutex
	cluster Cluster            // nil until the cluster is there
	seen    sightings          // what this process has seen of the nodes' sessions
	doubts  map[string]doubt   // of when nodes were heard of, by their names
	decoded map[string]decoded // of Nodes
	tidied  time.Time          // when this process looked for old tokens last
}

// Kubeadm is how the coordinator makes documents and reaches the cluster.
type Kubeadm struct {
	// Init renders the documents of kubeadm init.
	Init func(plan.Plan, plan.HostPlan) (string, error)
	// Join renders the documents of kubeadm join. caHash is kubeadm's
	// "sha256:<hex>" of the cluster CA's public key.
	Join func(p plan.Plan, h plan.HostPlan, token, caHash string) (string, error)
	// Patches are what kubeadm init changes in its manifests, by file name.
	Patches func() (map[string]string, error)
	// Access is how joinsvc is to reach the cluster; always for the same key.
	Access func() (joinapi.AccessRequest, error)
	// AddOns are the manifests that the init node applies, YAML.
	AddOns string
	// Connect makes a Cluster of what the init node returned, or says what is
	// wrong with it. It replaces an earlier connection.
	Connect func(joinapi.ClusterAccess) (Cluster, error)
	// Disconnect, when set, ends what runs on the connection: the cluster is
	// given up.
	Disconnect func()
}

// Cluster is what the coordinator wants of the Kubernetes cluster.
type Cluster interface {
	// MintToken makes a bootstrap token ("id.secret") for one node.
	MintToken(ctx context.Context, node string, ttl time.Duration) (string, error)
	// RevokeToken removes it; one that is gone already is no error.
	RevokeToken(ctx context.Context, token string) error
	// MarkNotReady takes back that a Node is ready, which its host left behind,
	// and reports whether it had to.
	MarkNotReady(ctx context.Context, node string) (bool, error)
}

// A Node is what is known of one enrolled host. The record is small and changes
// only when its state does; what a host reports, and its sessions, are keys of
// their own.
type Node struct {
	Name     string           `json:"name"` // fully qualified
	Role     plan.Role        `json:"role"`
	Key      string           `json:"key"` // pki.Fingerprint of the key that it enrolled with
	Identity joinapi.Identity `json:"identity"`
	Address  netip.Prefix     `json:"address"` // leased
	ASN      uint32           `json:"asn"`     // leased, unless SharedASN
	// SharedASN says that ASN was the one of all nodes when this one enrolled.
	SharedASN bool              `json:"sharedASN,omitempty"`
	Progress  joinapi.NodePhase `json:"progress"`
	// Failure is what stands in the way; the node is shown as failed meanwhile
	// and goes on from Progress.
	Failure   *Failure        `json:"failure,omitempty"`
	Reason    string          `json:"reason,omitempty"` // why Progress went back
	Bootstrap *bootstrapToken `json:"bootstrapToken,omitempty"`
	Enrolled  time.Time       `json:"enrolled"`
}

// A Failure is a phase of a host's run that failed.
type Failure struct {
	Phase   string `json:"phase"`
	Message string `json:"message"`
}

// Phase is how far the node has come by what is on record, and why not further.
func (n Node) Phase() (phase joinapi.NodePhase, reason string) {
	if n.Failure != nil {
		return joinapi.PhaseFailed, n.Failure.Phase + ": " + n.Failure.Message
	}
	return n.Progress, n.Reason
}

// A Caller is a host that has shown a certificate of this CA.
type Caller struct {
	Node     string           // the certificate's subject
	Key      string           // pki.Fingerprint of its key
	Identity joinapi.Identity // the hardware that it says it runs on
}

// node returns the caller's own record, which is all that it can name, and looks
// at its key and its hardware: every call of a node comes through here.
func (c *Coordinator) node(tx Tx, who Caller) (Node, error) {
	if problems := identityProblems(joinapi.HeaderIdentity, who.Identity); len(problems) > 0 {
		return Node{}, joinapi.Invalid(problems...)
	}
	n, ok, err := get[Node](tx, nodePrefix+who.Node)
	switch {
	case err != nil:
		return Node{}, err
	case !ok:
		return Node{}, joinapi.Errorf(joinapi.CodeForbidden, "%s holds a certificate of this joinsvc, but is not enrolled here; enrol it again", who.Node)
	case n.Key != who.Key:
		return Node{}, joinapi.Errorf(joinapi.CodeForbidden, "this is not the key that %s is enrolled with; its certificate is void", who.Node)
	}
	return n, c.sameHardware(n, who.Identity)
}

// putNode writes the record of a node, if it has changed.
func (c *Coordinator) putNode(tx Tx, n Node) error {
	old, err := tx.Get(nodePrefix + n.Name)
	if err != nil {
		return err
	}
	data, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("encoding %s%s for the store: %w", nodePrefix, n.Name, err)
	}
	if !bytes.Equal(old, data) {
		tx.Put(nodePrefix+n.Name, data)
	}
	return nil
}

// modify changes the caller's record in one transaction and returns it.
func (c *Coordinator) modify(ctx context.Context, who Caller, fn func(Tx, *Node) error) (Node, error) {
	var n Node
	err := c.Store.Update(ctx, func(tx Tx) (err error) {
		if n, err = c.node(tx, who); err != nil {
			return err
		}
		if err := fn(tx, &n); err != nil {
			return err
		}
		return c.putNode(tx, n)
	})
	return n, err
}

// hostPlan is the node's part of the plan with what it has leased.
func (c *Coordinator) hostPlan(n Node) (plan.HostPlan, error) {
	h, ok := c.inventory().host(n.Name)
	if !ok {
		return plan.HostPlan{}, unplanned(n)
	}
	// What is leased is the address; its length is the subnet's, which may grow.
	h.Address, h.ASN = netip.PrefixFrom(n.Address.Addr(), h.Address.Bits()), c.asn(n)
	return h, nil
}

func unplanned(n Node) error {
	return joinapi.Errorf(joinapi.CodeNotFound, "%s is enrolled, but the plan has no such node any more", n.Name)
}

// View returns what a node may see: itself.
func (c *Coordinator) View(ctx context.Context, who Caller) (joinapi.NodeView, error) {
	var n Node
	var rec sessionRecord
	err := c.Store.Update(ctx, func(tx Tx) (err error) {
		if n, err = c.node(tx, who); err != nil {
			return err
		}
		if _, err := c.decide(tx, callView, &n); err != nil {
			return err
		}
		rec, _, err = get[sessionRecord](tx, sessionPrefix+n.Name)
		return err
	})
	if err != nil {
		return joinapi.NodeView{}, err
	}
	h, err := c.hostPlan(n)
	if err != nil {
		return joinapi.NodeView{}, err
	}
	ca, err := c.clusterCA(ctx)
	if err != nil {
		return joinapi.NodeView{}, err
	}
	renew, err := c.renewal(ctx, n)
	if err != nil {
		return joinapi.NodeView{}, err
	}
	phase, reason := c.phase(n, rec)
	sessions, _ := c.sessionsOf(n.Name, rec)
	return joinapi.NodeView{Phase: phase, Reason: reason, Plan: onWire(h), Sessions: sessions, ClusterCA: ca, Renew: renew}, nil
}

// planned is what the plan says of a node, by its fully qualified name.
func (c *Coordinator) planned(name string) (plan.Node, bool) {
	i, ok := c.inventory().names[name]
	if !ok {
		return plan.Node{}, false
	}
	return c.Plan.Spec.Nodes[i], true
}

// Nodes returns all enrolled nodes by their fully qualified names. What they
// point to is not the caller's to change.
func (c *Coordinator) Nodes(ctx context.Context) (map[string]Node, error) {
	var records map[string][]byte
	err := c.Store.Update(ctx, func(tx Tx) (err error) {
		records, err = tx.List(nodePrefix)
		return err
	})
	if err != nil {
		return nil, err
	}
	nodes := make(map[string]Node, len(records))
	now := make(map[string]decoded, len(records))
	before := c.remembered(nil)
	for key, record := range records {
		n := before[key]
		if !bytes.Equal(n.record, record) {
			if n, err = decode(key, record); err != nil {
				return nil, err
			}
		}
		now[key] = n
		n.node.ASN = c.asn(n.node)
		nodes[key[len(nodePrefix):]] = n.node
	}
	c.remembered(now)
	return nodes, nil
}

// decoded is a node's record and what it says. Who asks for all nodes asks every
// few seconds, and most are as before: to compare a record costs a fiftieth of
// decoding it.
type decoded struct {
	record []byte
	node   Node
}

func decode(key string, record []byte) (decoded, error) {
	s := decoded{record: record}
	if err := json.Unmarshal(record, &s.node); err != nil {
		return decoded{}, fmt.Errorf("decoding %s of the store: %w", key, err)
	}
	return s, nil
}

// remembered returns what Nodes decoded last, and puts now, if any, in its place.
func (c *Coordinator) remembered(now map[string]decoded) map[string]decoded {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.decoded
	if now != nil {
		c.decoded = now
	}
	return before
}

func (c *Coordinator) connected() Cluster {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cluster
}
