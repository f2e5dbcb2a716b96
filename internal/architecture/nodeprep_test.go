// SPDX-License-Identifier: Apache-2.0

package architecture_test

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
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

// linted are the files that the linter's rule for what nodeprep links is about.
func linted(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, ".golangci.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Linters struct {
			Settings struct {
				Depguard struct {
					Rules map[string]struct {
						Files []string `yaml:"files"`
					} `yaml:"rules"`
				} `yaml:"depguard"`
			} `yaml:"settings"`
		} `yaml:"linters"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	return config.Linters.Settings.Depguard.Rules["nodeprep-stays-small"].Files
}

// The linter says at once, in the editor, what must not be imported; for that it
// has to know every package that nodeprep links.
func TestTheLinterKnowsWhatNodeprepLinks(t *testing.T) {
	const module = "github.com/nodeprep/nodeprep/"
	files := linted(t)
	ours := 0
	for _, dep := range strings.Fields(goTool(t, "list", "-deps", nodeprep)) {
		path, ok := strings.CutPrefix(dep, module)
		if !ok {
			continue
		}
		ours++
		covered := slices.ContainsFunc(files, func(pattern string) bool {
			pattern = strings.TrimPrefix(pattern, "**/")
			if folder, ok := strings.CutSuffix(pattern, "/**"); ok {
				return path == folder || strings.HasPrefix(path, folder+"/")
			}
			return path+"/*.go" == pattern
		})
		if !covered {
			t.Errorf("nodeprep links %s, which .golangci.yml, depguard's rule nodeprep-stays-small, does not have", path)
		}
	}
	if ours < 10 {
		t.Errorf("nodeprep links %d packages of this module; that proves nothing", ours)
	}
}
