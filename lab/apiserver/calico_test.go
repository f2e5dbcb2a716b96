// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/nodeprep/nodeprep/pkg/calico"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// A coordinator is what joinsvc would be told and asked.
type coordinator struct {
	mu   sync.Mutex
	told map[string][]joinapi.Session
	key  string // that every node is enrolled with
	left int    // how many of the plan's nodes, from its end, hold no lease

	remarks []string
	log     strings.Builder
	stop    context.CancelFunc
	done    chan error
	once    sync.Once
}

// reconcile runs joinsvc's reconciler with joinsvc's own rights.
func (f *fixture) reconcile(t *testing.T, p plan.Plan) *coordinator {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := &coordinator{told: map[string][]joinapi.Session{}, stop: cancel, done: make(chan error, 1)}
	r := calico.Reconciler{
		Client: f.cluster.Dynamic,
		Serves: f.cluster.Serves,
		Plan:   p,
		Nodes:  func(context.Context) ([]calico.Node, error) { return c.leases(p), nil },
		Sessions: func(_ context.Context, node string, s []joinapi.Session) error {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.told[node] = slices.Clone(s)
			return nil
		},
		Remarks: func(all []string) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.remarks = all
		},
		Log: slog.New(slog.NewTextHandler(c, nil)),
	}
	go func() { c.done <- r.Run(ctx) }()
	t.Cleanup(func() {
		c.end(t)
		if t.Failed() {
			t.Logf("joinsvc's log:\n%s", c.text())
		}
	})
	return c
}

// end stops the reconciler; a second time it does nothing.
func (c *coordinator) end(t *testing.T) {
	c.once.Do(func() {
		c.stop()
		if err := <-c.done; !errors.Is(err, context.Canceled) {
			t.Errorf("the reconciler ended with %v", err)
		}
	})
}

func (c *coordinator) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.log.Write(p)
}

func (c *coordinator) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.log.String()
}

// states is what was told of a node: "leaf201=Established leaf202=".
func (c *coordinator) states(node string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var words []string
	for _, s := range c.told[node] {
		words = append(words, s.Leaf+"="+string(s.State))
	}
	return strings.Join(words, " ")
}

func (c *coordinator) leases(p plan.Plan) []calico.Node {
	c.mu.Lock()
	defer c.mu.Unlock()
	var nodes []calico.Node
	asns := p.Spec.ASNs()
	for i, n := range p.Spec.Nodes[:len(p.Spec.Nodes)-c.left] {
		nodes = append(nodes, calico.Node{Name: p.FQDN(n), Address: n.Address, ASN: asns[i], Key: c.key})
	}
	return nodes
}

// reinstall gives every node a new key and forgets what was told of them.
func (c *coordinator) reinstall() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.key += "I"
	clear(c.told)
}

// register stands for the kubelet: the Node appears, with an annotation of
// somebody else's.
func (f *fixture) register(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		f.kubectl(t, fmt.Sprintf("apiVersion: v1\nkind: Node\nmetadata:\n  name: %s\n  annotations: {example.com/mine: stays}\n", name), "create", "-f", "-")
	}
}

// object is what calicoctl reads back, less what the server adds.
type object struct {
	Kind     string
	Metadata struct{ Name string }
	Spec     map[string]any
}

// calicoctl returns "Kind/name" → spec.
func (f *fixture) calicoctl(t *testing.T, kind string) map[string]map[string]any {
	t.Helper()
	text, err := f.Calicoctl(t.Context(), "get", kind, "-o", "yaml")
	if err != nil {
		t.Fatal(err)
	}
	var list struct{ Items []object }
	if err := yaml.Unmarshal([]byte(text), &list); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	out := map[string]map[string]any{}
	for _, o := range list.Items {
		out[o.Kind+"/"+o.Metadata.Name] = o.Spec
	}
	return out
}

const domain = ".labs.haystacknetworks.com"

func peersOf(names ...string) map[string]map[string]any {
	peers := map[string]map[string]any{}
	for _, name := range names {
		for leaf, address := range map[string]string{"leaf201": "192.168.9.204", "leaf202": "192.168.9.205"} {
			peers["BGPPeer/"+leaf+"-"+name] = map[string]any{
				"asNumber": 63500.0, "node": name + domain, "peerIP": address, "sourceAddress": "UseNodeIP",
			}
		}
	}
	return peers
}

func (f *fixture) wantCalico(t *testing.T, kind string, want map[string]map[string]any) {
	t.Helper()
	eventually(t, "calicoctl get "+kind, func() error {
		if diff := cmp.Diff(want, f.calicoctl(t, kind)); diff != "" {
			return errors.New("(-want +got):\n" + diff)
		}
		return nil
	})
}

