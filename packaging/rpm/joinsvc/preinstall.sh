# Before the files, since some belong to the group. The line is that of
# /usr/lib/sysusers.d/joinsvc.conf, which is not there yet.
systemd-sysusers --replace=/usr/lib/sysusers.d/joinsvc.conf - <<'USER' || exit 1
u joinsvc - "joinsvc, coordinator of a cluster's hosts" /var/lib/joinsvc
USER
