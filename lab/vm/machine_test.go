// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestArgs(t *testing.T) {
	m := Machine{
		Name: "k8c1m0", Dir: "/run/a,b", Disk: "/c/image.ext4", Kernel: "/c/vmlinuz", Initrd: "/c/initrd",
		KernelArgs: []string{"root=/dev/vda", "rw"}, MemoryMiB: 3072, CPUs: 2, Accel: TCG,
		NICs:   []NIC{{Name: "eno1", MAC: "00:00:5e:00:53:01", ACPIIndex: 1}, {Name: "mgmt", MAC: "02:00:00:00:00:01"}},
		Shares: []Share{{Tag: "packages", Path: "/p,q", ReadOnly: true}, {Tag: "out", Path: "/o"}},
	}
	want := `-accel tcg,thread=multi,tb-size=2047
-cpu Nehalem,aes=on,pclmulqdq=on,sha-ni=on,movbe=on,rdrand=on,fsgsbase=on,arat=on
-name k8c1m0
-machine q35
-smp 2
-m 3072
-nodefaults
-display none
-serial file:/run/a,,b/k8c1m0.serial.log
-qmp unix:/run/a,,b/k8c1m0.qmp,server=on,wait=off
-kernel /c/vmlinuz
-append root=/dev/vda rw
-initrd /c/initrd
-drive if=none,id=disk0,file=/c/image.ext4,format=raw,snapshot=on,cache=unsafe
-device virtio-blk-pci,drive=disk0
-device virtio-serial-pci
-chardev socket,id=qga,path=/run/a,,b/k8c1m0.qga,server=on,wait=off
-device virtserialport,chardev=qga,name=org.qemu.guest_agent.0
-fsdev local,id=share0,path=/p,,q,security_model=none,multidevs=remap,readonly=on
-device virtio-9p-pci,fsdev=share0,mount_tag=packages
-fsdev local,id=share1,path=/o,security_model=none,multidevs=remap
-device virtio-9p-pci,fsdev=share1,mount_tag=out
-device pcie-root-port,id=port0,chassis=1,slot=1
-netdev dgram,id=net0,local.type=fd,local.str=3
-device virtio-net-pci,id=eno1,netdev=net0,bus=port0,mac=00:00:5e:00:53:01,speed=10000,duplex=full,romfile=,acpi-index=1
-device pcie-root-port,id=port1,chassis=2,slot=2
-netdev dgram,id=net1,local.type=fd,local.str=4
-device virtio-net-pci,id=mgmt,netdev=net1,bus=port1,mac=02:00:00:00:00:01,speed=10000,duplex=full,romfile=`
	if diff := cmp.Diff(want, pairs(m.args())); diff != "" {
		t.Errorf("command line (-want +got):\n%s", diff)
	}
}

// pairs sets one option per line.
func pairs(args []string) string {
	var b strings.Builder
	for i, a := range args {
		switch {
		case i == 0:
		case strings.HasPrefix(a, "-"):
			b.WriteByte('\n')
		default:
			b.WriteByte(' ')
		}
		b.WriteString(a)
	}
	return b.String()
}
