# $1 is how many versions are installed now: 1 on the first installation. In an
# installer's chroot there is no systemd to talk to, and presets work without.
if [ "$1" -eq 1 ] && command -v systemctl >/dev/null; then
	systemctl --no-reload preset nodeprep.service nodeprep-network.service || :
fi
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || :
fi
