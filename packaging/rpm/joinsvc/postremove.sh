# $1 is how many versions remain: 1 after an upgrade.
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || :
	if [ "$1" -ge 1 ]; then
		systemctl try-restart joinsvc.service || :
	fi
fi
