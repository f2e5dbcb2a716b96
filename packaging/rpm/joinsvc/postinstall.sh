# Neither enabled nor started: joinsvc is of no use before it has a plan.
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || :
fi
