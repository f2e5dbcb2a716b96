// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func problems(t *testing.T, manifest string) []string {
	t.Helper()
	_, err := Manifest([]byte(manifest), reference(t))
	if err == nil {
		return nil
	}
	var wrong *ManifestError
	if !errors.As(err, &wrong) {
		t.Fatalf("got %v, want a *ManifestError", err)
	}
	return wrong.Problems
}

// replaced is a text with one part exchanged, which has to be there.
func replaced(t *testing.T, text, old, with string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("%q is not in the manifest", old)
	}
	return strings.Replace(text, old, with, 1)
}

// Every variable that decides over routes is refused with its value and reason,
// wherever the value comes from; the same variable at its harmless value is not.
func TestManifestVariablesThatDecideOverRoutes(t *testing.T) {
	const before = "            - name: IP\n              value: \"autodetect\"\n"
	stock := testdata(t, "calico.yaml")
	for _, tc := range []struct{ name, bad, good, why string }{
		{"AS", "64512", "", "it gives every node the same number and overwrites the leased one"},
		{"NO_DEFAULT_POOLS", "true", "", "calico-node does not start with it beside CALICO_IPV4POOL_CIDR"},
		{"NODENAME", "node1", "", "every node would be the same one"},
		{"USE_POD_CIDR", "true", "false", "BIRD would announce that instead of Calico's blocks"},
		{"CALICO_IPV4POOL_DISABLE_BGP_EXPORT", "TRUE", "false", "the leaves would never hear of the pods"},
		{"CALICO_IPV4POOL_NODE_SELECTOR", "rack == 'a'", "all()", "nodes that it leaves out would get no block"},
		{"CALICO_ROUTER_ID", "192.0.2.1", "hash", "the same BGP identifier"},
		{"FELIX_IPINIPENABLED", "true", "false", "without a tunnel"},
		{"FELIX_VXLANENABLED", "1", "0", "without a tunnel"},
		{"FELIX_WIREGUARDENABLED", "true", "false", "in a tunnel, past the leaves' routes"},
		{"FELIX_ROUTESYNCDISABLED", "yes", "false", "no route to a node's own pods"},
		{"FELIX_PROGRAMCLUSTERROUTES", "Enabled", "Disabled", "which are the leaves' to tell"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			why := tc.why
			if tc.name == "CALICO_ROUTER_ID" {
				why = "every node would have the same BGP identifier"
			}
			line := func(value string) string {
				return fmt.Sprintf("            - name: %s\n              value: %q\n", tc.name, value)
			}
			direct := problems(t, replaced(t, stock, before, before+line(tc.bad)))
			if len(direct) != 1 || !strings.HasPrefix(direct[0], fmt.Sprintf("%s: env %s: is %q, remove it; ", daemonSet, tc.name, tc.bad)) || !strings.Contains(direct[0], why) {
				t.Errorf("directly: %q", direct)
			}
			reference := fmt.Sprintf("            - name: %s\n              valueFrom: {configMapKeyRef: {name: calico-config, key: it}}\n", tc.name)
			there := replaced(t, replaced(t, stock, before, before+reference), "  veth_mtu:", fmt.Sprintf("  it: %q\n  veth_mtu:", tc.bad))
			if diff := cmp.Diff(direct, problems(t, there)); diff != "" {
				t.Errorf("by a reference (-direct +referred):\n%s", diff)
			}
			if got := problems(t, replaced(t, stock, before, before+reference)); len(got) != 1 || !strings.Contains(got[0], "its value is not in this manifest") {
				t.Errorf("by a reference to nothing: %q", got)
			}
			all := replaced(t, replaced(t, stock, "          env:\n            # Use", "          envFrom: [{configMapRef: {name: calico-config}}]\n          env:\n            # Use"),
				"  veth_mtu:", fmt.Sprintf("  %s: %q\n  veth_mtu:", tc.name, tc.bad))
			if diff := cmp.Diff(direct, problems(t, all)); diff != "" {
				t.Errorf("by all of a ConfigMap (-direct +referred):\n%s", diff)
			}
			if tc.good == "" {
				return
			}
			if got := problems(t, replaced(t, stock, before, before+line(tc.good))); got != nil {
				t.Errorf("%s is refused: %q", tc.good, got)
			}
		})
	}
	field := "            - name: NODENAME\n              valueFrom: {fieldRef: {fieldPath: spec.nodeName}}\n"
	if got := problems(t, replaced(t, stock, before, before+field)); got != nil {
		t.Errorf("a name that the pod has: %q", got)
	}
}

