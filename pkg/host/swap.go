// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/phase"
	"github.com/nodeprep/nodeprep/pkg/rooted"
)

const fstab = "/etc/fstab"

// commented is put before a swap entry of fstab, so that it can be told from
// comments of other hands and be taken away again.
const commented = "#nodeprep: "

// SwapUnits are the units that would bring swap back.
type SwapUnits interface {
	// Swaps lists units that are neither masked nor made from fstab: *.swap
	// units, those of zram-generator, zramswap.service.
	Swaps(context.Context) ([]string, error)
	Mask(ctx context.Context, unit string) error
	// Reload makes systemd read unit files and fstab again.
	Reload(context.Context) error
}

// NoSwap is a host without swap, now and at every boot.
type NoSwap struct {
	Root  rooted.Root
	Units SwapUnits
	// Off is swapoff(2): it ends when every page is back in memory, and fails
	// with ENOMEM when they do not fit.
	Off func(path string) error
}

// Plan names what has to go: entries of fstab, units, then what is active. In
// that order, or systemd would switch a swap on again that fstab still wants.
func (s NoSwap) Plan(ctx context.Context) ([]phase.Change, error) {
	changes, err := s.planFstab()
	if err != nil {
		return nil, err
	}
	units, err := s.Units.Swaps(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing swap units: %w", err)
	}
	for _, unit := range units {
		changes = append(changes, phase.Change{
			What: unit, From: "present", To: "masked",
			Do: func(ctx context.Context) error { return s.Units.Mask(ctx, unit) },
		})
	}
	active, err := s.active()
	if err != nil {
		return nil, err
	}
	for _, path := range active {
		changes = append(changes, phase.Change{
			What: "swap " + path, From: "on", To: "off",
			Do: func(context.Context) error { return s.off(path) },
		})
	}
	return changes, nil
}

// off leaves alone what masking a unit has switched off already.
func (s NoSwap) off(path string) error {
	active, err := s.active()
	if err != nil {
		return err
	}
	for _, a := range active {
		if a == path {
			return s.Off(path)
		}
	}
	return nil
}

// active reads /proc/swaps, whose first line is the header. A kernel without
// swap has no such file.
func (s NoSwap) active() ([]string, error) {
	table, present, err := s.Root.ReadOptional("/proc/swaps")
	if err != nil {
		return nil, fmt.Errorf("reading the active swaps: %w", err)
	}
	if !present {
		return nil, nil
	}
	var paths []string
	for i, line := range strings.Split(table, "\n") {
		if fields := strings.Fields(line); i > 0 && len(fields) > 0 {
			paths = append(paths, unescape(fields[0]))
		}
	}
	return paths, nil
}

func (s NoSwap) planFstab() ([]phase.Change, error) {
	have, present, err := s.Root.ReadOptional(fstab)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", fstab, err)
	}
	want, entries := withoutSwap(have)
	if !present || len(entries) == 0 {
		return nil, nil
	}
	return []phase.Change{{
		What: fstab, From: "swap on " + strings.Join(entries, ", "), To: "commented out",
		Do: func(ctx context.Context) error {
			if err := s.Root.Edit(fstab, want, 0o644); err != nil {
				return err
			}
			return s.Units.Reload(ctx)
		},
	}}, nil
}

// withoutSwap returns table with its swap entries commented out, and what they
// named. An entry is one by its third field, the type (fstab(5)); the word
// anywhere else says nothing: a mount point, a label, a comment.
func withoutSwap(table string) (string, []string) {
	var b strings.Builder
	var entries []string
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) >= 3 && !strings.HasPrefix(fields[0], "#") && fields[2] == "swap" {
			entries = append(entries, unescape(fields[0]))
			b.WriteString(commented)
		}
		b.WriteString(line)
	}
	return b.String(), entries
}

// unescape undoes the octal escapes of fstab(5) and /proc/swaps: "\040" is a blank.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
