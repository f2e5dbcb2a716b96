// SPDX-License-Identifier: Apache-2.0

package lldp

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/nodeprep/nodeprep/lab/nettest"
)

// kind is of the namespaces of this package.
const kind = "lldp"

// An lldpd is a running lldpd(8), by its control socket.
type lldpd struct{ socket string }

// startLLDPD runs lldpd in a namespace with a configuration for lldpcli(8), and
// with nothing from /etc.
func startLLDPD(t *testing.T, ns nettest.Namespace, config string, flags ...string) lldpd {
	t.Helper()
	folder := folderOf(ns)
	// lldpcli is another user than root, who cannot look into the test's own folder.
	nettest.Run(t, "install", "-d", "-m", "755", folder)
	t.Cleanup(func() { removeFolder(t, ns) })
	file := filepath.Join(folder, "lldpd.conf")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	l := lldpd{filepath.Join(folder, "socket")}
	flags = append(flags, "-dd", "-u", l.socket, "-O", file)
	d := nettest.Start(t, "lldpd", t.TempDir(), ns.Command("lldpd", flags...))
	nettest.AwaitAnswer(t, d, func() error {
		_, err := nettest.Try(t, "lldpcli", "-u", l.socket, "show", "chassis")
		return err
	})
	return l
}

// report is what lldpctl prints of the neighbours.
func (l lldpd) report(t *testing.T) string {
	t.Helper()
	return nettest.Run(t, "lldpctl", "-u", l.socket, "-f", "json")
}

func folderOf(ns nettest.Namespace) string { return filepath.Join("/run", string(ns)) }

func removeFolder(t *testing.T, ns nettest.Namespace) {
	t.Helper()
	if err := os.RemoveAll(folderOf(ns)); err != nil {
		t.Error(err)
	}
}

// sweep removes what runs have left that were killed before they could. An lldpd
// outlives them: as it becomes another user, its parent-death signal is cleared
// (prctl(2)).
func sweep(t *testing.T) {
	t.Helper()
	for _, ns := range nettest.Sweep(t, kind) {
		removeFolder(t, ns)
	}
}
