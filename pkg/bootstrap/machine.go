// SPDX-License-Identifier: Apache-2.0

package bootstrap

import (
	"context"

	"github.com/nodeprep/nodeprep/pkg/command"
	"github.com/nodeprep/nodeprep/pkg/host"
	"github.com/nodeprep/nodeprep/pkg/host/firewall"
	"github.com/nodeprep/nodeprep/pkg/host/unit"
	"github.com/nodeprep/nodeprep/pkg/kubeadm"
	"github.com/nodeprep/nodeprep/pkg/netcfg"
	"github.com/nodeprep/nodeprep/pkg/rooted"
)

// criSocket is containerd's, where its packages have it listen.
const criSocket = "unix:///run/containerd/containerd.sock"

// Units is what the phases ask of systemd.
type Units interface {
	unit.Starter
	unit.Stopper
	host.SwapUnits
	Restart(ctx context.Context, name string) error
	ReloadService(ctx context.Context, name string) error
	// Reload makes systemd read its files again.
	Reload(ctx context.Context) error
}

// A Machine is a host by its edges: files, systemd, kernel and commands.
type Machine struct {
	Root    rooted.Root
	Units   Units
	Kernel  netcfg.Kernel
	Tables  firewall.Tables
	Swapoff func(path string) error // swapoff(2)
	Run     command.Runner
	// Close ends the connection to systemd.
	Close func()
}

// NewMachine is the running host; it connects to systemd. Close it after use.
func NewMachine(ctx context.Context) (*Machine, error) {
	units, err := unit.Open(ctx)
	if err != nil {
		return nil, err
	}
	return &Machine{
		Units: units, Kernel: netcfg.NewKernel(), Tables: firewall.Kernel{}, Swapoff: host.Swapoff, Run: command.Run, Close: units.Close,
	}, nil
}

func (m *Machine) kubeadm() kubeadm.Node {
	return kubeadm.Node{Root: m.Root, Run: m.Run, CRISocket: criSocket}
}
