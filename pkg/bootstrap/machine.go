// SPDX-License-Identifier: Apache-2.0

package bootstrap

import (
	"context"

	"github.com/nodeprep/nodeprep/pkg/command"
	"github.com/nodeprep/nodeprep/pkg/host/unit"
	"github.com/nodeprep/nodeprep/pkg/kubeadm"
	"github.com/nodeprep/nodeprep/pkg/netcfg"
	"github.com/nodeprep/nodeprep/pkg/rooted"
)

// criSocket is containerd's, where its packages have it listen.
const criSocket = "unix:///run/containerd/containerd.sock"

// A Machine is the running host: its files, systemd, kernel and commands.
type Machine struct {
	root   rooted.Root
	units  *unit.Systemd
	kernel netcfg.Kernel
	run    command.Runner
}

// NewMachine connects to the host's systemd. Close it after use.
func NewMachine(ctx context.Context) (*Machine, error) {
	units, err := unit.Open(ctx)
	if err != nil {
		return nil, err
	}
	return &Machine{units: units, kernel: netcfg.NewKernel(), run: command.Run}, nil
}

// Close ends the connection to systemd.
func (m *Machine) Close() { m.units.Close() }

func (m *Machine) kubeadm() kubeadm.Node {
	return kubeadm.Node{Root: m.root, Run: m.run, CRISocket: criSocket}
}
