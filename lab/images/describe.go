// SPDX-License-Identifier: Apache-2.0

package images

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nodeprep/nodeprep/lab/stack"
)

// An image is a name, the tar of a tree below it or "", files of our own
// above, and what a container of it runs.
type image struct {
	ref        string
	base       string
	files      []file
	entrypoint []string
	cmd        []string
	env        []string
}

// A file goes into an image at path (without leading slash) with the contents
// of source, a file, or else with data.
type file struct {
	path   string
	source string
	data   []byte
	mode   int64
}

// single are the images that hold one static binary, and where each has it.
// Static pods name their command without a folder and find it through PATH;
// coredns and pause get arguments only, so they need an entrypoint.
func single() map[string]struct{ binary, path string } {
	return map[string]struct{ binary, path string }{
		"kube-apiserver":          {"kube-apiserver", "usr/local/bin/kube-apiserver"},
		"kube-controller-manager": {"kube-controller-manager", "usr/local/bin/kube-controller-manager"},
		"kube-scheduler":          {"kube-scheduler", "usr/local/bin/kube-scheduler"},
		"etcd":                    {"etcd", "usr/local/bin/etcd"},
		"coredns":                 {"coredns", "coredns"},
		"pause":                   {"pause", "pause"},
	}
}

// describe says what is in each image of names, and refuses a name that it
// does not know: a node would wait for that image for ever.
func describe(names map[string]string, bins stack.Binaries, userland, calico string) ([]image, error) {
	var all []image
	for _, name := range slices.Sorted(maps.Keys(names)) {
		img, err := describeOne(name, bins, userland, calico)
		if err != nil {
			return nil, fmt.Errorf("image %s: %w", names[name], err)
		}
		img.ref = names[name]
		all = append(all, img)
	}
	return all, nil
}

func describeOne(name string, bins stack.Binaries, userland, calico string) (image, error) {
	if one, ok := single()[name]; ok {
		files, err := binaries(bins, map[string]string{one.path: one.binary})
		return image{files: files, entrypoint: []string{"/" + one.path}}, err
	}
	switch name {
	case "kube-proxy":
		files, err := binaries(bins, map[string]string{"usr/local/bin/kube-proxy": "kube-proxy"})
		return image{base: userland, files: files, entrypoint: []string{"/usr/local/bin/kube-proxy"}}, err
	case "kube-controllers":
		return kubeControllers(bins)
	case "cni":
		return cniPlugins(bins)
	case "node":
		return calicoNode(bins, userland, calico)
	}
	return image{}, fmt.Errorf("nothing here builds a %q", name)
}

// kubeControllers has a second binary because the manifest's probes execute
// /usr/bin/check-status.
func kubeControllers(bins stack.Binaries) (image, error) {
	files, err := binaries(bins, map[string]string{
		"usr/bin/kube-controllers": "calico-kube-controllers",
		"usr/bin/check-status":     "calico-check-status",
	})
	return image{files: files, entrypoint: []string{"/usr/bin/kube-controllers"}}, err
}

// cniPlugins is the install container: it copies everything in its
// /opt/cni/bin but "install" to the host, so the plugins of Calico's conflist
// are here and Calico's own binary under both names that it answers to.
func cniPlugins(bins stack.Binaries) (image, error) {
	files, err := binaries(bins, map[string]string{
		"opt/cni/bin/calico":      "calico-cni",
		"opt/cni/bin/calico-ipam": "calico-cni",
		"opt/cni/bin/install":     "calico-cni-install",
		"opt/cni/bin/bandwidth":   "bandwidth",
		"opt/cni/bin/host-local":  "host-local",
		"opt/cni/bin/loopback":    "loopback",
		"opt/cni/bin/portmap":     "portmap",
	})
	return image{files: files, cmd: []string{"/opt/cni/bin/install"}}, err
}

// calicoNode is what node/Dockerfile.amd64 of the module lays out, with BIRD
// and the tools from Debian.
func calicoNode(bins stack.Binaries, userland, module string) (image, error) {
	files, err := binaries(bins, map[string]string{"usr/bin/calico-node": "calico-node"})
	if err != nil {
		return image{}, err
	}
	own, err := nodeFilesystem(module)
	if err != nil {
		return image{}, err
	}
	return image{
		base:  userland,
		files: append(files, own...),
		cmd:   []string{"start_runit"},
		env:   []string{"SVDIR=/etc/service/enabled"},
	}, nil
}

func binaries(bins stack.Binaries, at map[string]string) ([]file, error) {
	var files []file
	for _, where := range slices.Sorted(maps.Keys(at)) {
		source, ok := bins[at[where]]
		if !ok {
			return nil, fmt.Errorf("the stack has no binary %q", at[where])
		}
		files = append(files, file{path: where, source: source, mode: 0o755})
	}
	return files, nil
}

// nodeFilesystem returns the start scripts of calico-node and the templates of
// its confd, from the module's folders.
func nodeFilesystem(module string) ([]file, error) {
	scripts, err := folder(filepath.Join(module, "node/filesystem"), "")
	if err != nil {
		return nil, err
	}
	confd, err := folder(filepath.Join(module, "confd/etc"), "etc")
	if err != nil {
		return nil, err
	}
	for i := range scripts {
		scripts[i].path = mergedUsr(scripts[i].path)
		if runs(scripts[i].path) {
			// The module cache takes the run bits away.
			scripts[i].mode = 0o755
		}
	}
	for i := range confd {
		if strings.HasSuffix(confd[i].path, ".template") {
			confd[i].data = []byte(WithoutTunnels(string(confd[i].data)))
		}
	}
	// Both have the empty config folder that confd writes to.
	return slices.CompactFunc(sorted(append(scripts, confd...)), samePath), nil
}

func sorted(files []file) []file {
	return slices.SortedFunc(slices.Values(files), func(a, b file) int { return strings.Compare(a.path, b.path) })
}

func samePath(a, b file) bool { return a.path == b.path }

// mergedUsr keeps a layer from naming /sbin, which is a link in the tree below
// it: an unpacker may put a folder in its place.
func mergedUsr(name string) string {
	if strings.HasPrefix(name, "sbin/") {
		return "usr/" + name
	}
	return name
}

func runs(name string) bool {
	return path.Base(name) == "run" || name == "etc/rc.local" || strings.HasPrefix(name, "usr/sbin/")
}

func folder(root, under string) ([]file, error) {
	var files []file
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		files = append(files, file{path: path.Join(under, filepath.ToSlash(rel)), data: data, mode: 0o644})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading Calico's %s: %w", root, err)
	}
	return files, nil
}

// key names the contents of the images: of each binary by its path, which the
// cache has made from the binary's own inputs.
func key(all []image) string {
	sum := sha256.New()
	fmt.Fprintln(sum, recipe)
	for _, img := range all {
		fmt.Fprintf(sum, "%q %q %q %q %q\n", img.ref, img.base, img.entrypoint, img.cmd, img.env)
		for _, f := range img.files {
			fmt.Fprintf(sum, "%q %q %o %x\n", f.path, f.source, f.mode, sha256.Sum256(f.data))
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}
