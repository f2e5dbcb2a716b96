// SPDX-License-Identifier: Apache-2.0

package netcfg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/atomicfile"
)

// File is a file with all of its content.
type File struct {
	Path    string // absolute, under the host's root
	Mode    fs.FileMode
	Content string
}

// Files returns the files that keep others off c's links. NetworkManager has
// to reload its configuration for its file to count; udev reads its own when a
// link appears.
func Files(c Config) []File {
	return []File{
		{"/etc/NetworkManager/conf.d/90-nodeprep.conf", 0o644, networkManager(c)},
		{"/etc/systemd/network/98-nodeprep-bond.link", 0o644, udevLink(c)},
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

// PlanFiles returns the changes that bring [Files] under root to c.
func PlanFiles(root string, c Config) ([]Change, error) {
	return planFiles(root, Files(c))
}

// PlanDNS returns the change that brings /etc/resolv.conf under root to d. A
// symlink there, to the file of systemd-resolved or NetworkManager, is replaced
// and what it points to is left as it is; systemd-resolved then takes its
// servers from the new file (systemd-resolved.service(8), "/etc/resolv.conf").
func PlanDNS(root string, d DNS) ([]Change, error) {
	if len(d.Servers) == 0 {
		return nil, nil
	}
	return planFiles(root, []File{{"/etc/resolv.conf", 0o644, resolvConf(d)}})
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

func planFiles(root string, files []File) ([]Change, error) {
	var changes []Change
	for _, f := range files {
		from, err := difference(root, f)
		if err != nil {
			return nil, err
		}
		if from == "" {
			continue
		}
		changes = append(changes, Change{What: f.Path, From: from, To: "as planned", Do: func(context.Context) error {
			return write(root, f)
		}})
	}
	return changes, nil
}

// difference says what is in the place of f, or "" if it is f.
func difference(root string, f File) (string, error) {
	path := filepath.Join(root, f.Path)
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "absent", nil
	case err != nil:
		return "", err
	case info.Mode().Type() == fs.ModeSymlink:
		target, err := os.Readlink(path)
		return "symlink to " + target, err
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is neither a file nor a symlink: %s", f.Path, info.Mode())
	}
	content, err := os.ReadFile(path)
	switch {
	case err != nil:
		return "", err
	case !bytes.Equal(content, []byte(f.Content)):
		return "other content", nil
	case info.Mode().Perm() != f.Mode:
		return "mode " + info.Mode().Perm().String(), nil
	}
	return "", nil
}

func write(root string, f File) error {
	return atomicfile.Write(filepath.Join(root, f.Path), []byte(f.Content), f.Mode)
}
