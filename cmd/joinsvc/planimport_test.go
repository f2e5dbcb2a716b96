// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// byHand is a copy of the reference cluster's files, with or without their slip.
func byHand(t *testing.T, slip bool) []string {
	t.Helper()
	var files []string
	dir := t.TempDir()
	for _, pattern := range []string{"*/ifcfg-*", "*.yaml"} {
		names, err := filepath.Glob(filepath.Join("../../pkg/draft/imported/testdata/hand", pattern))
		if err != nil || len(names) == 0 {
			t.Fatalf("%s matches nothing (error %v)", pattern, err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			copied := string(text)
			if !slip {
				copied = strings.Replace(copied, "192.168.9.195/24", "192.168.9.195/28", 1)
			}
			file := filepath.Join(dir, filepath.Base(name))
			write(t, file, copied)
			files = append(files, file)
		}
	}
	return files
}

func TestPlanImport(t *testing.T) {
	flags := []string{
		"import", "--control-plane", "k8c1m0", "--api-endpoint", "192.168.9.193:6443", "--kubernetes-version", "v1.37.2",
		"--services", "172.28.0.0/16", "--mac", "k8c1m0=00:00:5e:00:53:01,00:00:5e:00:53:02",
	}
	code, out, errs := planned(t, append(flags, byHand(t, false)...)...)
	if code != 0 || errs != "" {
		t.Errorf("without a slip: exit %d, %s", code, errs)
	}
	p, report := plan.Parse([]byte(out))
	if err := report.Err(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if len(p.Spec.Nodes) != 3 || len(p.Spec.Nodes[0].MACs) != 2 || p.Spec.Nodes[2].Address.String() != "192.168.9.195/28" {
		t.Errorf("nodes are %+v", p.Spec.Nodes)
	}

	code, withSlip, errs := planned(t, append(flags, byHand(t, true)...)...)
	if code != 1 || !strings.Contains(errs, "node-k8c1s2.yaml:11: k8c1s2 has 192.168.9.195/24") || !strings.Contains(errs, "complete, but look at 1 problem(s)") {
		t.Errorf("with the slip: exit %d, %s", code, errs)
	}
	if _, report := plan.Parse([]byte(withSlip)); report.Err() != nil {
		t.Errorf("with the slip: %v", report.Err())
	}
}

func TestPlanImportIncomplete(t *testing.T) {
	code, out, errs := planned(t, append([]string{"import"}, byHand(t, false)...)...)
	if code != 1 || strings.Count(out, "# TODO") != 6 {
		t.Errorf("exit %d, %d marks in\n%s", code, strings.Count(out, "# TODO"), out)
	}
	for _, part := range []string{"--control-plane", "--api-endpoint", "--kubernetes-version", "--services", "the plan is incomplete: 4 gap(s)"} {
		if !strings.Contains(errs, part) {
			t.Errorf("no %q in\n%s", part, errs)
		}
	}
}

// What the files agree on may still be no plan.
func TestPlanImportOfMistakes(t *testing.T) {
	code, _, errs := planned(t, append([]string{
		"import", "--control-plane", "k8c1m0", "--api-endpoint", "172.20.0.10:6443", "--kubernetes-version", "1.37.2", "--services", "172.27.0.0/16",
	}, byHand(t, false)...)...)
	for _, part := range []string{"spec.kubernetes.apiEndpoint: 172.20.0.10", "spec.services.subnet: 172.27.0.0/16 overlaps", "2 error(s) in the plan"} {
		if code != 1 || !strings.Contains(errs, part) {
			t.Errorf("exit %d, no %q in\n%s", code, part, errs)
		}
	}
}

func TestPlanImportOfNothing(t *testing.T) {
	if code, out, errs := planned(t, "import", "/nonexistent"); code != 1 || out != "" || !strings.Contains(errs, "reading what is to be imported") {
		t.Errorf("exit %d, %q, %s", code, out, errs)
	}
}
