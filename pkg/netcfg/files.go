// SPDX-License-Identifier: Apache-2.0

package netcfg

import (
	"context"
	"fmt"
	"io/fs"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/phase"
	"github.com/nodeprep/nodeprep/pkg/rooted"
)

// file is one of ours, in its very place: a symbolic link there, such as one to
// /dev/null that masks it, goes.
func file(root rooted.Root, name string, mode fs.FileMode, content string) rooted.File {
	return rooted.File{Root: root, Name: name, Content: content, Mode: mode, InPlace: true}
}

// files keep others off c's links. NetworkManager has to reload its
// configuration for its file to count; udev reads its own when a link appears.
func files(root rooted.Root, c Config) []rooted.File {
	return []rooted.File{
		file(root, "/etc/NetworkManager/conf.d/90-nodeprep.conf", 0o644, networkManager(c)),
		file(root, "/etc/systemd/network/98-nodeprep-bond.link", 0o644, udevLink(c)),
	}
}

// networkManager makes NetworkManager leave alone our links, and those that
// Calico makes (docs.tigera.io, "Configure NetworkManager"). The list is added
// to, not set, because a host may have a list of its own. With dns=none it does
// not write /etc/resolv.conf, which otherwise it does on every lease of any
// interface (NetworkManager.conf(5)).
func networkManager(c Config) string {
	links := append([]string{}, c.Bond.Legs...)
	links = append(links, c.Bond.Name, c.VLAN.Name, spare,
		"cali*", "tunl*", "vxlan.calico", "vxlan-v6.calico", "wireguard.cali", "wg-v6.cali")
	var b strings.Builder
	fmt.Fprintln(&b, "# Written by nodeprep: these links belong to it and to Calico.")
	if len(c.DNS.Servers) > 0 {
		fmt.Fprint(&b, "[main]\ndns=none\n\n")
	}
	fmt.Fprintf(&b, "[keyfile]\nunmanaged-devices+=interface-name:%s\n", strings.Join(links, ";interface-name:"))
	return b.String()
}

// udevLink keeps udev from giving our links a MAC of its own making, which
// MACAddressPolicy=persistent in 99-default.link does to bonds since systemd
// 242 (systemd#15208). The first matching file wins, hence a number below 99.
func udevLink(c Config) string {
	return fmt.Sprintf(`# Written by nodeprep: the MAC of the bond is the system id that LACP shows to the leaves.
[Match]
OriginalName=%s %s %s

[Link]
MACAddressPolicy=none
`, c.Bond.Name, c.VLAN.Name, spare)
}

// PlanFiles returns the changes to the files under root that keep
// NetworkManager and udev off c's links. NetworkManager has to read its
// configuration again for its file to count.
func PlanFiles(ctx context.Context, root rooted.Root, c Config) ([]phase.Change, error) {
	return rooted.PlanFiles(ctx, files(root, c)...)
}

// PlanDNS returns the change that brings /etc/resolv.conf under root to d. A
// symlink there, to the file of systemd-resolved or NetworkManager, is replaced
// and what it points to is left as it is; systemd-resolved then takes its
// servers from the new file (systemd-resolved.service(8), "/etc/resolv.conf").
func PlanDNS(ctx context.Context, root rooted.Root, d DNS) ([]phase.Change, error) {
	if len(d.Servers) == 0 {
		return nil, nil
	}
	return file(root, "/etc/resolv.conf", 0o644, resolvConf(d)).Plan(ctx)
}

func resolvConf(d DNS) string {
	var b strings.Builder
	fmt.Fprintln(&b, "# Written by nodeprep from the cluster plan.")
	if len(d.Search) > 0 {
		fmt.Fprintln(&b, "search", strings.Join(d.Search, " "))
	}
	for _, s := range d.Servers {
		fmt.Fprintln(&b, "nameserver", s)
	}
	return b.String()
}
