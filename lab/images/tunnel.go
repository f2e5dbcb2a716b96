// SPDX-License-Identifier: Apache-2.0

package images

import "strings"

// WithoutTunnels removes from one of confd's templates every assignment of
// krt_tunnel, an attribute that only Calico's fork of BIRD 1.6 knows: Debian's
// bird 1.6.8 refuses a configuration that names it. An if or else whose whole
// body was such a line goes with it. The rack routes without tunnels, so the
// assignment has nothing to say there.
func WithoutTunnels(template string) string {
	lines := strings.SplitAfter(template, "\n")
	var kept strings.Builder
	for i, line := range lines {
		governs := i+1 < len(lines) && tunnels(lines[i+1]) && opensBranch(line)
		if !tunnels(line) && !governs {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

func tunnels(line string) bool {
	return strings.HasPrefix(strings.TrimSpace(line), "krt_tunnel")
}

func opensBranch(line string) bool {
	text := strings.TrimSpace(line)
	return text == "else" || strings.HasPrefix(text, "if ") && strings.HasSuffix(text, "then")
}
