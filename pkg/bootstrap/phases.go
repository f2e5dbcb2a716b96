// SPDX-License-Identifier: Apache-2.0

package bootstrap

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nodeprep/nodeprep/pkg/host"
	"github.com/nodeprep/nodeprep/pkg/host/containerd"
	"github.com/nodeprep/nodeprep/pkg/host/dnf"
	"github.com/nodeprep/nodeprep/pkg/host/firewall"
	"github.com/nodeprep/nodeprep/pkg/host/unit"
	"github.com/nodeprep/nodeprep/pkg/phase"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// networkManager reads our file only when it is told to.
const networkManager = "NetworkManager.service"

// repository is the name of the package folder in the package manager.
const repository = "nodeprep"

// Host returns the phases that prepare a host, in the order in which they run.
func Host(h plan.HostPlan, m *Machine) []phase.Phase {
	links := network{config: NetworkConfig(h), kernel: m.Kernel, root: m.Root, reload: m.reloadNetworkManager}
	return []phase.Phase{
		{Name: "name", Doc: "this host is called " + h.Name, Plan: m.name(h)},
		{Name: "modules", Doc: "kernel modules, now and at every boot", Plan: m.modules()},
		links.phase(),
		links.lacp(),
		{Name: "firewall", Doc: "no firewalld beside Calico's rules", Plan: m.firewall()},
		{Name: "sysctl", Doc: "bridged and routed packets", Plan: m.sysctls(), Needs: []string{"modules"}},
		{Name: "selinux", Doc: "SELinux " + string(h.Host.SELinux), Plan: m.selinux(h)},
		{Name: "swap", Doc: "no swap beside kubelet", Plan: m.noSwap()},
		{Name: "packages", Doc: "container runtime and Kubernetes " + h.Kubernetes.Version, Plan: m.packages(h), Needs: []string{"lacp"}, Ahead: true},
		{Name: "runtime", Doc: "containerd, configured for kubelet", Plan: m.runtime(h), Needs: []string{"packages"}},
		{Name: "kubelet", Doc: "kubelet at every boot, and now on a node", Plan: m.kubelet(), Needs: []string{"packages"}},
	}
}

// Join returns the phases that make a prepared host a node that is routed to.
func Join(h plan.HostPlan, c Coordinator, m *Machine) []phase.Phase {
	member := membership{host: h, coordinator: c, node: m.kubeadm(), now: time.Now}
	return []phase.Phase{member.phase(), Routed(c)}
}

// planner is what a phase asks first.
type planner = func(context.Context) ([]phase.Change, error)

// together plans several aspects as one.
func together(planners ...planner) planner {
	return func(ctx context.Context) ([]phase.Change, error) {
		var all []phase.Change
		for _, p := range planners {
			changes, err := p(ctx)
			if err != nil {
				return nil, err
			}
			all = append(all, changes...)
		}
		return all, nil
	}
}

func (m *Machine) name(h plan.HostPlan) planner {
	short, _, _ := strings.Cut(h.Name, ".")
	return together(
		host.Hostname{Root: m.Root, Name: h.Name}.Plan,
		host.Hosts{Root: m.Root, Address: h.Address.Addr(), Names: []string{h.Name, short}}.Plan,
	)
}

func (m *Machine) modules() planner {
	return host.Modules{
		Root: m.Root,
		Want: []host.Module{
			// Without max_bonds=0 the module makes a balance-rr bond0 of its own.
			{Name: "bonding", Options: "max_bonds=0"},
			{Name: "8021q"},
			{Name: "br_netfilter"},
			{Name: "overlay"},
		},
		Load: func(ctx context.Context) error { return m.Units.Restart(ctx, host.ModulesLoadUnit) },
	}.Plan
}

// reloadNetworkManager does nothing where NetworkManager does not run: it will
// read the file when it starts.
func (m *Machine) reloadNetworkManager(ctx context.Context) error {
	state, err := m.Units.State(ctx, networkManager)
	if err != nil || !state.Running() {
		return err
	}
	return m.Units.ReloadService(ctx, networkManager)
}