// calicoNodePool is what calico-node makes when it starts before joinsvc does
// and its manifest was not set: the same range, but tunnelled and with NAT.
const calicoNodePool = `apiVersion: crd.projectcalico.org/v1
kind: IPPool
metadata: {name: default-ipv4-ippool}
spec: {cidr: 172.27.0.0/16, blockSize: 26, ipipMode: Always, vxlanMode: Never, natOutgoing: true, nodeSelector: all()}
`

func (f *fixture) testObjects(t *testing.T) {
	f.kubectl(t, calicoNodePool, "create", "-f", "-")
	f.register(t, "k8c1m0"+domain)
	f.reconcile(t, f.plan)
	f.wantCalico(t, "bgpPeer", peersOf("k8c1m0"))
	f.wantCalico(t, "bgpConfiguration", map[string]map[string]any{"BGPConfiguration/default": {
		"logSeverityScreen": "Info", "nodeToNodeMeshEnabled": false,
		"serviceLoadBalancerIPs": []any{map[string]any{"cidr": "172.29.0.0/16"}},
	}})
	f.wantCalico(t, "ipPool", map[string]map[string]any{"IPPool/default-ipv4-ippool": {
		"allowedUses": []any{"Workload", "Tunnel"}, "blockSize": 26.0, "cidr": "172.27.0.0/16",
		"ipipMode": "Never", "nodeSelector": "all()", "vxlanMode": "Never",
	}})
	if nat := f.kubectl(t, "", "get", "ippools.crd.projectcalico.org", "default-ipv4-ippool", "-o", "jsonpath={.spec.natOutgoing}"); nat != "false" {
		t.Errorf("natOutgoing is %q, want false", nat)
	}
	f.register(t, "k8c1s1"+domain, "k8c1s2"+domain)
	f.wantCalico(t, "bgpPeer", peersOf("k8c1m0", "k8c1s1", "k8c1s2"))
	f.wantNodes(t)
	f.testNodeComesBack(t)
	f.testDrift(t)
}

// wantNodes compares what Calico takes the nodes for.
func (f *fixture) wantNodes(t *testing.T) {
	t.Helper()
	bgp := func(address string, asn float64) any { return map[string]any{"ipv4Address": address, "asNumber": asn} }
	want := map[string]any{
		"k8c1m0": bgp("192.168.9.193/28", 63551),
		"k8c1s1": bgp("192.168.9.194/28", 63552),
		"k8c1s2": bgp("192.168.9.195/28", 63553),
	}
	eventually(t, "calicoctl get node", func() error {
		got := map[string]any{}
		for name, spec := range f.calicoctl(t, "node") {
			got[strings.TrimSuffix(strings.TrimPrefix(name, "Node/"), domain)] = spec["bgp"]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			return errors.New("(-want +got):\n" + diff)
		}
		return nil
	})
	mine := f.kubectl(t, "", "get", "nodes", "-o", `jsonpath={.items[*].metadata.annotations.example\.com/mine}`)
	if mine != "stays stays stays" {
		t.Errorf("somebody else's annotations: %q", mine)
	}
}

func (f *fixture) testNodeComesBack(t *testing.T) {
	t.Helper()
	f.kubectl(t, "", "delete", "node", "k8c1s1"+domain)
	f.kubectl(t, "", "delete", "bgppeers.crd.projectcalico.org", "leaf201-k8c1s1", "leaf202-k8c1s1")
	f.register(t, "k8c1s1"+domain)
	f.wantNodes(t)
	f.wantCalico(t, "bgpPeer", peersOf("k8c1m0", "k8c1s1", "k8c1s2"))
}

// testDrift is what calico-node does with the wrong address detection.
func (f *fixture) testDrift(t *testing.T) {
	t.Helper()
	f.kubectl(t, "", "annotate", "--overwrite", "node", "k8c1m0"+domain, "projectcalico.org/IPv4Address=192.0.2.2/24")
	f.wantNodes(t)
}

// testSessions plays calico-node's part of a CalicoNodeStatus.
func (f *fixture) testSessions(t *testing.T) {
	c := f.reconcile(t, f.plan)
	name := "k8c1m0" + domain
	f.untilTold(t, c, name, "Established", "Active")
	f.untilTold(t, c, name, "Established", "Established")
	// Another request may stand in its place by then, which nobody has answered.
	eventually(t, "the answered request is removed", func() error {
		return want("", f.kubectl(t, "", "get", statuses, "joinsvc-"+name, "--ignore-not-found", "-o", "jsonpath={.status.lastUpdated}"))
	})
	if got := c.states("k8c1s1" + domain); strings.Contains(got, "Established") {
		t.Errorf("told of a node that has not reported: %q", got)
	}
	f.kubectl(t, "", "delete", "node", name)
	eventually(t, "the node is gone", func() error { return want("leaf201= leaf202=", c.states(name)) })
	f.register(t, name)
	f.untilTold(t, c, name, "Established", "Established")
	// Its Node stays when a host is installed anew: the same states count anew.
	c.reinstall()
	f.untilTold(t, c, name, "Established", "Established")
}

