// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"context"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// steady is how often the log repeats what still stands.
const steady = time.Minute

// A board holds what is waited for and what is in the way, each under a key of
// its own, for the log and for joinsvc's status. A text is logged when it is new
// and, as long as it stands, once a minute; the same text under many keys, such
// as one API server that answers nobody, is logged once.
type board struct {
	log  *slog.Logger
	show func([]string) // may be nil

	mu    sync.Mutex
	texts map[string]string
}

func newBoard(log *slog.Logger, show func([]string)) *board {
	return &board{log: log, show: show, texts: map[string]string{}}
}

// local is the near end of a connection, another one with each attempt.
var local = regexp.MustCompile(`\b(read|write) (tcp|udp) \S+->`)

// put says what stands under a key; an empty text says that nothing does.
func (b *board) put(key, text string) {
	text = local.ReplaceAllString(text, "$1 $2 ")
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.texts[key]
	if was == text {
		return
	}
	switch text {
	case "":
		delete(b.texts, key)
		if !b.stands(was) {
			b.log.Info("calico: over", "what", was)
		}
	default:
		known := b.stands(text)
		b.texts[key] = text
		if !known {
			b.log.Warn("calico", "what", text)
		}
	}
	if b.show != nil {
		b.show(b.list())
	}
}

// replace puts the texts of all keys that begin with prefix, and clears those
// that are not among them.
func (b *board) replace(prefix string, texts map[string]string) {
	b.mu.Lock()
	var gone []string
	for key := range b.texts {
		if _, stays := texts[key]; strings.HasPrefix(key, prefix) && !stays {
			gone = append(gone, key)
		}
	}
	b.mu.Unlock()
	for _, key := range slices.Sorted(slices.Values(gone)) {
		b.put(key, "")
	}
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		b.put(key, texts[key])
	}
}

func (b *board) stands(text string) bool {
	for _, other := range b.texts {
		if other == text {
			return true
		}
	}
	return false
}

// standing are the texts, each once, in order.
func (b *board) standing() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.list()
}

func (b *board) list() []string { return slices.Compact(slices.Sorted(maps.Values(b.texts))) }

// repeat says at a steady pace what still stands, until ctx ends.
func (b *board) repeat(ctx context.Context) {
	tick := time.NewTicker(steady)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if all := b.standing(); len(all) > 0 {
				const shown = 10
				b.log.Warn("calico: still", "count", len(all), "what", strings.Join(all[:min(len(all), shown)], "; "))
			}
		}
	}
}
