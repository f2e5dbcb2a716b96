// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"golang.org/x/mod/modfile"

	"github.com/nodeprep/nodeprep/pkg/command"
)

const calicoModule = "github.com/projectcalico/calico"

// Versions are those of the stack's parts, as their makers write them.
type Versions struct {
	Kubernetes string // "v1.37.2"
	Containerd string // "v2.4.2"
	Etcd       string // "v3.7.3"
	CoreDNS    string // "v1.14.6"
	CNI        string // "v1.9.1", the reference plugins
	Calico     string // "v3.28.5"
}

// ReadVersions reads the versions from the stack's go.mod files. Calico's
// module has a pseudo-version, so its release is read from the manifest that
// the module carries; the module is downloaded when it is not there yet.
func ReadVersions(ctx context.Context) (Versions, error) {
	var v Versions
	var errs []error
	for _, r := range []struct {
		into           *string
		folder, module string
	}{
		{&v.Kubernetes, "kubernetes", "k8s.io/kubernetes"},
		{&v.Containerd, "containerd", "github.com/containerd/containerd/v2"},
		{&v.Etcd, "etcd", "go.etcd.io/etcd/server/v3"},
		{&v.CoreDNS, "coredns", "github.com/coredns/coredns"},
		{&v.CNI, "cni", "github.com/containernetworking/plugins"},
	} {
		var err error
		*r.into, err = required(r.folder, r.module)
		errs = append(errs, err)
	}
	var err error
	v.Calico, err = calicoRelease(ctx)
	return v, errors.Join(append(errs, err)...)
}

// required is the version at which the go.mod of a folder requires a module.
func required(folder, module string) (string, error) {
	root, err := sources()
	if err != nil {
		return "", err
	}
	path := filepath.Join(root, folder, "go.mod")
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	file, err := modfile.Parse(path, text, nil)
	if err != nil {
		return "", err
	}
	for _, r := range file.Require {
		if r.Mod.Path == module {
			return r.Mod.Version, nil
		}
	}
	return "", fmt.Errorf("%s does not require %s", path, module)
}

// sources is the folder with the stack's modules. They cannot be embedded: a
// pattern of go:embed may not reach into another module. So the lab runs from
// within its checkout: the folder is looked for upwards from the working one.
func sources() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		for _, candidate := range []string{filepath.Join(dir, "stack"), filepath.Join(dir, "lab", "stack")} {
			if _, err := os.Stat(filepath.Join(candidate, "kubernetes", "go.mod")); err == nil {
				return candidate, nil
			}
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no lab/stack at or above %s: run from within a checkout of nodeprep", start)
		}
	}
}

// CalicoModule is the folder with the sources of Calico, read-only: besides
// the programs an image needs some of its files. Downloads the module when it
// is not there yet.
func CalicoModule(ctx context.Context) (string, error) {
	root, err := sources()
	if err != nil {
		return "", err
	}
	out, err := command.Run(ctx, command.New("go", "-C", filepath.Join(root, "calico"), "mod", "download", "-json", calicoModule))
	if err != nil {
		return "", err
	}
	var module struct{ Dir string }
	if err := json.Unmarshal([]byte(out), &module); err != nil {
		return "", fmt.Errorf("reading what go mod download says of %s: %w", calicoModule, err)
	}
	return module.Dir, nil
}

// CalicoManifest is the path of Calico's own calico.yaml, as its makers ship it.
func CalicoManifest(ctx context.Context) (string, error) {
	dir, err := CalicoModule(ctx)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "manifests", "calico.yaml"), nil
}

func calicoRelease(ctx context.Context) (string, error) {
	path, err := CalicoManifest(ctx)
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	m := regexp.MustCompile(`(?m)image: docker\.io/calico/node:(v\S+)$`).FindSubmatch(text)
	if m == nil {
		return "", fmt.Errorf("%s names no image of calico/node", path)
	}
	return string(m[1]), nil
}
