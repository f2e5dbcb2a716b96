// SPDX-License-Identifier: Apache-2.0

package leaves

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/lab/nettest"
	"github.com/nodeprep/nodeprep/pkg/calico"
)

// testGateways compares nodes whose static default route has a metric with the
// last one, whose has none: BIRD installs the leaves' default beside the former,
// where it wins by its metric of 0, and cannot beside the latter.
func (r *rack) testGateways(t *testing.T) {
	gateway := []netip.Addr{r.plan.Spec.NodeNetwork.Gateway}
	learned := kernelRoute{Protocol: "bird", Via: r.leafAddresses()}
	last := len(r.nodes) - 1
	for _, n := range r.nodes[:last] {
		static := kernelRoute{Protocol: "static", Metric: *r.plan.Spec.NodeNetwork.GatewayMetric, Via: gateway}
		if err := same(n.Name, []kernelRoute{learned, static}, kernelRoutes(t, n.Namespace, defaultRoute())); err != nil {
			t.Error(err)
		}
		if way := n.IP(t, "route", "get", "198.51.100.1"); strings.Contains(way, "via "+gateway[0].String()) {
			t.Errorf("%s leaves by its static route: %s", n.Name, way)
		}
	}
	n := r.nodes[last]
	if err := same(n.Name, []kernelRoute{{Protocol: "static", Via: gateway}}, kernelRoutes(t, n.Namespace, defaultRoute())); err != nil {
		t.Error(err)
	}
	if table := n.show(t, "route", defaultRoute().String()); !strings.Contains(table, "] ! (") {
		t.Errorf("%s: BIRD does not say that it could not install its default:\n%s", n.Name, table)
	}
}

// testWithdrawal has the first leaf lose its way to what it advertises: nodes
// are to go there by the other alone.
func (r *rack) testWithdrawal(t *testing.T) {
	l, prefix := r.leaves[0], r.plan.Spec.Fabric.Advertised[0]
	l.IP(t, "route", "delete", prefix.String())
	nettest.Eventually(t, "withdrawal of "+prefix.String(), func() error {
		var errs []error
		for _, n := range r.nodes {
			errs = append(errs, routed(t, n.Namespace, prefix, r.leafAddresses()[1:]))
		}
		return errors.Join(errs...)
	})
}

// testForeignRoutes has a node announce what is not the cluster's, and a range
// of pods' that is no block but many. No leaf takes either, though it takes a
// second block that the node announces after them.
func (r *rack) testForeignRoutes(t *testing.T) {
	n, block := r.nodes[1], netip.MustParsePrefix("172.27.255.192/26")
	pool := calico.Pool(calico.CRD, r.plan)
	pool.SetName("foreign")
	pool.Object["spec"].(map[string]any)["cidr"] = "10.66.0.0/16"
	r.cluster.apply(t, pool)
	defer r.cluster.kubectl(t, "", "delete", "ippools.crd.projectcalico.org", "foreign")
	foreign := []netip.Prefix{netip.MustParsePrefix("10.66.1.0/24"), netip.MustParsePrefix("172.27.128.0/17")}
	r.announce(t, n, foreign...)
	r.announce(t, n, block)
	path := fmt.Sprintf("%d %d", r.plan.Spec.Fabric.ASN, n.ASN)
	want := sorted(append(r.fromNodes(), route{block, n.Address.Addr(), path}))
	nettest.Eventually(t, "leaves take the node's own routes and no others", func() error {
		var errs []error
		for _, l := range r.leaves {
			errs = append(errs, same(l.Name, want, sorted(l.routes(t))))
		}
		return errors.Join(errs...)
	})
}

// announce has a node's BIRD find routes in the kernel, and waits until it
// announces them to every leaf.
func (r *rack) announce(t *testing.T, n node, prefixes ...netip.Prefix) {
	t.Helper()
	for _, p := range prefixes {
		n.IP(t, "route", "add", "blackhole", p.String())
	}
	nettest.Eventually(t, "announcing", func() error {
		for _, l := range r.leaves {
			exported := n.show(t, "route", "export", "Node_"+strings.ReplaceAll(l.Address.String(), ".", "_"))
			for _, p := range prefixes {
				if !strings.Contains(exported, "\n"+p.String()+" ") {
					return fmt.Errorf("%s does not announce %s to %s:\n%s", n.Name, p, l.Name, exported)
				}
			}
		}
		return nil
	})
}

// testWithoutOverride is what the cluster model would be without as-override:
// every node finds its own number in the others' routes, and refuses them.
func (r *rack) testWithoutOverride(t *testing.T) {
	for _, l := range r.leaves {
		l.dropOverride(t)
	}
	nettest.Eventually(t, "nodes refuse each other's routes", func() error {
		for _, n := range r.nodes {
			for _, x := range n.routes(t) {
				if r.plan.Spec.Pods.Subnet.Contains(x.Prefix.Addr()) {
					return fmt.Errorf("%s has %v", n.Name, x)
				}
			}
		}
		return nil
	})
	if err := established("after that", r.nodes[0].sessions(t), r.leafAddresses()); err != nil {
		t.Error(err)
	}
}

// testWrongAS gives a node's Node a number that the leaves do not expect.
func (r *rack) testWrongAS(t *testing.T) {
	n := r.nodes[0]
	wrong := n.Node
	wrong.ASN = 64999
	r.cluster.annotate(t, wrong)
	refused := func() error {
		for _, s := range n.sessions(t) {
			if s.State == "Established" || !strings.Contains(s.Error, "Bad peer AS") {
				return fmt.Errorf("%s: %+v", n.Name, s)
			}
		}
		return nil
	}
	nettest.Eventually(t, "leaves refuse a wrong number", refused)
	time.Sleep(3 * time.Second) // it stays so, retries included
	if err := refused(); err != nil {
		t.Error(err)
	}
	for _, l := range r.leaves {
		if s := l.sessions(t)[n.Address.Addr()]; s.State == "Established" {
			t.Errorf("%s: %+v", l.Name, s)
		}
	}
}
