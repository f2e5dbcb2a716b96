#!/bin/sh
# What the installer does on the machine of joinsvc and the leaves after the system is on its disk.
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

modprobe bridge
ip link add provisioning type bridge stp_state 0
card=$(by_mac 02:00:00:09:00:02)
ip link set "$card" master provisioning up
ip link set provisioning up
ip addr add 10.9.0.2/24 dev provisioning
for subnet in 192.168.9.192/28 172.27.0.0/16; do
	ip route add "$subnet" via 10.9.0.1
done
packages joinsvc
install -D -m 644 "$here/plan.yaml" /etc/joinsvc/plan.yaml
install -D -m 644 "$here/calico.yaml" /etc/joinsvc/calico.yaml
install -D -m 644 "$here/joinsvc.yaml" /etc/joinsvc/joinsvc.yaml
systemctl enable joinsvc.service
systemctl start --no-block joinsvc.service

modprobe -a veth 8021q
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

bond k8c1m0 1500 9000 02:00:00:01:00:00 02:00:00:01:00:01
bond k8c1s1 1500 9000 02:00:00:01:01:00 02:00:00:01:01:01
router leaf201 1500 9000 192.168.9.204/28 192.168.9.206/28
router leaf202 1500 9000 192.168.9.205/28 192.168.9.206/28
ip link add to-leaf type veth peer name uplink netns leaf201
ip link set to-leaf master provisioning up
ip -n leaf201 addr add 10.9.0.1/24 dev uplink
ip -n leaf201 link set uplink up
