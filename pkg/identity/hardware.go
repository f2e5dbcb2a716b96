// SPDX-License-Identifier: Apache-2.0

// Package identity is who a host is: the hardware that it finds itself to be,
// and the key and certificate that joinsvc knows it by.
package identity

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// Hardware reads the machine's identity below root ("" is the running system).
// A machine without a single physical interface is an error; serial and
// machine-id may be missing.
func Hardware(root string) (joinapi.Identity, error) {
	macs, err := permanentMACs(root)
	if err != nil {
		return joinapi.Identity{}, err
	}
	return joinapi.Identity{
		Hostname:  line(root, "/proc/sys/kernel/hostname"),
		MachineID: line(root, "/etc/machine-id"),
		Serial:    line(root, "/sys/class/dmi/id/product_serial"),
		MACs:      macs,
	}, nil
}

// permanentMACs returns the addresses burnt into the physical interfaces.
func permanentMACs(root string) ([]joinapi.MAC, error) {
	links, err := filepath.Glob(filepath.Join(root, "/sys/class/net/*"))
	if err != nil {
		return nil, fmt.Errorf("listing interfaces: %w", err)
	}
	var macs []joinapi.MAC
	for _, link := range links {
		if !physical(link) {
			continue
		}
		var mac joinapi.MAC
		if mac.UnmarshalText([]byte(permanentMAC(link))) == nil {
			macs = append(macs, mac)
		}
	}
	if len(macs) == 0 {
		return nil, errors.New("finding out who this host is: no physical interface in /sys/class/net; look at `ip link` and `lspci`")
	}
	slices.Sort(macs)
	return slices.Compact(macs), nil
}

// physical says whether a link is hardware: that has a device behind it; bonds,
// VLANs and the like do not. A virtual function of a card that this host shares
// out has one too, and names its card (Linux, drivers/pci/iov.c: physfn): there
// are a hundred of them, they come and go, and their addresses are made up. A
// machine that was given one sees no physfn.
func physical(link string) bool {
	exists := func(path string) bool {
		_, err := os.Stat(filepath.Join(link, path))
		return !errors.Is(err, fs.ErrNotExist)
	}
	return exists("device") && !exists("device/physfn")
}

// permanentMAC asks the bonding driver first: while a link is enslaved its
// address attribute is the bond's (Documentation/networking/bonding.rst).
func permanentMAC(link string) string {
	if mac := line(link, "bonding_slave/perm_hwaddr"); mac != "" {
		return mac
	}
	return line(link, "address")
}

func line(root, path string) string {
	data, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}
