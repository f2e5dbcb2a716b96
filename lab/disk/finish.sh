# Runs as root inside the future disk, with /proc mounted.
systemctl enable NetworkManager.service firewalld.service share@packages.service kickstart.service
systemctl disable frr.service e2scrub_reap.service
# None of them is what nodeprep is there to change; each costs seconds of
# emulated boot or wakes up in the middle of a run.
systemctl mask NetworkManager-wait-online.service apt-daily.timer apt-daily-upgrade.timer \
	dpkg-db-backup.timer e2scrub_all.timer fstrim.timer logrotate.timer \
	getty@tty1.service serial-getty@ttyS0.service serial-getty@hvc0.service \
	sys-kernel-debug.mount sys-kernel-tracing.mount systemd-pstore.service \
	modprobe@drm.service modprobe@efi_pstore.service modprobe@dm_mod.service modprobe@loop.service \
	modprobe@configfs.service modprobe@fuse.service sys-fs-fuse-connections.mount sys-kernel-config.mount \
	dev-hugepages.mount systemd-update-utmp.service systemd-update-utmp-runlevel.service \
	NetworkManager-dispatcher.service \
	systemd-journald-audit.socket systemd-binfmt.service proc-sys-fs-binfmt_misc.automount
mkdir -p /etc/yum.repos.d /srv/packages /srv/kickstart /srv/swapmeet
rm -f /var/lib/dbus/machine-id
# dnf has to find in the rpm database what Debian's packages have brought.
rpm -i --force-debian /base.rpm
rm /base.rpm
# What Debian's policy lacks for a host whose services administer it, as EL's
# targeted policy lets them: the swap file lies at the root; shares from the
# machine's host are labelled as NFS is; everyone may reply over D-Bus to a
# service that asks (hostnamed, firewalld), and read what a service writes in
# /etc, which gets a type of its own there (systemd-modules-load, udev).
cat > /tmp/lab.cil <<'CIL'
(filecon "/swapfile" file (system_u object_r swapfile_t ((s0)(s0))))
(genfscon 9p / (system_u object_r nfs_t ((s0)(s0))))
(allow domain initrc_t (dbus (send_msg)))
(allow domain etc_runtime_t (file (read open getattr lock map ioctl)))
CIL
semodule -N -i /tmp/lab.cil
rm /tmp/lab.cil
# Last, because every file made above needs its label. -e /proc: setfiles needs
# /proc, which has labels of its own.
setfiles -F -e /proc -e /sys -e /dev /etc/selinux/default/contexts/files/file_contexts /
