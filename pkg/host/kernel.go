// SPDX-License-Identifier: Apache-2.0

package host

import (
	"fmt"
	"path"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/rooted"
)

// kernel is what the running kernel has to offer in modules.
type kernel struct {
	root    rooted.Root
	release string
	folder  bool // whether /lib/modules has the running release
	builtin string
	dep     string
}

func readKernel(root rooted.Root) (kernel, error) {
	release, err := root.Get("/proc/sys/kernel/osrelease")
	if err != nil {
		return kernel{}, fmt.Errorf("reading the kernel's release: %w", err)
	}
	k := kernel{root: root, release: release}
	dir := "/lib/modules/" + release
	k.folder = root.Exists(dir)
	for file, into := range map[string]*string{"modules.builtin": &k.builtin, "modules.dep": &k.dep} {
		if *into, _, err = root.ReadOptional(path.Join(dir, file)); err != nil {
			return kernel{}, fmt.Errorf("reading the kernel's modules: %w", err)
		}
	}
	return k, nil
}

// loaded reports whether the module is in the kernel, built in or loaded. Not
// every built-in one has a folder in /sys/module: only those with parameters
// or a version do (kernel/params.c).
func (k kernel) loaded(name string) bool {
	return k.root.Exists("/sys/module/"+strings.ReplaceAll(name, "-", "_")) || listed(k.builtin, name)
}

// available returns what to do when there is no such module to load.
func (k kernel) available(name string) error {
	switch {
	case listed(k.dep, name):
		return nil
	case !k.folder:
		return fmt.Errorf("module %s: /lib/modules/%s is gone, so the kernel was replaced while it runs: reboot", name, k.release)
	}
	return fmt.Errorf("module %s is not installed for kernel %s: install kernel-modules-extra-%s (Enterprise Linux 10, "+
		"where br_netfilter is among the extra ones) or kernel-modules-%s", name, k.release, k.release, k.release)
}

// listed looks for a module in modules.builtin or modules.dep, whose lines
// begin with a path such as "kernel/net/8021q/8021q.ko.xz".
func listed(index, name string) bool {
	for line := range strings.Lines(index) {
		file, _, _ := strings.Cut(strings.TrimSpace(line), ":")
		base, _, ok := strings.Cut(path.Base(file), ".ko")
		if ok && sameModule(base, name) {
			return true
		}
	}
	return false
}

// sameModule compares names as modprobe does: dash and underscore are one.
func sameModule(a, b string) bool {
	return strings.ReplaceAll(a, "-", "_") == strings.ReplaceAll(b, "-", "_")
}
