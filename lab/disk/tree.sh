# Runs as root inside the freshly installed tree: leaves what a virtual machine
# of the rack needs and makes its initrd.
version=$(ls /lib/modules)
modules=/lib/modules/$version

# Modules: what containers, the fabric and QEMU's virtio machines use, with
# everything those depend on; 396 MB of drivers become 50. Without the ciphers in
# assembly and KVM, which udev would load for the processor's sake: their
# self-tests are emulated work for nothing.
awk -F: -v keep='^kernel/(arch/x86/crypto/crc|block|crypto|lib|mm|net/(802|8021q|9p|bridge|core|dns_resolver|ipv4|ipv6|key|l2tp|llc|mpls|netfilter|netlink|openvswitch|packet|psample|sched|sctp|tls|unix|vmw_vsock|xfrm)|fs/(9p|autofs|binfmt_misc|configfs|efivarfs|ext4|fat|fscache|fuse|jbd2|netfs|nls|overlayfs|pstore|quota)|drivers/(block|char/(hw_random|virtio_console)|acpi/button|firmware|virtio|vhost|nvme|net/([a-z_0-9]+[.]ko|bonding|ipvlan|team|vxlan|wireguard|ethernet/intel/e1000)))' '
	$1 ~ keep { print $1; n = split($2, deps, " "); for (i = 1; i <= n; i++) print deps[i] }
' "$modules/modules.dep" | sort -u > /tmp/keep
(cd "$modules" && find kernel -name '*.ko' | sort | comm -23 - /tmp/keep | xargs rm -f && find kernel -type d -empty -delete)
rm /tmp/keep
depmod "$version"
for module in bonding 8021q br_netfilter overlay dummy veth vxlan ipip macvlan virtio_net virtio_console 9p \
	nf_tables nf_conntrack xt_set ip_set_hash_net xt_comment xt_mark xt_conntrack ip_vs; do
	modprobe -S "$version" --show-depends "$module" > /dev/null
done

# The initrd: busybox and the modules below the root file system. Debian's own
# would be ten times as large and run udev a second time.
initrd=/tmp/initrd
mkdir -p $initrd/bin $initrd/modules $initrd/proc $initrd/sys $initrd/dev $initrd/root
cp /bin/busybox $initrd/bin/busybox
order=10
for path in $(modprobe -S "$version" -a --show-depends crc32c_generic crc32c_intel virtio_pci virtio_blk ext4 | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'); do
	cp "$path" "$initrd/modules/$order-${path##*/}"
	order=$((order + 1))
done
cat > $initrd/init <<'INIT'
#!/bin/busybox sh
b=/bin/busybox
$b mount -t devtmpfs dev /dev
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
for module in /modules/*; do
	# crc32c_intel refuses a processor without SSE 4.2: the generic one is there.
	$b insmod "$module" || true
done
tries=0
while [ ! -b /dev/vda ] && [ $tries -lt 100 ]; do
	tries=$((tries + 1))
	$b sleep 0.1
done
$b mount -t ext4 -o rw,noatime /dev/vda /root || { echo "initrd: /dev/vda has no root file system"; exit 1; }
$b mount --move /dev /root/dev
$b umount /sys
$b umount /proc
exec $b switch_root /root /sbin/init
INIT
chmod 755 $initrd/init
(cd $initrd && find . | sort | cpio --quiet -o -H newc | gzip -6) > /boot/initrd
mv "/boot/vmlinuz-$version" /boot/vmlinuz
rm -rf $initrd /boot/System.map-* /vmlinuz* /initrd.img*

# Hardware names: no machine of the rack has any, and udev reads 12 MB for them.
rm -rf /usr/lib/udev/hwdb.d /usr/lib/udev/hwdb.bin /etc/udev/hwdb.bin
# Nothing is installed with apt in a machine, and nothing runs perl.
rm -rf /usr/lib/x86_64-linux-gnu/perl /usr/lib/x86_64-linux-gnu/libperl.so.* /usr/share/perl
rm -rf /var/cache/debconf /var/lib/apt /usr/share/selinux/default/include
