# Runs as root inside the freshly installed tree: leaves /boot/vmlinuz and an
# initrd that runs the tests.
version=$(ls /lib/modules)
initrd=/tmp/initrd
mkdir -p $initrd/bin $initrd/sbin $initrd/proc $initrd/sys $initrd/dev $initrd/tmp $initrd/in $initrd/etc/modprobe.d
cp /bin/busybox $initrd/bin/busybox
ln -s /bin/busybox $initrd/bin/sh
# The kernel itself calls this one, when the first link of a kind is made.
ln -s /bin/busybox $initrd/sbin/modprobe

modprobe -S "$version" -a --show-depends virtio_pci 9p 9pnet_virtio bonding 8021q veth dummy |
	awk '$1 == "insmod" { print $2 }' | sort -u | sed 's|^.*/kernel/|kernel/|' > /tmp/modules
(cd "/lib/modules/$version" && cp --parents $(cat /tmp/modules) modules.builtin modules.order "$initrd/tmp/")
mkdir -p "$initrd/lib/modules"
mv "$initrd/tmp" "$initrd/lib/modules/$version"
mkdir "$initrd/tmp"
depmod -b "$initrd" "$version"
# Without this the driver makes a balance-rr bond0 of its own as it loads.
echo 'options bonding max_bonds=0' > $initrd/etc/modprobe.d/bonding.conf

cat > $initrd/init <<'INIT'
#!/bin/busybox sh
export PATH=/bin:/sbin
b=/bin/busybox
$b mount -t devtmpfs dev /dev
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mount -t tmpfs tmp /tmp
# All of them now: busybox's modprobe says "done" while another one is still
# loading the same module, and tests start side by side.
for module in virtio_pci 9pnet_virtio 9p bonding 8021q veth dummy; do $b modprobe $module; done
# What the kernel says would cut the tests' lines in two.
$b dmesg -n 3
$b mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=loose,ro in /in
run=$($b sed -n 's/.*test\.run=\([^ ]*\).*/\1/p' /proc/cmdline)
cd /tmp
/in/test -test.v -test.timeout 150s -test.parallel 16 -test.run "$run"
status=$?
echo
echo "kerneltest: exit status $status"
$b poweroff -f
INIT
chmod 755 $initrd/init
(cd $initrd && find . | sort | cpio --quiet -o -H newc | gzip -6) > /boot/initrd
mv "/boot/vmlinuz-$version" /boot/vmlinuz
# The tree is kept for these two files alone.
rm -rf $initrd "/lib/modules/$version/kernel" /boot/System.map-* /vmlinuz* /initrd.img*
