// SPDX-License-Identifier: Apache-2.0

package leaf

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

// A script is a configuration in lines.
type script struct{ bytes.Buffer }

// line adds one line and never two: whoever put a control character into a
// name gets a space for it.
func (s *script) line(format string, args ...any) {
	start := s.Len()
	fmt.Fprintf(s, format, args...)
	for i, b := range s.Bytes()[start:] {
		if b < ' ' || b > '~' {
			s.Bytes()[start+i] = ' '
		}
	}
	s.WriteByte('\n')
}

// free is a text that stands alone at the end of a line, cut to what every
// platform takes as a description (80 characters). What could end a string or
// begin a comment or a variable is a dash.
func free(text string) string {
	safe := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' {
			return r
		}
		return '-'
	}, text)
	return safe[:min(len(safe), 80)]
}

// seconds is d as BGP's timers have it (RFC 4271 section 4.2).
func seconds(d time.Duration) int { return int(d / time.Second) }

func milliseconds(d time.Duration) int { return int(d / time.Millisecond) }
