// SPDX-License-Identifier: Apache-2.0

package leaf

import "fmt"

// An ios is what FRR, NX-OS and EOS have in common of Cisco's language.
type ios struct {
	script
	Config
}

// prefixLists are the filters' lists, one a direction. What they do not permit
// they refuse.
func (i *ios) prefixLists() {
	for _, side := range []struct {
		name    string
		matches []Match
	}{{i.from(), i.FromNodes}, {i.to(), i.ToNodes}} {
		for n, m := range side.matches {
			i.line("ip prefix-list %s seq %d permit %s", side.name, 10*(n+1), iosMatch(m))
		}
		i.line("!")
	}
}

// iosMatch has ge and le only where they say something, for ge has to be above
// the prefix's own length.
func iosMatch(m Match) string {
	text := m.Prefix.String()
	if m.Min > m.Prefix.Bits() {
		text += fmt.Sprintf(" ge %d", m.Min)
	}
	if m.Max > m.Min {
		text += fmt.Sprintf(" le %d", m.Max)
	}
	return text
}
