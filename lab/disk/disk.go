// SPDX-License-Identifier: Apache-2.0

// Package disk makes the one disk that every machine of the rack starts from:
// Debian 12 with systemd, dnf and rpm, NetworkManager, firewalld running, swap
// on and SELinux enforcing, the container images already in containerd's
// folder. A machine opens it with snapshot=on and never writes to it.
//
// Nothing that nodeprep is there to do has been done: bonding, 8021q,
// br_netfilter and overlay are on the disk and not loaded, there is no bond,
// no containerd and no kubelet.
//
// A machine finds the shares that its host gives it, by their 9p tags: one
// tagged "packages" is mounted read-only at /srv/packages at every boot; one
// tagged "kickstart" is mounted at /srv/kickstart, and its post.sh is run in
// there once, as an installer's %post section is.
//
// The disk is a bare ext4 file system, started by its own kernel and a small
// initrd that QEMU loads; CommandLine says how.
package disk

import (
	"context"
	"embed"
	"fmt"
	"path/filepath"

	"github.com/nodeprep/nodeprep/lab/cache"
	"github.com/nodeprep/nodeprep/lab/debian"
	"github.com/nodeprep/nodeprep/lab/stack"
)

// CommandLine is the kernel's: mitigations and huge pages cost emulated time
// only, and a panic ends a QEMU that runs with -no-reboot.
const CommandLine = "console=ttyS0 root=/dev/vda rw quiet mitigations=off transparent_hugepage=never panic=-1 selinux=1 security=selinux"

// An Image is what QEMU needs to start a machine. The cache owns the files.
type Image struct {
	Disk   string // raw ext4, to be attached as the first virtio disk
	Kernel string
	Initrd string
}

// A Spec says what goes onto the disk beside Debian.
type Spec struct {
	Binaries stack.Binaries // of which containerd and ctr are run here
	Images   []string       // docker-archives for containerd's folder
	Base     string         // RPM that provides what Debian's packages provide
}

var (
	//go:embed tree.sh
	treeScript string

	//go:embed finish.sh
	finishScript string

	//go:embed all:root
	overlay embed.FS
)

// Build makes the disk, or finds it in the cache. Making one needs root.
func Build(ctx context.Context, c *cache.Cache, spec Spec) (Image, error) {
	tree, err := Tree().Build(ctx, c)
	if err != nil {
		return Image{}, err
	}
	key, err := spec.key(tree)
	if err != nil {
		return Image{}, err
	}
	dir, err := c.Dir(ctx, "disk", key, func(ctx context.Context, dir string) error {
		return build(ctx, spec, tree, dir)
	})
	if err != nil {
		return Image{}, fmt.Errorf("building the disk: %w", err)
	}
	return Image{
		Disk:   filepath.Join(dir, diskFile),
		Kernel: filepath.Join(dir, kernelFile),
		Initrd: filepath.Join(dir, initrdFile),
	}, nil
}

// key sums up what the disk is made from. The tree, the images and containerd
// lie in folders of the cache that are named after their own contents.
func (s Spec) key(tree string) (string, error) {
	inputs := []cache.Input{
		cache.Text("tree", tree),
		cache.Text("finish", finishScript),
		cache.Text("containerd", s.Binaries["containerd"]),
		cache.File(s.Base),
	}
	for _, archive := range s.Images {
		inputs = append(inputs, cache.Text("images", archive))
	}
	files, err := overlayFiles()
	if err != nil {
		return "", err
	}
	for _, f := range files {
		inputs = append(inputs, cache.Text(f.path, string(f.data)))
	}
	key, err := cache.Key(inputs...)
	if err != nil {
		return "", fmt.Errorf("naming the disk: %w", err)
	}
	return key, nil
}

// Tree is the Debian system of the disk, before anything of ours but the
// pruning of drivers and the initrd.
func Tree() debian.Tree {
	return debian.Tree{
		Name: "tree",
		Packages: []string{
			// The system, and what dnf needs of it.
			"systemd", "systemd-sysv", "dbus", "udev", "kmod", "mount", "procps", "passwd",
			"ca-certificates", "linux-image-amd64", "dnf", "rpm",
			// What a host of an enterprise distribution runs.
			"firewalld", "network-manager", "selinux-policy-default", "policycoreutils",
			// What kubelet, kube-proxy and the people who look for faults call.
			"iproute2", "iptables", "nftables", "ipset", "conntrack", "ethtool", "socat",
			"iputils-ping", "iputils-arping", "tcpdump", "less",
			// The leaves' routers, off elsewhere; the harness's eye.
			"frr", "qemu-guest-agent",
			// For the initrd.
			"busybox-static", "cpio",
		},
		Script: treeScript,
	}
}
