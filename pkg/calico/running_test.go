// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
)

// What the plan's manifest sets, and what of others' choices leaves a node its
// address, is nothing to name; all else is, with the command that mends it.
func TestMisled(t *testing.T) {
	const ours = "cidr=192.168.9.192/28,192.168.10.192/28"
	for name, tc := range map[string]struct {
		told          map[string]string
		says, command string
	}{
		"as it was set":        {told: map[string]string{"IP": "autodetect", "IP_AUTODETECTION_METHOD": ours}},
		"a subnet more":        {told: map[string]string{"IP": "autodetect", "IP_AUTODETECTION_METHOD": ours + ",10.3.0.0/24"}},
		"by kubelet's address": {told: map[string]string{"IP": "autodetect", "IP_AUTODETECTION_METHOD": "kubernetes-internal-ip"}},
		"none is detected":     {told: map[string]string{"IP": "none", "IP_AUTODETECTION_METHOD": "first-found"}},
		"nothing is said":      {told: map[string]string{}},
		"Calico's own manifest": {
			told: map[string]string{"IP": "autodetect", "CALICO_IPV4POOL_IPIP": "Always", "CALICO_IPV4POOL_NODE_SELECTOR": "none"},
			says: "another address is written over the node's", command: "IP=autodetect IP_AUTODETECTION_METHOD=" + ours,
		},
		"before there was a second rack": {
			told: map[string]string{"IP": "autodetect", "IP_AUTODETECTION_METHOD": "cidr=192.168.9.192/28"},
			says: "not every rack's subnet", command: "IP_AUTODETECTION_METHOD=" + ours,
		},
		"one address": {told: map[string]string{"IP": "192.168.9.193/28"}, says: "every node would have that address", command: "IP=autodetect"},
		"one number":  {told: map[string]string{"AS": "64512"}, says: "same number", command: "AS-"},
		"no routes":   {told: map[string]string{"FELIX_ROUTESYNCDISABLED": "true", "USE_POD_CIDR": "false"}, says: "own pods", command: "FELIX_ROUTESYNCDISABLED-"},
	} {
		t.Run(name, func(t *testing.T) {
			problems, remedy := misled(racked(t), tc.told)
			if (tc.says == "") != (len(problems) == 0) || !strings.Contains(strings.Join(problems, "; "), tc.says) {
				t.Errorf("says %q, want %q", problems, tc.says)
			}
			if (tc.command == "") != (len(remedy) == 0) || !strings.HasSuffix(strings.Join(remedy, " "), tc.command) && !strings.Contains(strings.Join(remedy, " "), tc.command+" ") {
				t.Errorf("advises %q, want %q", remedy, tc.command)
			}
		})
	}
}

// A manifest of a release's own, applied over the one that the plan has set, is
// named while it is there; what joinsvc may not read is not taken for right.
func TestRunningCalicoIsHeldAgainstThePlan(t *testing.T) {
	bubble(t, reference(t), func(t *testing.T, w *world) {
		w.everybody()
		w.start(nil)
		pass(time.Minute)
		if got := w.standing(); got != "" {
			t.Errorf("without a DaemonSet: %s", got)
		}
		w.daemon(map[string]string{"IP": "autodetect"})
		pass(rediscover + time.Second)
		got := w.standing()
		if want := "kubectl -n kube-system set env daemonset/calico-node IP=autodetect IP_AUTODETECTION_METHOD=" + method(w.plan.Spec); !strings.Contains(got, want) {
			t.Errorf("says %q, want %q in it", got, want)
		}
		w.daemon(map[string]string{"IP": "autodetect", "IP_AUTODETECTION_METHOD": method(w.plan.Spec)})
		pass(rediscover + time.Second)
		if got := w.standing(); got != "" {
			t.Errorf("after it was mended: %s", got)
		}
	})
}

func TestCalicoNodeThatCannotBeRead(t *testing.T) {
	w := newWorld(t, reference(t))
	w.objects.PrependReactor("get", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, errors.New(action.GetResource().Resource + " is forbidden")
	})
	e := &era{keeper: &keeper{Reconciler: &Reconciler{Client: client{w.objects, w}, Plan: w.plan}}, api: CRD, spoilt: map[string]string{}}
	e.spoil("Felix", "known before")
	got := e.running(t.Context())
	if why := e.spoiled(); why != "known before" {
		t.Errorf("what nobody could look at became %q", why)
	}
	if !strings.Contains(got["running calico-node"], "daemonsets is forbidden") || !strings.Contains(got["running felix"], "felixconfigurations is forbidden") {
		t.Errorf("says %q", got)
	}
}

