// SPDX-License-Identifier: Apache-2.0

package leaf

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// A script is a configuration in lines.
type script struct{ bytes.Buffer }

// line adds one line and never two: whoever put a control character into a
// name gets a space for it.
func (s *script) line(format string, args ...any) {
	s.WriteString(strings.Map(printable, fmt.Sprintf(format, args...)))
	s.WriteByte('\n')
}

func printable(r rune) rune {
	if r < ' ' || r > '~' {
		return ' '
	}
	return r
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

// All prints every leaf of a plan by one emitter, in the order of racks and
// leaves, each under a line that names it behind the platform's comment sign.
func All(p plan.Plan, emit func(plan.Plan, string) ([]byte, error), comment string) ([]byte, error) {
	var all bytes.Buffer
	for _, rack := range p.Spec.AllRacks() {
		for _, l := range rack.Leaves {
			text, err := emit(p, l.Name)
			if err != nil {
				return nil, err
			}
			if all.Len() > 0 {
				all.WriteByte('\n')
			}
			fmt.Fprintf(&all, "%s %s\n", comment, l.Name)
			all.Write(text)
		}
	}
	return all.Bytes(), nil
}
