// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/phase"
	"github.com/nodeprep/nodeprep/pkg/rooted"
)

const (
	hostsFile  = "/etc/hosts"
	blockBegin = "# begin nodeprep"
	blockEnd   = "# end nodeprep"
)

// Hosts is this host's own line in /etc/hosts: its node address before its
// names, so that kubeadm and kubelet find the address in VLAN 1500 and not the
// provisioning network's, nor Debian's 127.0.1.1.
type Hosts struct {
	Root    rooted.Root
	Address netip.Addr
	Names   []string // the canonical, fully qualified one first (hosts(5))
}

// Plan compares the block between our two marks. It stands first in the file,
// since the first match is the one that a resolver prefers; lines of other
// hands stay, and one that gives a name of ours another address is noted.
func (h Hosts) Plan(ctx context.Context) ([]phase.Change, error) {
	have, _, err := h.Root.ReadOptional(hostsFile)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", hostsFile, err)
	}
	rest, err := withoutBlock(have)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", hostsFile, err)
	}
	for _, line := range h.others(rest) {
		phase.Notef(ctx, "%s also has %q; ours stands before it", hostsFile, line)
	}
	line := h.Address.String() + " " + strings.Join(h.Names, " ")
	want := strings.Join([]string{blockBegin, line, blockEnd, ""}, "\n") + rest
	if have == want {
		return nil, nil
	}
	return []phase.Change{{
		What: hostsFile, To: line,
		Do: func(context.Context) error { return h.Root.Edit(hostsFile, want, 0o644) },
	}}, nil
}

// others are the lines that give one of our names another address.
func (h Hosts) others(table string) []string {
	var found []string
	for line := range strings.Lines(table) {
		entry, _, _ := strings.Cut(line, "#")
		fields := strings.Fields(entry)
		if len(fields) < 2 || fields[0] == h.Address.String() {
			continue
		}
		if slices.ContainsFunc(fields[1:], func(n string) bool { return slices.Contains(h.Names, n) }) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

// withoutBlock takes our blocks out. A block without its end is an error: where
// ours stops and another hand's lines begin cannot be told.
func withoutBlock(table string) (string, error) {
	var b strings.Builder
	inside := false
	for line := range strings.Lines(table) {
		switch strings.TrimSpace(line) {
		case blockBegin:
			inside = true
		case blockEnd:
			inside = false
		default:
			if !inside {
				b.WriteString(line)
			}
		}
	}
	if inside {
		return "", fmt.Errorf("%q has no %q after it", blockBegin, blockEnd)
	}
	return b.String(), nil
}