// untilTold reports, as calico-node does whenever an object has no report yet,
// until joinsvc tells the same.
func (f *fixture) untilTold(t *testing.T, c *coordinator, node, first, second string) {
	t.Helper()
	eventually(t, "sessions "+first+" and "+second, func() error {
		told := want("leaf201="+first+" leaf202="+second, c.states(node))
		if told == nil {
			return nil
		}
		return errors.Join(told, f.report(t, node, first, second))
	})
}

const statuses = "caliconodestatuses.crd.projectcalico.org"

func want(want, got string) error {
	if got != want {
		return fmt.Errorf("got %q, want %q", got, want)
	}
	return nil
}

func (f *fixture) report(t *testing.T, node, first, second string) error {
	t.Helper()
	return f.reportTo(t, statuses, node, first, second)
}

func (f *fixture) reportTo(t *testing.T, statuses, node, first, second string) error {
	t.Helper()
	patch := fmt.Sprintf(`{"status":{"lastUpdated":%q,"bgp":{
		"numberEstablishedV4":0,"numberNotEstablishedV4":0,"numberEstablishedV6":0,"numberNotEstablishedV6":0,"peersV4":[
		{"peerIP":"192.168.9.204","type":"NodePeer","state":%q,"since":"12:00:00"},
		{"peerIP":"192.168.9.205","type":"NodePeer","state":%q,"since":"12:00:00"}]}}}`,
		time.Now().UTC().Format(time.RFC3339), first, second)
	_, err := f.Kubectl(t.Context(), "", "patch", statuses, "joinsvc-"+node, "--type", "merge", "-p", patch)
	return err
}

func (f *fixture) testForeignPool(t *testing.T) {
	p := f.plan
	p.Spec.Pods.BlockSize = 25
	c := f.reconcile(t, p)
	eventually(t, "the other size is refused", func() error {
		if !strings.Contains(c.text(), "spec.blockSize is 26, the plan says 25") {
			return errors.New("not said")
		}
		return nil
	})
	if size := f.kubectl(t, "", "get", "ippools.crd.projectcalico.org", "default-ipv4-ippool", "-o", "jsonpath={.spec.blockSize}"); size != "26" {
		t.Errorf("blockSize was changed to %s", size)
	}
}

func (f *fixture) testLockedDatastore(t *testing.T) {
	lock := func(ready bool) {
		f.kubectl(t, fmt.Sprintf("apiVersion: crd.projectcalico.org/v1\nkind: ClusterInformation\nmetadata: {name: default}\nspec: {datastoreReady: %v}\n", ready),
			"apply", "--server-side", "--force-conflicts", "-f", "-")
	}
	f.kubectl(t, "", "delete", "bgppeers.crd.projectcalico.org", "leaf201-k8c1s2")
	lock(false)
	c := f.reconcile(t, f.plan)
	eventually(t, "the lock is noticed", func() error {
		if !strings.Contains(c.text(), "datastoreReady is false") {
			return errors.New("not said")
		}
		return nil
	})
	if _, err := f.Kubectl(t.Context(), "", "get", "bgppeers.crd.projectcalico.org", "leaf201-k8c1s2"); err == nil {
		t.Error("written while the datastore was locked")
	}
	lock(true)
	eventually(t, "the peer is back", func() error {
		_, err := f.Kubectl(t.Context(), "", "get", "bgppeers.crd.projectcalico.org", "leaf201-k8c1s2")
		return err
	})
}

// reason is why the first session of a node is not to be relied on.
func (c *coordinator) reason(node string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.told[node]) == 0 {
		return "nothing told"
	}
	return c.told[node][0].Reason
}

func (c *coordinator) remarked() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.remarks, "\n")
}

func (c *coordinator) release(left int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = left
}

// says waits until a text holds another.
func says(t *testing.T, what, part string, text func() string) {
	t.Helper()
	eventually(t, what, func() error {
		if got := text(); !strings.Contains(got, part) {
			return fmt.Errorf("got %q, want %q in it", got, part)
		}
		return nil
	})
}

// testServed: what is not served is no error, because it is waited for.
func (f *fixture) testServed(t *testing.T) {
	for groupVersion, want := range map[string]bool{string(calico.CRD): true, string(calico.Native): false} {
		got, err := f.cluster.Serves(t.Context(), groupVersion, "bgppeers", "ippools")
		if err != nil || got != want {
			t.Errorf("%s served: %v, %v; want %v", groupVersion, got, err, want)
		}
	}
	if got, err := f.cluster.Serves(t.Context(), string(calico.CRD), "bgppeers", "nosuch"); err != nil || got {
		t.Errorf("a resource that is not there is served: %v, %v", got, err)
	}
}
