// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"

	"github.com/nodeprep/nodeprep/lab/cache"
	"github.com/nodeprep/nodeprep/pkg/command"
)

func versions(t *testing.T) Versions {
	t.Helper()
	v, err := ReadVersions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVersionsAreThoseOfTheModules(t *testing.T) {
	v := versions(t)
	for part, version := range map[string]string{
		"Kubernetes": v.Kubernetes, "Containerd": v.Containerd, "Etcd": v.Etcd,
		"CoreDNS": v.CoreDNS, "CNI": v.CNI, "Calico": v.Calico,
	} {
		if !semver.IsValid(version) || semver.Prerelease(version) != "" {
			t.Errorf("%s: %q is no release", part, version)
		}
	}
}

// TestEveryProgramIsATool: the go.mod files name as tools just what is built,
// so that the go command keeps their sums complete.
func TestEveryProgramIsATool(t *testing.T) {
	root, err := sources()
	if err != nil {
		t.Fatal(err)
	}
	for _, module := range byModule(programs(versions(t))) {
		path := filepath.Join(root, module[0].folder, "go.mod")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		file, err := modfile.Parse(path, text, nil)
		if err != nil {
			t.Fatal(err)
		}
		var tools, built []string
		for _, tool := range file.Tool {
			tools = append(tools, tool.Path)
		}
		for _, p := range module {
			if p.pkg != "." { // our own program needs no module
				built = append(built, p.pkg)
			}
		}
		slices.Sort(tools)
		slices.Sort(built)
		if diff := cmp.Diff(built, tools); diff != "" {
			t.Errorf("%s: tools (-built +named):\n%s", path, diff)
		}
	}
}

func TestProgramsHaveTheirOwnNames(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range programs(versions(t)) {
		if seen[p.name] {
			t.Errorf("two programs are called %s", p.name)
		}
		seen[p.name] = true
	}
}

func TestVersionOnTheCommandLine(t *testing.T) {
	got := kubernetes(Versions{Kubernetes: "v1.37.2"})[0].ldflags()
	want := "-s -w" +
		" -X k8s.io/component-base/version.gitVersion=v1.37.2" +
		" -X k8s.io/component-base/version.gitMajor=1" +
		" -X k8s.io/component-base/version.gitMinor=37" +
		" -X k8s.io/component-base/version.gitTreeState=clean" +
		" -X k8s.io/client-go/pkg/version.gitVersion=v1.37.2" +
		" -X k8s.io/client-go/pkg/version.gitMajor=1" +
		" -X k8s.io/client-go/pkg/version.gitMinor=37" +
		" -X k8s.io/client-go/pkg/version.gitTreeState=clean"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ldflags (-want +got):\n%s", diff)
	}
}

// small are programs that take a second to build, of two modules.
func small(t *testing.T) []program {
	t.Helper()
	return slices.DeleteFunc(programs(versions(t)), func(p program) bool {
		return p.name != "pause" && p.name != "loopback"
	})
}

func TestBuildOnceAndRun(t *testing.T) {
	c, err := cache.At(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, cached := range []bool{false, true} {
		var names []string
		bins, err := build(t.Context(), c, small(t), func(b Built) {
			names = append(names, b.Name)
			if b.Cached != cached {
				t.Errorf("%s: cached %v, want %v", b.Name, b.Cached, cached)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(names)
		if diff := cmp.Diff([]string{"loopback", "pause"}, names); diff != "" {
			t.Errorf("progress (-want +got):\n%s", diff)
		}
		runSmall(t, bins)
	}
}

func runSmall(t *testing.T, bins Binaries) {
	t.Helper()
	out, err := command.Run(t.Context(), command.New(bins["pause"], "-v"))
	if err != nil || out != "pause of the lab\n" {
		t.Errorf("pause -v: %q, %v", out, err)
	}
	about := command.New(bins["loopback"])
	about.Env = []string{"CNI_COMMAND=VERSION"}
	about.Stdin = `{"cniVersion":"1.0.0"}`
	out, err = command.Run(t.Context(), about)
	if err != nil || !strings.Contains(out, "supportedVersions") {
		t.Errorf("loopback: %q, %v", out, err)
	}
}

func TestAnotherFlagIsAnotherProgram(t *testing.T) {
	root, err := sources()
	if err != nil {
		t.Fatal(err)
	}
	b := builder{root: root, release: "go version go1.26.8 linux/amd64"}
	base := small(t)[0]
	variants := []program{base, base, base, base}
	variants[1].defines = []string{"main.VERSION=other"}
	variants[2].pkg += "/other"
	variants[3].folder = "etcd"
	seen := map[string]int{}
	for i, p := range variants {
		key, err := b.key(p)
		if err != nil {
			t.Fatal(err)
		}
		if j, ok := seen[key]; ok {
			t.Errorf("variants %d and %d have the same key", i, j)
		}
		seen[key] = i
	}
	b.release = "go version go1.26.9 linux/amd64"
	key, err := b.key(base)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := seen[key]; ok {
		t.Error("another Go release: the same key")
	}
}

func TestFailedBuildSaysWhatToPaste(t *testing.T) {
	c, err := cache.At(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	broken := []program{{name: "absent", folder: "pause", pkg: "./absent"}}
	_, err = build(t.Context(), c, broken, nil)
	if err == nil {
		t.Fatal("an absent package was built")
	}
	for _, want := range []string{"building absent", "running `LC_ALL=C", "go -C", "directory not found"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q:\n%v", want, err)
		}
	}
}
