#!/bin/sh
# What the installer does on host k8c1s1 after the system is on its disk.
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

mkdir -p /etc/NetworkManager/conf.d
printf '[keyfile]\nunmanaged-devices=mac:02:00:00:09:00:0c\n' >/etc/NetworkManager/conf.d/provisioning.conf
card=$(by_mac 02:00:00:09:00:0c)
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
ExecStart=ip addr replace 10.9.0.12/24 dev $card
[Install]
WantedBy=multi-user.target
UNIT
ln -s /etc/systemd/system/provisioning-nic.service /etc/systemd/system/multi-user.target.wants/
ip link set "$card" up
ip addr replace 10.9.0.12/24 dev "$card"
mkdir -p /etc/sysconfig
echo KUBELET_EXTRA_ARGS=--housekeeping-interval=60s >/etc/sysconfig/kubelet
packages nodeprep
mkdir -p /mnt/enrolment
line=/mnt/enrolment/worker.yaml
mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=none enrolment /mnt/enrolment
until [ -e "$line" ]; do sleep 1; done
install -D -m 600 "$line" /etc/nodeprep/nodeprep.yaml
umount /mnt/enrolment
systemctl start --no-block nodeprep.service
