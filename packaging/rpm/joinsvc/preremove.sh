# $1 is how many versions remain: 0 on removal. State and user stay.
if [ "$1" -eq 0 ] && command -v systemctl >/dev/null; then
	systemctl --no-reload disable joinsvc.service || :
	if [ -d /run/systemd/system ]; then
		systemctl stop joinsvc.service || :
	fi
fi
