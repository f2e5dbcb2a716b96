// SPDX-License-Identifier: Apache-2.0

package architecture_test

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const nodeprep = "github.com/nodeprep/nodeprep/cmd/nodeprep"

// maxSize is what a host's agent may weigh, in bytes.
const maxSize = 20_000_000

// goTool runs the go command with C switched off, as packages are built.
func goTool(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

func TestNodeprepIsSmallAndStatic(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nodeprep")
	goTool(t, "build", "-buildvcs=false", "-trimpath", "-ldflags=-s -w", "-o", path, nodeprep)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("nodeprep has %d bytes", info.Size())
	if info.Size() > maxSize {
		t.Errorf("nodeprep has %d bytes, more than %d; see: go tool nm -size -sort size", info.Size(), maxSize)
	}
	binary, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer binary.Close()
	for _, p := range binary.Progs {
		// A static program names no loader (ELF gABI, program header PT_INTERP).
		if p.Type == elf.PT_INTERP {
			t.Error("nodeprep is linked dynamically: it names a program interpreter")
		}
	}
	if libraries, err := binary.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("nodeprep needs the libraries %v (error %v), want none", libraries, err)
	}
}

func TestNodeprepLinksNeitherKubernetesNorEtcd(t *testing.T) {
	deps := strings.Fields(goTool(t, "list", "-deps", nodeprep))
	if len(deps) < 50 {
		t.Fatalf("only %d dependencies were listed, so the list proves nothing", len(deps))
	}
	for _, dep := range deps {
		for _, large := range []string{"k8s.io/", "sigs.k8s.io/", "go.etcd.io/"} {
			if strings.HasPrefix(dep, large) {
				t.Errorf("nodeprep links %s; see: go mod why %s", dep, dep)
			}
		}
	}
}
