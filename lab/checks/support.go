// SPDX-License-Identifier: Apache-2.0

package checks

import (
	"context"
	"fmt"
	"os"
	"strings"
)

// supportPage is what people are told that runs; the rack runs in lab.
const supportPage = "../docs/support.md"

// release asks a host what it is, as the first cells of its row in supportPage.
const release = `. /etc/os-release
kernel=$(uname -r)
major=${kernel%%.*} rest=${kernel#*.}
systemd=$(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')
dnf=$(dnf --version | sed -n '1s/^\([0-9]*\.[0-9]*\)\..*/\1/p')
echo "| ${NAME%% *} | $VERSION_ID ($VERSION_CODENAME) | $major.${rest%%.*}, ${NAME%% *}'s | $systemd | dnf $dnf,"`

// supported compares a host with what the page says that the whole rack ran on.
func supported(ctx context.Context, r Trial) error {
	page, err := os.ReadFile(supportPage)
	if err != nil {
		return fmt.Errorf("reading what is said to run: %w", err)
	}
	out, err := r.Run(ctx, r.Subject().Name, "sh", "-euc", release)
	if err != nil {
		return err
	}
	return claimed(string(page), strings.TrimSpace(string(out.Stdout)))
}

// claimed wants a row of the page that begins so, and says that the rack ran.
func claimed(page, begins string) error {
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, begins) && strings.Contains(line, "| whole rack") {
			return nil
		}
	}
	return fmt.Errorf("%w: docs/support.md has no row %q of a whole rack, which this is", ErrCheck, begins)
}
