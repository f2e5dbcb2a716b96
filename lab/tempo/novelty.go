// SPDX-License-Identifier: Apache-2.0

package tempo

import (
	"hash/fnv"
	"regexp"
	"strings"
)

// Novelty tells lines that say something new from those that say the same again
// at another time. Something that fails and is started again for ever writes
// without end, and soon nothing that it has not written before. Use New on the
// zero value.
type Novelty struct{ seen map[uint64]struct{} }

// maxSeen bounds the memory; who has said so much that is new says no more.
const maxSeen = 1 << 17

// counted is what differs from one telling to the next: numbers, times,
// addresses, identifiers in hexadecimal.
var counted = regexp.MustCompile(`[0-9a-fA-F]*[0-9][0-9a-fA-F]*`)

// New returns the last line of text that the source has not said before,
// numbers apart; "" when there is none.
func (n *Novelty) New(source, text string) string {
	if n.seen == nil {
		n.seen = map[uint64]struct{}{}
	}
	last := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		key := fnv.New64a()
		_, _ = key.Write([]byte(source + "\x00" + counted.ReplaceAllString(line, "#"))) // hash.Hash: never fails
		if _, old := n.seen[key.Sum64()]; line == "" || old || len(n.seen) >= maxSeen {
			continue
		}
		n.seen[key.Sum64()] = struct{}{}
		last = line
	}
	return last
}
