// SPDX-License-Identifier: Apache-2.0

// Package images makes the container images of the lab out of the stack's
// binaries, so that no registry is needed: one docker-archive that holds them
// all, under the very names that kubeadm and Calico's stock manifest ask for.
//
// Most images are one static binary. Those of kube-proxy and calico-node stand
// on a small Debian userland, because they run iptables, ipset and BIRD.
package images

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/nodeprep/nodeprep/lab/cache"
	"github.com/nodeprep/nodeprep/lab/debian"
	"github.com/nodeprep/nodeprep/lab/stack"
)

// recipe changes whenever the layout of an image changes, so that archives of
// an older layout are not taken from the cache.
const recipe = "1"

// Build returns docker-archives, owned by the cache, with every image that a
// node of the rack runs.
func Build(ctx context.Context, c *cache.Cache, bins stack.Binaries) ([]string, error) {
	manifest, err := stack.CalicoManifest(ctx)
	if err != nil {
		return nil, fmt.Errorf("finding Calico's manifest: %w", err)
	}
	names, err := Names(ctx, bins["kubeadm"], manifest)
	if err != nil {
		return nil, err
	}
	userland, err := Userland().Build(ctx, c)
	if err != nil {
		return nil, err
	}
	all, err := describe(names, bins, userland, calicoModule(manifest))
	if err != nil {
		return nil, err
	}
	dir, err := c.Dir(ctx, "images", key(all), func(_ context.Context, dir string) error {
		return write(filepath.Join(dir, "images.tar"), dir, all)
	})
	if err != nil {
		return nil, fmt.Errorf("building the container images: %w", err)
	}
	return []string{filepath.Join(dir, "images.tar")}, nil
}

// calicoModule is the folder of the Calico module that the manifest is in.
func calicoModule(manifest string) string {
	return filepath.Dir(filepath.Dir(manifest))
}

// Userland is the Debian tree below kube-proxy and calico-node.
func Userland() debian.Tree {
	return debian.Tree{
		Name: "userland",
		Packages: []string{
			"bird", "conntrack", "ipset", "iproute2", "iptables",
			"kmod", "nftables", "runit",
		},
		Script: userlandScript,
	}
}

// userlandScript makes room for Calico's own /etc/service, which Debian's
// runit has as a link elsewhere; gives sv and BIRD's client the paths that
// calico-node's liveness probe executes (node/pkg/health/health.go: without them
// kubelet restarts it for ever); and drops what nothing in a container runs.
const userlandScript = `
rm -f /etc/service
mkdir /etc/service
ln -s /usr/bin/sv /usr/local/bin/sv
ln -s /usr/sbin/birdc /usr/bin/birdcl
rm -rf /usr/lib/x86_64-linux-gnu/perl /usr/lib/x86_64-linux-gnu/libperl.so.* /usr/share/perl
rm -rf /usr/lib/x86_64-linux-gnu/gconv /var/cache/debconf /var/lib/dpkg/info
bird --version
/usr/bin/birdcl -s /nowhere 2>&1 | grep -q 'Unable to connect'
test -x /usr/sbin/iptables-nft-restore
`
