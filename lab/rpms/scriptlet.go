// SPDX-License-Identifier: Apache-2.0

package rpms

import "strings"

// The scriptlets are what systemd's RPM macros (macros.systemd) come to on EL 9:
// its helper applies the distribution's presets, which leave a new service
// disabled. Debian has no such helper and its presets enable everything, so
// there nothing is enabled and nodeprep finds the services as on EL. The reload
// at the end of the transaction is on EL a file trigger of the systemd package;
// here the packages with units or drop-ins carry it themselves.
const (
	afterInstall = `helper=/usr/lib/systemd/systemd-update-helper
if [ "$1" -eq 1 ] && [ -x "$helper" ]; then
	"$helper" install-system-units UNIT || :
fi
`
	beforeRemoval = `if [ "$1" -eq 0 ] && [ -d /run/systemd/system ]; then
	systemctl --no-reload disable --now UNIT || :
fi
`
	reload = `if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || :
fi
`
)

func scriptlet(text, unit string) string { return strings.ReplaceAll(text, "UNIT", unit) }