// Of two that are looked at, what is known of one counts without the other: a joinsvc
// whose rights are of an older release may not read Felix's.
func TestOneThatCannotBeRead(t *testing.T) {
	bubble(t, reference(t), func(t *testing.T, w *world) {
		name := w.everybody()[0]
		w.daemon(map[string]string{"USE_POD_CIDR": "true"})
		w.objects.PrependReactor("get", felixConfigurations, func(clienttesting.Action) (bool, runtime.Object, error) {
			return true, nil, apierrors.NewForbidden(CRD.resource(felixConfigurations).GroupResource(), "default", nil)
		})
		w.start(nil)
		pass(time.Minute)
		if got := w.said(name); !strings.HasPrefix(got, "Established: calico-node is told USE_POD_CIDR") {
			t.Errorf("of the node: %q", got)
		}
		if got := w.standing(); !strings.Contains(got, "rights in this cluster are of an older joinsvc") {
			t.Errorf("of the cluster: %q", got)
		}
	})
}

// No node is routed while Felix writes no route to pods, or another range than the
// block is announced; a tunnel is named, and routes nothing less.
func TestWhatIsToldToEveryNode(t *testing.T) {
	const felix = `{"apiVersion":"crd.projectcalico.org/v1","kind":"FelixConfiguration","metadata":{"name":"default"},"spec":{%q:%s}}`
	for name, tc := range map[string]struct {
		env          map[string]string
		felix        string
		says, routes string // below CLUSTER, and of a node
	}{
		"nothing":           {felix: fmt.Sprintf(felix, "ipipEnabled", "false")},
		"no routes":         {felix: fmt.Sprintf(felix, "routeSyncDisabled", "true"), says: "FelixConfiguration default has routeSyncDisabled", routes: "Felix is told routeSyncDisabled"},
		"a tunnel":          {felix: fmt.Sprintf(felix, "wireguardEnabled", "true"), says: "kubectl edit felixconfigurations.crd.projectcalico.org default"},
		"no routes, by env": {env: map[string]string{"FELIX_ROUTESYNCDISABLED": "true"}, says: "FELIX_ROUTESYNCDISABLED-", routes: "Felix is told routeSyncDisabled"},
		"another range":     {env: map[string]string{"USE_POD_CIDR": "true"}, says: "USE_POD_CIDR-", routes: "calico-node is told USE_POD_CIDR"},
		"another group":     {env: map[string]string{"CALICO_API_GROUP": "projectcalico.org/v3"}, says: "reads Calico's objects in projectcalico.org/v3, and joinsvc writes them in crd.projectcalico.org/v1"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, reference(t), func(t *testing.T, w *world) {
				names := w.everybody()
				w.daemon(tc.env)
				if tc.felix != "" {
					w.put(felixConfigurations, tc.felix, "calicoctl")
				}
				w.start(nil)
				pass(time.Minute)
				if got := w.standing(); !strings.Contains(got, tc.says) || tc.says == "" && got != "" {
					t.Errorf("says %q, want %q", got, tc.says)
				}
				if got := w.said(names[0]); !strings.HasPrefix(got, "Established: "+tc.routes) || tc.routes == "" && got != "Established: " {
					t.Errorf("of a node %q, want %q", got, tc.routes)
				}
			})
		})
	}
}

func (w *world) standing() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.remarks, "\n")
}

// daemon makes or replaces calico-node's DaemonSet, whose NODENAME comes from the
// pod.
func (w *world) daemon(told map[string]string) {
	w.t.Helper()
	env := []any{map[string]any{"name": "NODENAME", "valueFrom": map[string]any{"fieldRef": map[string]any{"fieldPath": "spec.nodeName"}}}}
	for name, value := range told {
		env = append(env, map[string]any{"name": name, "value": value})
	}
	text, err := json.Marshal(map[string]any{
		"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": map[string]any{"name": "calico-node", "namespace": "kube-system"},
		"spec": map[string]any{"template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"name": "calico-node", "env": env}}}}},
	})
	set := &unstructured.Unstructured{}
	if err := errors.Join(err, set.UnmarshalJSON(text)); err != nil {
		w.t.Fatal(err)
	}
	_ = w.objects.Tracker().Delete(daemonSets(), "kube-system", "calico-node") // there may be none
	if err := w.objects.Tracker().Add(set); err != nil {
		w.t.Fatal(err)
	}
}
