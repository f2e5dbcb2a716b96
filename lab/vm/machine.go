// SPDX-License-Identifier: Apache-2.0

// Package vm runs QEMU machines that the caller owns: a Machine is a value,
// Start makes a process of it, and nothing outlives the program that started
// it. Machines are joined by Wires (point to point) and a Hub (one segment);
// a running VM is spoken to through its guest agent (commands inside) and
// QMP (cables and power outside).
package vm

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Machine describes one virtual machine. The zero value of a field means
// "without": no disk, no shares, no NICs.
type Machine struct {
	Name       string   // names the process and its files
	Dir        string   // existing folder for sockets and logs; its path is kept short (unix sockets: 107 bytes)
	Disk       string   // ext4 or qcow2 image; never written: each machine writes to a throw-away overlay
	Kernel     string   // bzImage; without one the firmware looks for something to boot
	Initrd     string   // optional
	KernelArgs []string // joined by blanks
	MemoryMiB  int
	CPUs       int
	NICs       []NIC
	Shares     []Share
	Accel      Accel
	Nice       int  // how far it stands back on busy processors, -20 to 19 (nice(2)); below 0 where that is allowed, else 0
	ExitOnBoot bool // leave instead of rebooting (-no-reboot)
}

// NIC is one virtio network card of 10 Gb/s full duplex. The speed has to be
// said: without it the driver answers "unknown" and 802.3ad gives the port
// key 0, which never aggregates (Linux 6.1, drivers/net/bonding/bond_3ad.c).
type NIC struct {
	Name      string   // QEMU's name for the card, used by SetLink
	MAC       string   // six octets with colons
	ACPIIndex int      // n makes systemd name the card "eno<n>"; 0: none
	Socket    *os.File // this machine's end of a Wire or a port of a Hub
}

// Share is a host folder that the guest mounts over 9p by its tag.
type Share struct {
	Tag      string
	Path     string
	ReadOnly bool
}

// firstExtraFD is where os/exec puts ExtraFiles[0] in the child.
const firstExtraFD = 3

// Files that a machine leaves in its folder.
func (m Machine) serialPath() string { return filepath.Join(m.Dir, m.Name+".serial.log") }

func (m Machine) qemuLogPath() string {
	return filepath.Join(m.Dir, m.Name+".qemu.log")
}
func (m Machine) qmpPath() string   { return filepath.Join(m.Dir, m.Name+".qmp") }
func (m Machine) agentPath() string { return filepath.Join(m.Dir, m.Name+".qga") }

// args is the command line after the program's name.
func (m Machine) args() []string {
	args := append(m.accelArgs(),
		"-name", m.Name, "-machine", "q35",
		"-smp", strconv.Itoa(m.CPUs), "-m", strconv.Itoa(m.MemoryMiB),
		"-nodefaults", "-display", "none", "-serial", "file:"+comma(m.serialPath()),
		"-qmp", "unix:"+comma(m.qmpPath())+",server=on,wait=off")
	if m.Kernel != "" {
		args = append(args, "-kernel", m.Kernel, "-append", strings.Join(m.KernelArgs, " "))
	}
	if m.Initrd != "" {
		args = append(args, "-initrd", m.Initrd)
	}
	if m.ExitOnBoot {
		args = append(args, "-no-reboot")
	}
	args = append(args, m.diskArgs()...)
	args = append(args, m.agentArgs()...)
	for i, s := range m.Shares {
		args = append(args, shareArgs(i, s)...)
	}
	for i, n := range m.NICs {
		args = append(args, nicArgs(i, n)...)
	}
	return args
}

func (m Machine) accelArgs() []string {
	if m.Accel == KVM {
		return []string{"-accel", "kvm", "-cpu", "host"}
	}
	// A control plane's programs fill the default buffer of 1 GiB with translated
	// code, and all of it is thrown away and translated anew; 2 GiB is the most
	// that x86-64 takes (QEMU 7.2, tcg/region.c).
	return []string{"-accel", "tcg,thread=multi,tb-size=2047", "-cpu", emulatedCPU}
}

// emulatedCPU is a processor of x86-64-v2, the least that EL 9 takes, and what
// cryptography gains by. It has no BMI2: QEMU 7.2 computes some of it wrongly,
// and a guest's zstd, which uses it where it finds it, unpacks no package. "max" costs a tenth more time: its XSAVE makes each
// switch of tasks and its SMAP each copy to a program leave the translated
// code, and by its ERMS Linux 6.1 clears pages byte by byte.
const emulatedCPU = "Nehalem,aes=on,pclmulqdq=on,sha-ni=on,movbe=on,rdrand=on,fsgsbase=on,arat=on"

// diskArgs attaches the image with an overlay that QEMU unlinks at once, so
// one image serves every machine and a killed machine leaves no file.
// cache=unsafe drops the guest's flushes: a disk thrown away need not survive.
func (m Machine) diskArgs() []string {
	if m.Disk == "" {
		return nil
	}
	format := "raw"
	if strings.HasSuffix(m.Disk, ".qcow2") {
		format = "qcow2"
	}
	return []string{
		"-drive", "if=none,id=disk0,file=" + comma(m.Disk) + ",format=" + format + ",snapshot=on,cache=unsafe",
		"-device", "virtio-blk-pci,drive=disk0",
	}
}

func (m Machine) agentArgs() []string {
	if m.Disk == "" {
		return nil
	}
	return []string{
		"-device", "virtio-serial-pci",
		"-chardev", "socket,id=qga,path=" + comma(m.agentPath()) + ",server=on,wait=off",
		"-device", "virtserialport,chardev=qga,name=org.qemu.guest_agent.0",
	}
}

func shareArgs(i int, s Share) []string {
	fs := fmt.Sprintf("local,id=share%d,path=%s,security_model=none,multidevs=remap", i, comma(s.Path))
	if s.ReadOnly {
		fs += ",readonly=on"
	}
	return []string{
		"-fsdev", fs,
		"-device", fmt.Sprintf("virtio-9p-pci,fsdev=share%d,mount_tag=%s", i, s.Tag),
	}
}

// nicArgs puts each card behind a root port of its own: on q35 acpi-index is
// honoured on hot-pluggable slots only (QEMU 7.2, hw/acpi/pcihp.c). The
// empty romfile saves the firmware a PXE ROM per card.
func nicArgs(i int, n NIC) []string {
	card := fmt.Sprintf("virtio-net-pci,id=%s,netdev=net%d,bus=port%d,mac=%s,speed=10000,duplex=full,romfile=", n.Name, i, i, n.MAC)
	if n.ACPIIndex > 0 {
		card += fmt.Sprintf(",acpi-index=%d", n.ACPIIndex)
	}
	return []string{
		"-device", fmt.Sprintf("pcie-root-port,id=port%d,chassis=%d,slot=%d", i, i+1, i+1),
		"-netdev", fmt.Sprintf("dgram,id=net%d,local.type=fd,local.str=%d", i, firstExtraFD+i),
		"-device", card,
	}
}

// extraFiles are the sockets in the order nicArgs counts them.
func (m Machine) extraFiles() []*os.File {
	files := make([]*os.File, 0, len(m.NICs))
	for _, n := range m.NICs {
		files = append(files, n.Socket)
	}
	return files
}

// comma doubles commas, QEMU's way to have one inside an option's value.
func comma(s string) string { return strings.ReplaceAll(s, ",", ",,") }