func (m *Machine) firewall() planner {
	return firewall.NoFirewalld{Units: m.Units, Tables: m.Tables}.Plan
}

func (m *Machine) sysctls() planner {
	return host.Sysctls{Root: m.Root, Want: map[string]string{
		"net.bridge.bridge-nf-call-iptables":  "1",
		"net.bridge.bridge-nf-call-ip6tables": "1",
		"net.ipv4.ip_forward":                 "1",
	}}.Plan
}

func (m *Machine) selinux(h plan.HostPlan) planner {
	return host.SELinux{Root: m.Root, Mode: host.SELinuxMode(h.Host.SELinux)}.Plan
}

func (m *Machine) noSwap() planner {
	return host.NoSwap{Root: m.Root, Units: m.Units, Off: m.Swapoff}.Plan
}

// packages installs from the plan's folder, or from the repositories that the
// host has already.
func (m *Machine) packages(h plan.HostPlan) planner {
	kubernetes := []dnf.Package{
		{Name: "kubelet", Version: h.Kubernetes.Version},
		{Name: "kubeadm", Version: h.Kubernetes.Version},
		{Name: "kubectl", Version: h.Kubernetes.Version},
	}
	install := dnf.Packages{
		Run:    m.Run,
		Want:   append(kubernetes, dnf.Package{Name: "containerd.io"}),
		Reload: m.Units.Reload,
		// The repository of pkgs.k8s.io hides its packages from upgrades, as ours does.
		Unpin: []string{"kubernetes"},
	}
	if h.Packages.Folder == "" {
		return m.unlessNode(install)
	}
	install.Unpin = []string{repository}
	pinned := make([]string, 0, len(kubernetes))
	for _, p := range kubernetes {
		pinned = append(pinned, p.Name)
	}
	folder := dnf.Repo{Root: m.Root, ID: repository, Folder: h.Packages.Folder, Pinned: pinned}
	return together(folder.Plan, m.unlessNode(install))
}

// unlessNode keeps the packages of a host that is a node as they are. Every boot
// runs all phases, and a plan with another release is there before the cluster
// has it: a kubelet that is newer than its API server is none that Kubernetes
// supports, and one that was upgraded by hand would go back.
func (m *Machine) unlessNode(install dnf.Packages) planner {
	return func(ctx context.Context) ([]phase.Change, error) {
		stage, err := m.kubeadm().Observe() // the phase kubeadm tells the error
		install.Keep = err == nil && stage.Made()
		return install.Plan(ctx)
	}
}

// runtime asks kubeadm once for its image: the answer does not change within a
// run, and starting kubeadm takes seconds on a small machine.
func (m *Machine) runtime(h plan.HostPlan) planner {
	var sandbox string
	return func(ctx context.Context) (_ []phase.Change, err error) {
		if sandbox == "" {
			sandbox, err = m.kubeadm().SandboxImage(ctx, h.Kubernetes.Version)
		}
		if err != nil {
			return nil, fmt.Errorf("configuring containerd: %w", err)
		}
		return containerd.Runtime{Root: m.Root, Units: m.Units, SandboxImage: sandbox, Now: time.Now}.Plan(ctx)
	}
}

// kubelet runs as soon as kubeadm has configured it, and cannot before. On a host
// that is a node it is started where it was stopped or masked: such a node would
// be waited for without a word of why it does not come.
func (m *Machine) kubelet() planner {
	enabled := unit.Enabled{Units: m.Units, Name: "kubelet.service"}
	return func(ctx context.Context) ([]phase.Change, error) {
		stage, err := m.kubeadm().Observe() // the phase kubeadm tells the error
		if err != nil || !stage.Made() {
			return enabled.Plan(ctx)
		}
		return unit.Running(enabled).Plan(ctx)
	}
}
