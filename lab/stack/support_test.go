// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// What docs/support.md says of the nodes' programs is what the rack builds.
func TestSupportPageHasTheVersionsThatRun(t *testing.T) {
	page, err := os.ReadFile("../../docs/support.md")
	if err != nil {
		t.Fatal(err)
	}
	v := versions(t)
	for program, version := range map[string]string{
		"Kubernetes, with kubeadm":  v.Kubernetes,
		"containerd":                v.Containerd,
		"etcd":                      v.Etcd,
		"CoreDNS":                   v.CoreDNS,
		"Calico, from its manifest": v.Calico,
	} {
		row := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(program) + ` \| (\S+) \| (.*) \|$`).FindSubmatch(page)
		switch {
		case row == nil:
			t.Errorf("docs/support.md has no row %q", program)
		case string(row[1]) != strings.TrimPrefix(version, "v"):
			t.Errorf("docs/support.md says %s %s, the rack runs %s", program, row[1], version)
		case !strings.HasPrefix(string(row[2]), "whole rack"):
			t.Errorf("docs/support.md says of %s %q, but the rack runs it", program, row[2])
		}
	}
}