// Pods have to get their addresses of Calico's own blocks.
func TestManifestIPAM(t *testing.T) {
	stock := testdata(t, "calico.yaml")
	const path = daemonSet + ": install-cni's CNI_NETWORK_CONFIG: "
	for name, tc := range map[string]struct{ old, with, want string }{
		"host-local":        {`"ipam": {"type": "calico-ipam"}`, `"ipam": {"type": "host-local", "subnet": "usePodCidr"}`, path + `ipam.type is "host-local", want calico-ipam; host-local gives addresses of the node's podCIDR, of which Calico has no block and announces nothing`},
		"another's":         {`"ipam": {"type": "calico-ipam"}`, `"ipam": {"type": "whereabouts"}`, path + `ipam.type is "whereabouts", want calico-ipam; Calico announces the blocks of its own IPAM alone`},
		"none":              {`"ipam": {"type": "calico-ipam"}`, `"x": 1`, path + `ipam.type is "", want calico-ipam; Calico announces the blocks of its own IPAM alone`},
		"another pool":      {`{"type": "calico-ipam"}`, `{"type": "calico-ipam", "ipv4_pools": ["other"]}`, path + `ipam.ipv4_pools names "other", want default-ipv4-ippool or none; the plan has no such pool`},
		"the plan's pool":   {`{"type": "calico-ipam"}`, `{"type": "calico-ipam", "ipv4_pools": ["default-ipv4-ippool", "172.27.0.0/16"]}`, ""},
		"no IPv4":           {`{"type": "calico-ipam"}`, `{"type": "calico-ipam", "assign_ipv4": "false"}`, path + "ipam.assign_ipv4 is false, remove it; pods would get no address of the plan's range"},
		"another plugin":    {`"type": "calico",`, `"type": "bridge",`, path + "has no plugin of type calico, so pods are not Calico's"},
		"no JSON":           {`"plugins": [`, `"plugins": `, path + "is no CNI configuration"},
		"elsewhere":         {"key: cni_network_config", "key: absent", path + "is not in this manifest"},
		"nobody installs":   {"name: install-cni", "name: other", daemonSet + ": has no init container install-cni"},
		"a pool of its own": {"---\n# Source: calico/templates/calico-node", "---\napiVersion: projectcalico.org/v3\nkind: IPPool\nmetadata: {name: mine}\n---\n# Source: calico/templates/calico-node", "IPPool mine: take it out of the manifest; joinsvc makes these objects by the plan"},
		"Felix tunnels":     {"---\n# Source: calico/templates/calico-node", "---\napiVersion: crd.projectcalico.org/v1\nkind: FelixConfiguration\nmetadata: {name: default}\nspec: {vxlanEnabled: true}\n---\n# Source: calico/templates/calico-node", "FelixConfiguration default: spec.vxlanEnabled is true, remove it"},
		"no blocks":         {"---\n# Source: calico/templates/calico-node", "---\napiVersion: crd.projectcalico.org/v1\nkind: IPAMConfig\nmetadata: {name: default}\nspec: {autoAllocateBlocks: false}\n---\n# Source: calico/templates/calico-node", "IPAMConfig default: spec.autoAllocateBlocks is false, remove it"},
	} {
		t.Run(name, func(t *testing.T) {
			got := problems(t, replaced(t, stock, tc.old, tc.with))
			if tc.want == "" && got == nil {
				return
			}
			if len(got) != 1 || !strings.HasPrefix(got[0], tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
