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

	"github.com/nodeprep/nodeprep/pkg/flood"
)

const (
	// steady is how often the log repeats what still stands.
	steady = time.Minute
	// atMost is how often what stands is shown, however often it changes: to sort
	// the texts of 5,000 nodes that an API server is away for takes a millisecond.
	atMost = 100 * time.Millisecond
)

// A board holds what is waited for and what is in the way, each under a key of
// its own, for the log and for joinsvc's status. A text is logged when it is new
// and, as long as it stands, once a minute; the same text under many keys, such
// as one API server that answers nobody, is logged once. Those of many nodes are of
// a kind (pkg/flood), which is the key's first word.
type board struct {
	log  *slog.Logger
	show func([]string) // may be nil

	mu    sync.Mutex
	texts map[string]string
	keys  map[string]int // how many a text stands under
	shown time.Time
	owed  bool // it is to be shown a moment later
}

func newBoard(log *slog.Logger, show func([]string)) *board {
	return &board{log: log, show: show, texts: map[string]string{}, keys: map[string]int{}}
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
	if was != "" {
		b.take(key, was)
	}
	kind, _, _ := strings.Cut(key, " ")
	switch {
	case text == "" && b.keys[was] == 0:
		b.log.Info("calico: over", "what", was, flood.Why, kind)
	case text != "" && b.keys[text] == 0:
		b.log.Warn("calico", "what", text, flood.Why, kind)
	}
	if text != "" {
		b.texts[key] = text
		b.keys[text]++
	}
	b.changed()
}

func (b *board) take(key, text string) {
	delete(b.texts, key)
	if b.keys[text]--; b.keys[text] == 0 {
		delete(b.keys, text)
	}
}

// changed shows what stands: at once, unless it was shown a moment ago.
func (b *board) changed() {
	switch wait := atMost - time.Since(b.shown); {
	case b.show == nil || b.owed:
	case wait <= 0:
		b.present()
	default:
		b.owed = true
		time.AfterFunc(wait, func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.owed = false
			b.present()
		})
	}
}

func (b *board) present() {
	b.shown = time.Now()
	b.show(b.list())
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

// standing are the texts, each once, in order.
func (b *board) standing() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.list()
}

func (b *board) list() []string { return slices.Sorted(maps.Keys(b.keys)) }

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
