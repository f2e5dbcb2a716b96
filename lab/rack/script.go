// SPDX-License-Identifier: Apache-2.0

package rack

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// scriptHead begins every script: what the installer would run in %post, once,
// from the kickstart share.
const scriptHead = `#!/bin/sh
# What the installer does on %s after the system is on its disk.
set -eu
here=$(dirname "$0")
# systemd may take longer to answer than D-Bus waits, 25 s, where many machines
# boot on few processors.
export SYSTEMD_BUS_TIMEOUT=300

# by_mac prints the name of the card with that hardware address. Builtins only:
# a fork costs an emulated processor 40 ms.
by_mac() {
	for tries in $(seq 600); do
		for card in /sys/class/net/*; do
			if [ -e "$card/device" ] && read -r address <"$card/address" && [ "$address" = "$1" ]; then
				echo "${card##*/}"
				return
			fi
		done
		sleep 0.5
	done
	echo "no card with address $1" >&2
	return 1
}

# packages installs from the shared package folder; it leaves no repository
# behind, for naming one to the host is nodeprep's part.
packages() {
	dnf -y --setopt=install_weak_deps=False --nogpgcheck --repofrompath=installer,file:///srv/packages --repo=installer install "$@"
}

`

func head(machine string) string { return fmt.Sprintf(scriptHead, machine) }

// infraScript sets up all that is there before the hosts are: joinsvc first,
// for they wait for their enrolment line.
func infraScript(t Topology) string {
	return head("the machine of joinsvc and the leaves") + serviceScript(t) + leafScript(t)
}

// leafScript builds both leaves: a VLAN-aware bridge whose ports are one LACP
// bond per host, as a pair of switches in an MLAG domain looks to the host, and
// a network namespace with FRR per leaf, configured by what the product renders
// for it and nothing else. The shared gateway address is on both,
// as with an anycast gateway; nothing passes through it but what leaves the
// node subnet. The first leaf has a cable to the provisioning segment.
func leafScript(t Topology) string {
	var b strings.Builder
	b.WriteString(leafBridge)
	for _, h := range t.Hosts {
		b.WriteString(leafBond(t.Plan, h))
	}
	for _, l := range t.Plan.Spec.Fabric.Leaves {
		b.WriteString(leafRouter(t.Plan, l))
	}
	ns := t.Plan.Spec.Fabric.Leaves[0].Name
	fmt.Fprintf(&b, "ip link add to-leaf type veth peer name uplink netns %s\n", ns)
	fmt.Fprintf(&b, "ip link set to-leaf master provisioning up\n")
	fmt.Fprintf(&b, "ip -n %s addr add %s/%d dev uplink\nip -n %s link set uplink up\n", ns, uplinkAddress, managementBits, ns)
	return b.String()
}

const leafBridge = `modprobe -a veth 8021q
modprobe bonding max_bonds=0
ip link add fabric type bridge vlan_filtering 1 vlan_default_pvid 0 stp_state 0 mcast_snooping 0
ip link set fabric up

# bond makes one host's port channel of the cards with these addresses.
bond() {
	name=$1 vlan=$2 mtu=$3
	shift 3
	ip link add "$name" mtu "$mtu" type bond mode 802.3ad miimon 100 lacp_rate fast xmit_hash_policy layer2+3
	for mac in "$@"; do
		card=$(by_mac "$mac")
		ip link set "$card" down
		ip link set "$card" master "$name"
	done
	ip link set "$name" master fabric
	bridge vlan add dev "$name" vid "$vlan"
	ip link set "$name" up
}

# router makes one leaf's namespace with the VLAN's interface and FRR in it.
router() {
	name=$1 vlan=$2 mtu=$3
	shift 3
	ip netns add "$name"
	ip link add "port-$name" mtu "$mtu" type veth peer name "vlan$vlan" mtu "$mtu" netns "$name"
	ip link set "port-$name" master fabric
	bridge vlan add dev "port-$name" vid "$vlan" pvid untagged
	ip link set "port-$name" up
	ip -n "$name" link set lo up
	for address in "$@"; do
		ip -n "$name" addr add "$address" dev "vlan$vlan"
	done
	ip -n "$name" link set "vlan$vlan" up
	# Answers to what comes in here may leave by a host's provisioning NIC, and
	# what one node sends another leaves by where it came in.
	ip netns exec "$name" sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
		net.ipv4.conf.all.send_redirects=0 "net.ipv4.conf.vlan$vlan.send_redirects=0"
	install -d -o frr -g frr "/etc/frr/$name" "/var/run/frr/$name" /var/log/frr
	install -o frr -g frr -m 640 "$here/$name.conf" "/etc/frr/$name/frr.conf"
	touch "/etc/frr/$name/vtysh.conf"
	for daemon in zebra bgpd; do
		ip netns exec "$name" /usr/lib/frr/$daemon -d -N "$name" -f /dev/null --log "file:/var/log/frr/$name.log" --log-level informational
	done
	vtysh -N "$name" -b
}

`

