# $1 is how many versions remain: 0 on removal. The network stays up.
if [ "$1" -eq 0 ] && command -v systemctl >/dev/null; then
	systemctl --no-reload disable nodeprep.service nodeprep-network.service || :
fi
