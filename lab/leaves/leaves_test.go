// SPDX-License-Identifier: Apache-2.0

package leaves

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/lab/nettest"
	"github.com/nodeprep/nodeprep/pkg/fabric/leaf"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// A platform is what leaves run, with the product's configuration and nothing
// else.
type platform struct {
	name  string
	start func(t *testing.T, p plan.Plan, leaf string, ns nettest.Namespace) leafDaemon
}

func onFRR() platform {
	return platform{"FRR", func(t *testing.T, p plan.Plan, name string, ns nettest.Namespace) leafDaemon {
		return startFRR(t, ns, rendered(t, leaf.FRR, p, name))
	}}
}

func onBIRD() platform {
	return platform{"BIRD", func(t *testing.T, p plan.Plan, name string, ns nettest.Namespace) leafDaemon {
		folder := t.TempDir()
		config := filepath.Join(folder, "bird.conf")
		write(t, config, rendered(t, leaf.BIRD, p, name))
		return startBIRD(t, ns, folder, config)
	}}
}

func rendered(t *testing.T, emit func(plan.Plan, string) ([]byte, error), p plan.Plan, leaf string) string {
	t.Helper()
	text, err := emit(p, leaf)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// planOf is the shipped plan with its AS numbers given by a model.
func planOf(t *testing.T, model plan.Model) plan.Plan {
	t.Helper()
	doc, err := os.ReadFile("../../docs/examples/k8c1.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if model == plan.PerCluster {
		doc = []byte(strings.NewReplacer("model: node", "model: cluster", "last: 63562", "last: 63551").Replace(string(doc)))
	}
	p, report := plan.Parse(doc)
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	if p.Spec.ASN.Model != model {
		t.Fatalf("the example's model is %s, want %s", p.Spec.ASN.Model, model)
	}
	return p
}

// One API server serves all racks: starting it is what takes time.
func TestLeaves(t *testing.T) {
	sweep(t)
	c := newCluster(t)
	for _, runs := range []platform{onFRR(), onBIRD()} {
		for _, model := range []plan.Model{plan.PerNode, plan.PerCluster} {
			t.Run(runs.name+"/"+string(model), func(t *testing.T) { testRack(t, c, planOf(t, model), runs) })
		}
	}
	t.Run("newcomer", func(t *testing.T) { testNewcomer(t, c) })
}

// testRack takes one rack from start to routed, and then does it harm. Each
// step leaves what the next one needs.
func testRack(t *testing.T, c *cluster, p plan.Plan, runs platform) {
	start := time.Now()
	r := newRack(t, c, p, runs)
	r.testSessions(t)
	t.Logf("all sessions are established after %s", time.Since(start).Round(100*time.Millisecond))
	r.testTables(t)
	r.testKernels(t)
	r.testGateways(t)
	r.testForeignRoutes(t)
	r.testWithdrawal(t)
	if p.Spec.ASN.Model == plan.PerCluster {
		r.testWithoutOverride(t)
	}
	r.testWrongAS(t)
}

// testNewcomer has a node that no leaf was told of. In the cluster model FRR
// takes it because it calls from the nodes' subnet with the cluster's number.
func testNewcomer(t *testing.T, c *cluster) {
	known := onFRR()
	r := newRack(t, c, planOf(t, plan.PerCluster), platform{start: func(t *testing.T, p plan.Plan, name string, ns nettest.Namespace) leafDaemon {
		p.Spec.Nodes = p.Spec.Nodes[:len(p.Spec.Nodes)-1]
		return known.start(t, p, name, ns)
	}})
	r.testSessions(t)
	r.testKernels(t)
}

// testSessions wants every planned session Established at both ends.
func (r *rack) testSessions(t *testing.T) {
	nettest.Eventually(t, "sessions", func() error {
		var errs []error
		for _, l := range r.leaves {
			errs = append(errs, established(l.Name, l.sessions(t), r.nodeAddresses()))
		}
		for _, n := range r.nodes {
			errs = append(errs, established(n.Name, n.sessions(t), r.leafAddresses()))
		}
		return errors.Join(errs...)
	})
}

func established(name string, sessions map[netip.Addr]session, planned []netip.Addr) error {
	want := map[netip.Addr]string{}
	for _, peer := range planned {
		want[peer] = "Established"
	}
	got := map[netip.Addr]string{}
	for peer, s := range sessions {
		got[peer] = s.State
	}
	return same(name, want, got)
}

func (r *rack) nodeAddresses() []netip.Addr {
	var all []netip.Addr
	for _, n := range r.nodes {
		all = append(all, n.Address.Addr())
	}
	return all
}

func (r *rack) leafAddresses() []netip.Addr {
	var all []netip.Addr
	for _, l := range r.leaves {
		all = append(all, l.Address)
	}
	return all
}

func (r *rack) testTables(t *testing.T) {
	nettest.Eventually(t, "tables", func() error {
		var errs []error
		for _, l := range r.leaves {
			errs = append(errs, same(l.Name, r.fromNodes(), sorted(l.routes(t))))
		}
		for _, n := range r.nodes {
			errs = append(errs, same(n.Name, r.toNode(n), sorted(r.unbalanced(n.routes(t)))))
		}
		return errors.Join(errs...)
	})
}

// fromNodes is what each leaf has of the nodes: the own block and the load
// balancers' range of each, and before the node's number in the path the one
// that local-as shows to the nodes.
func (r *rack) fromNodes() []route {
	var all []route
	for _, n := range r.nodes {
		path := fmt.Sprintf("%d %d", r.plan.Spec.Fabric.ASN, n.ASN)
		all = append(all,
			route{n.block, n.Address.Addr(), path},
			route{r.plan.Spec.LoadBalancers.Subnet, n.Address.Addr(), path})
	}
	return sorted(all)
}

// toNode is what a node has of both leaves: the ways out, and the others' blocks
// without its own, which as-override would let pass.
// In the cluster model the leaf's own number stands there for the nodes'.
func (r *rack) toNode(n node) []route {
	f := r.plan.Spec.Fabric
	fabric := fmt.Sprintf("%d %d", f.ASN, f.InternalASN)
	var all []route
	for _, l := range r.leaves {
		for _, prefix := range r.outside() {
			all = append(all, route{prefix, l.Address, fabric})
		}
		for _, other := range r.others(n) {
			origin := other.ASN
			if r.plan.Spec.ASN.Model == plan.PerCluster {
				origin = f.InternalASN
			}
			all = append(all, route{other.block, l.Address, fmt.Sprintf("%s %d %d", fabric, f.ASN, origin)})
		}
	}
	return sorted(all)
}

func (r *rack) others(n node) []node {
	return slices.DeleteFunc(slices.Clone(r.nodes), func(o node) bool { return o.Name == n.Name })
}

func (r *rack) outside() []netip.Prefix {
	return append([]netip.Prefix{defaultRoute()}, r.plan.Spec.Fabric.Advertised...)
}

func defaultRoute() netip.Prefix { return netip.PrefixFrom(netip.IPv4Unspecified(), 0) }

// unbalanced leaves the load balancers' range out: each node has its own, and a
// leaf passes on the route of the one that it likes best.
func (r *rack) unbalanced(all []route) []route {
	return slices.DeleteFunc(all, func(x route) bool { return x.Prefix == r.plan.Spec.LoadBalancers.Subnet })
}

// testKernels wants packets to go the way that the tables say: from a node over
// both leaves, and from a leaf over all nodes to the load balancers' range.
func (r *rack) testKernels(t *testing.T) {
	nettest.Eventually(t, "kernels", func() error {
		var errs []error
		for _, l := range r.leaves {
			for _, n := range r.nodes {
				errs = append(errs, routed(t, l.Namespace, n.block, []netip.Addr{n.Address.Addr()}))
			}
			errs = append(errs, routed(t, l.Namespace, r.plan.Spec.LoadBalancers.Subnet, r.nodeAddresses()))
		}
		for _, n := range r.nodes {
			for _, prefix := range r.plan.Spec.Fabric.Advertised {
				errs = append(errs, routed(t, n.Namespace, prefix, r.leafAddresses()))
			}
			for _, other := range r.others(n) {
				errs = append(errs, routed(t, n.Namespace, other.block, r.leafAddresses()))
			}
			errs = append(errs, routed(t, n.Namespace, n.block, nil)) // its own, for the addresses that no pod has
		}
		return errors.Join(errs...)
	})
}

// routed wants one route to a prefix, by a routing daemon.
func routed(t *testing.T, ns nettest.Namespace, to netip.Prefix, via []netip.Addr) error {
	t.Helper()
	got := kernelRoutes(t, ns, to)
	for i := range got {
		if got[i].Protocol == "bgp" || got[i].Protocol == "bird" {
			got[i].Protocol, got[i].Metric = "", 0 // zebra has 20, BIRD none
		}
	}
	return same(fmt.Sprintf("%s, routes to %s", ns, to), []kernelRoute{{Via: via}}, got)
}

func same(what string, want, got any) error {
	if diff := cmp.Diff(want, got, byValue()); diff != "" {
		return fmt.Errorf("%s (-want +got):\n%s", what, diff)
	}
	return nil
}
