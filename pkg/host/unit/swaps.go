// SPDX-License-Identifier: Apache-2.0

package unit

import (
	"context"
	"fmt"
	"path"
	"slices"

	"github.com/coreos/go-systemd/v22/dbus"
)

// swapPatterns are the units that bring swap: those of systemd itself, of
// zram-generator (Fedora, Enterprise Linux) and of zram-tools (Debian).
func swapPatterns() []string {
	return []string{"*.swap", "systemd-zram-setup@*.service", "zramswap.service"}
}

// Swaps lists the units that would bring swap back and are not masked. Those
// that systemd makes from fstab, or for a swap that somebody switched on by
// hand, have no file of their own and go with what they were made from.
func (s *Systemd) Swaps(ctx context.Context) ([]string, error) {
	loaded, err := s.conn.ListUnitsByPatternsContext(ctx, nil, swapPatterns())
	if err != nil {
		return nil, fmt.Errorf("listing units: %w", err)
	}
	files, err := s.conn.ListUnitFilesByPatternsContext(ctx, nil, swapPatterns())
	if err != nil {
		return nil, fmt.Errorf("listing unit files: %w", err)
	}
	var names []string
	for _, u := range loaded {
		p, err := s.conn.GetUnitPropertiesContext(ctx, u.Name)
		if err != nil {
			return nil, fmt.Errorf("asking systemd about %s: %w", u.Name, err)
		}
		if ownSwap(u, p) {
			names = append(names, u.Name)
		}
	}
	for _, f := range files {
		if wantedSwapFile(f) {
			names = append(names, path.Base(f.Path))
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// ownSwap reports whether a loaded unit has a file of its own. Followed names
// the unit of which this is only another name, such as its by-uuid path.
func ownSwap(u dbus.UnitStatus, properties map[string]any) bool {
	fragment, _ := properties["FragmentPath"].(string)
	source, _ := properties["SourcePath"].(string)
	return u.LoadState == "loaded" && u.Followed == "" && fragment != "" && source != "/etc/fstab"
}

// wantedSwapFile reports whether a unit file on disk, loaded or not, brings
// swap at the next boot. Generated ones are loaded whenever they matter.
func wantedSwapFile(f dbus.UnitFile) bool {
	return slices.Contains([]string{"enabled", "enabled-runtime", "linked"}, f.Type)
}