func leafBond(p plan.Plan, h Host) string {
	macs := make([]string, len(h.Legs))
	for i, l := range h.Legs {
		macs[i] = l.LeafMAC
	}
	return fmt.Sprintf("bond %s %d %d %s\n", h.Name, p.Spec.NodeNetwork.VLAN, p.Spec.Bond.MTU, strings.Join(macs, " "))
}

func leafRouter(p plan.Plan, l plan.Leaf) string {
	n := p.Spec.NodeNetwork
	bits := n.Subnet.Bits()
	return fmt.Sprintf("router %s %d %d %s %s\n", l.Name, n.VLAN, p.Spec.Bond.MTU,
		netip.PrefixFrom(l.Address, bits), netip.PrefixFrom(n.Gateway, bits))
}

// serviceScript sets up joinsvc as its operator would: a route to the API
// server and the pods through the first leaf, the package, the plan. The
// bridge is the switch of the provisioning segment, which that leaf shares.
func serviceScript(t Topology) string {
	s := t.Plan.Spec
	return fmt.Sprintf(`modprobe bridge
ip link add provisioning type bridge stp_state 0
card=$(by_mac %s)
ip link set "$card" master provisioning up
ip link set provisioning up
ip addr add %s/%d dev provisioning
for subnet in %s %s; do
	ip route add "$subnet" via %s
done
packages joinsvc
install -D -m 644 "$here/plan.yaml" /etc/joinsvc/plan.yaml
install -D -m 644 "$here/calico.yaml" %s
install -D -m 644 "$here/joinsvc.yaml" /etc/joinsvc/joinsvc.yaml
systemctl enable joinsvc.service
systemctl start --no-block joinsvc.service

`, managementMAC(serviceHost), serviceAddress, managementBits, s.NodeNetwork.Subnet, s.Pods.Subnet, uplinkAddress, s.Calico.Manifest)
}

// serviceConfig is joinsvc's configuration file.
func serviceConfig() string {
	return fmt.Sprintf("listen: %s:%d\n", serviceAddress, servicePort)
}

// enrolment is a host's configuration file: where joinsvc is, and the token.
func enrolment(token string) string {
	return fmt.Sprintf("joinsvc: https://%s:%d\ntoken: %s\n", serviceAddress, servicePort, token)
}

// enrolmentFile is the enrolment line of all hosts of a role, for a token admits
// no other.
func enrolmentFile(role plan.Role) string { return string(role) + ".yaml" }

// hostScript leaves a host as an installer does: an address on the
// provisioning card that survives a reboot, nodeprep's package, the enrolment
// line. The line comes on a share of its own, mounted without a cache: it is
// written while the guest waits for it, for as long as the operator has patience. NetworkManager is told to leave that
// one card alone; the legs are none of the installer's business. kubelet is
// told to look at its containers' usage once a minute: every ten seconds, as is
// the default, takes a twelfth of an emulated processor.
func hostScript(h Host) string {
	return head("host "+h.Name) + fmt.Sprintf(`mkdir -p /etc/NetworkManager/conf.d
printf '[keyfile]\nunmanaged-devices=mac:%[1]s\n' >/etc/NetworkManager/conf.d/provisioning.conf
card=$(by_mac %[1]s)
cat >/etc/systemd/system/provisioning-nic.service <<UNIT
[Unit]
Description=address of the provisioning card
Wants=sys-subsystem-net-devices-$card.device
After=sys-subsystem-net-devices-$card.device
Before=network-online.target nodeprep.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=ip link set $card up
ExecStart=ip addr replace %[2]s/%[3]d dev $card
[Install]
WantedBy=multi-user.target
UNIT
ln -s /etc/systemd/system/provisioning-nic.service /etc/systemd/system/multi-user.target.wants/
ip link set "$card" up
ip addr replace %[2]s/%[3]d dev "$card"
mkdir -p /etc/sysconfig
echo KUBELET_EXTRA_ARGS=--housekeeping-interval=60s >/etc/sysconfig/kubelet
packages nodeprep
mkdir -p /mnt/enrolment
line=/mnt/enrolment/%[4]s
mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=none enrolment /mnt/enrolment
until [ -e "$line" ]; do sleep 1; done
install -D -m 600 "$line" /etc/nodeprep/nodeprep.yaml
umount /mnt/enrolment
systemctl start --no-block nodeprep.service
`, h.NIC, h.Management, managementBits, enrolmentFile(h.Role))
}
