// SPDX-License-Identifier: Apache-2.0

package kickstart

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/internal/golden"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/plan/plantest"
)

func reference(t *testing.T) plan.Plan {
	t.Helper()
	return plantest.Load(t, "../../docs/examples/k8c1.yaml")
}

func render(t *testing.T, p plan.Plan, node string) string {
	t.Helper()
	text, err := Render(p, node)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The package ships the sections without hosts.
func TestShippedSections(t *testing.T) {
	var p plan.Plan
	p.Spec.Packages.Folder = "/srv/packages"
	golden.Check(t, "../../packaging/kickstart/nodeprep.ks", render(t, p, ""))
}

func TestRender(t *testing.T) {
	p := reference(t)
	p.Spec.Nodes[2].MACs, p.Spec.Nodes[2].Rack = nil, "b"
	golden.Check(t, "testdata/all.ks", render(t, p, ""))
	golden.Check(t, "testdata/k8c1s2.ks", render(t, p, "k8c1s2"))
	if diff := cmp.Diff(render(t, p, "k8c1s2"), render(t, p, "k8c1s2.labs.haystacknetworks.com")); diff != "" {
		t.Errorf("by its full name (-short +full):\n%s", diff)
	}
	p.Spec.Packages.Folder = ""
	if got := render(t, p, ""); strings.Contains(got, "nochroot") || !strings.Contains(got, "\ndnf -y install nodeprep\n") {
		t.Errorf("from the host's own repositories:\n%s", got)
	}
}

func TestRefusals(t *testing.T) {
	p := reference(t)
	if _, err := Render(p, "k8c1s9"); err == nil || err.Error() != `plan k8c1 has no node "k8c1s9"; it has k8c1m0, k8c1s1, k8c1s2` {
		t.Errorf("error is %v", err)
	}
	p.Spec.Packages.Folder = "/srv/my packages;reboot"
	if _, err := Render(p, ""); err == nil || !strings.HasPrefix(err.Error(), `spec.packages.folder: "/srv/my packages;reboot" has characters`) {
		t.Errorf("error is %v", err)
	}
}

var section = regexp.MustCompile(`(?s)%post[^\n]*\n(.*?)%end\n`)

// Each section is a script that the shell reads, and the token is one that
// nodeprep refuses.
func TestSections(t *testing.T) {
	text := render(t, reference(t), "")
	scripts := section.FindAllStringSubmatch(text, -1)
	if len(scripts) != 2 {
		t.Fatalf("%d sections in\n%s", len(scripts), text)
	}
	for _, s := range scripts {
		sh := exec.Command("sh", "-n")
		sh.Stdin = strings.NewReader(s[1])
		if out, err := sh.CombinedOutput(); err != nil {
			t.Errorf("%v: %s\n%s", err, out, s[1])
		}
	}
	token := regexp.MustCompile(`(?m)^token: (.*)$`).FindStringSubmatch(text)
	if token == nil {
		t.Fatalf("no token in\n%s", text)
	}
	if _, err := joinapi.ParseToken(token[1]); err == nil {
		t.Errorf("%s would be used", token[1])
	}
}
