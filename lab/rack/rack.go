// SPDX-License-Identifier: Apache-2.0

package rack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/nodeprep/nodeprep/lab/vm"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// Config is what a rack is built from.
type Config struct {
	Plan           []byte // plan document, cut already
	Disk           string // image that every machine boots from
	Kernel, Initrd string
	Packages       string // folder of RPMs with its metadata
	CalicoManifest string // file handed to joinsvc
	PauseImage     string // name of the image on the hosts' disks that does nothing
	Accel          vm.Accel
	Dir            string // existing, empty folder with a short path
}

// Rack is a running topology. Close ends it.
type Rack struct {
	Topology
	config   Config
	group    *vm.Group
	hub      *vm.Hub
	sockets  []*os.File
	mu       sync.Mutex // guards machines, of which one may be replaced
	machines map[string]*vm.VM
	order    []string // of machines, for output
	door     *door
}

// Infra is the one beside the hosts: each leaf in a network namespace,
// joinsvc outside of them. A machine for each would be one more system to
// boot on processors that have enough to do.
const Infra = "infra"

// behindNice is how far the machines of a role stand back (nice(2)) behind what
// has to be done first, which the operator knows. Five steps are a third of the
// weight (Linux, kernel/sched/core.c, sched_prio_to_weight); with ten, systemd did
// not answer in a machine within the 25 s of D-Bus. The machine of joinsvc and the
// leaves goes first, where that is allowed: nothing begins before it is up, which
// beside a control plane as nice took 104 s in place of 49, and then it has little
// to do.
const (
	infraNice  = -5
	behindNice = 5
)

// Start lays the cables and starts every machine at once.
func Start(c Config) (*Rack, error) {
	p, report := plan.Parse(c.Plan)
	if err := report.Err(); err != nil {
		return nil, err
	}
	t, err := NewTopology(p)
	if err != nil {
		return nil, err
	}
	r := &Rack{
		Topology: t, config: c, group: vm.NewGroup(), hub: vm.NewHub(),
		machines: map[string]*vm.VM{},
	}
	if err := errors.Join(os.MkdirAll(r.enrolmentDir(), 0o700), r.start()); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the rack: %w", err), r.Close())
	}
	return r, nil
}

func (r *Rack) start() error {
	machines, err := r.cabled()
	if err != nil {
		return err
	}
	if r.door, err = openDoor(r.config.Dir, r.Run); err != nil {
		return err
	}
	for _, m := range machines {
		v, err := m.Start(r.group)
		if err != nil {
			return err
		}
		r.machines[m.Name] = v
		r.order = append(r.order, m.Name)
	}
	return nil
}

// cabled returns the machines with their cards plugged in: each leg to its
// leaf port, each provisioning card to the hub.
func (r *Rack) cabled() ([]vm.Machine, error) {
	infra, err := r.machine(Infra, 1536, 1, managementMAC(serviceHost))
	if err != nil {
		return nil, err
	}
	infra.Nice = infraNice
	var hosts []vm.Machine
	for _, h := range r.Hosts {
		m, err := r.host(h, &infra)
		if err != nil {
			return nil, err
		}
		hosts = append(hosts, m)
	}
	return append([]vm.Machine{infra}, hosts...), nil
}

// host makes one host's machine and plugs its legs into the leaves' machine.
func (r *Rack) host(h Host, infra *vm.Machine) (vm.Machine, error) {
	memory, cpus := 2048, 1
	if h.Role == plan.ControlPlane {
		memory, cpus = 4096, 2
	}
	m, err := r.machine(h.Name, memory, cpus, h.NIC)
	if err != nil {
		return m, err
	}
	m.Shares = append(m.Shares, vm.Share{Tag: "enrolment", Path: r.enrolmentDir(), ReadOnly: true})
	for i, leg := range h.Legs {
		near, far, err := vm.NewWire()
		if err != nil {
			return m, err
		}
		r.sockets = append(r.sockets, near, far)
		index, err := acpiIndex(leg.Name)
		if err != nil {
			return m, err
		}
		m.NICs = append(m.NICs, vm.NIC{Name: leg.Name, MAC: leg.MAC, ACPIIndex: index, Socket: near})
		infra.NICs = append(infra.NICs, vm.NIC{Name: fmt.Sprintf("%s-%d", h.Name, i), MAC: leg.LeafMAC, Socket: far})
	}
	return m, nil
}

// machine is what all machines have in common, its kickstart folder included.
func (r *Rack) machine(name string, memory, cpus int, mac string) (vm.Machine, error) {
	kickstart := r.kickstartDir(name)
	if err := r.writeKickstart(name, kickstart); err != nil {
		return vm.Machine{}, err
	}
	port, err := r.hub.Port()
	if err != nil {
		return vm.Machine{}, err
	}
	r.sockets = append(r.sockets, port)
	return vm.Machine{
		Name: name, Dir: r.config.Dir, Disk: r.config.Disk, Kernel: r.config.Kernel, Initrd: r.config.Initrd,
		KernelArgs: r.kernelArgs(name), MemoryMiB: memory, CPUs: cpus, Accel: r.config.Accel,
		NICs: []vm.NIC{{Name: "mgmt", MAC: mac, Socket: port}},
		Shares: []vm.Share{
			{Tag: "kickstart", Path: kickstart, ReadOnly: true},
			{Tag: "packages", Path: r.config.Packages, ReadOnly: true},
		},
	}, nil
}

// kernelArgs boots a host as its owner would, and the other machine no
// further than to its installer's script, without SELinux. Every second of
// boot is paid for on the same few processors. tsc=reliable keeps the kernel
// from falling back to the HPET when an emulated processor was not run for a
// while (Linux 6.1, kernel/time/clocksource.c): each look at that clock is a
// call into the emulator. no5lvl saves a level of every emulated page walk.
// highres=off makes the shortest sleep a tick: Go's runtime asks for 20 µs, and
// each re-arms an emulated timer. One boot alone
// took about 15 % less; in a whole rack the gain was not seen apart.
func (r *Rack) kernelArgs(name string) []string {
	args := []string{
		"console=ttyS0", "root=/dev/vda", "rw", "quiet", "mitigations=off", "transparent_hugepage=never",
		"tsc=reliable", "no5lvl", "highres=off", "systemd.mask=systemd-udev-settle.service",
	}
	if name == Infra {
		return append(args, "selinux=0", "systemd.unit=basic.target", "systemd.wants=kickstart.service")
	}
	return append(args, "selinux=1", "security=selinux")
}

func (r *Rack) kickstartDir(name string) string {
	return filepath.Join(r.config.Dir, "kickstart-"+name)
}

// Close ends every machine and unplugs every cable.
func (r *Rack) Close() error {
	r.group.Kill()
	errs := []error{r.hub.Close()}
	if r.door != nil {
		errs = append(errs, r.door.close())
	}
	for _, s := range r.sockets {
		errs = append(errs, s.Close())
	}
	r.sockets = nil
	return errors.Join(errs...)
}
