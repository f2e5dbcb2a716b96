// SPDX-License-Identifier: Apache-2.0

// Package flood keeps a log readable, and its disk from filling, when one thing
// happens very often: of each kind the first few are written, and the others
// are counted.
package flood

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// What is written of one kind within an interval before the rest is counted.
// Both bounds hold whatever the senders do, so the memory is bounded too.
const (
	Interval = time.Minute
	perKind  = 16
	maxKinds = 256
)

// The attributes that make a record one of a kind. A record with none of them
// is written always.
const (
	Why  = "why"
	Code = "code"
)

// source is the key of a context's source.
type source struct{}

// WithSource says on whose behalf is logged: every record of a kind that is
// made with the context has it as the attribute "source".
func WithSource(ctx context.Context, from string) context.Context {
	return context.WithValue(ctx, source{}, from)
}

// A Handler passes records on to another. It is made by New.
type Handler struct {
	next   slog.Handler
	counts *counts
}

// New is a handler that counts floods before next.
func New(next slog.Handler) *Handler {
	return &Handler{next: next, counts: &counts{kinds: map[string]*kind{}}}
}

// Enabled is what the next handler says.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// WithAttrs and WithGroup share the counts.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Handler{h.next.WithAttrs(attrs), h.counts}
}

// WithGroup shares the counts.
func (h *Handler) WithGroup(name string) slog.Handler {
	return &Handler{h.next.WithGroup(name), h.counts}
}

// Handle writes the record, or counts it.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	k, line := identify(ctx, r)
	if k == "" {
		return h.next.Handle(ctx, r)
	}
	if from, ok := ctx.Value(source{}).(string); ok {
		r = r.Clone()
		r.AddAttrs(slog.String("source", from))
	}
	if !h.counts.write(k, line, h.summary(k, r)) {
		return nil
	}
	return h.next.Handle(ctx, r)
}

// identify returns the record's kind, empty when it has none, and what tells
// it from others of its kind.
func identify(ctx context.Context, r slog.Record) (kind, line string) {
	parts := []string{r.Level.String(), r.Message}
	from, _ := ctx.Value(source{}).(string)
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case Why, Code:
			parts = append(parts, a.Key+"="+a.Value.String())
		case "err", "what":
			line = a.Value.String()
		}
		return true
	})
	if len(parts) == 2 {
		return "", ""
	}
	return strings.Join(parts, " "), from + " " + line
}

// summary is the line that tells of those that were counted.
func (h *Handler) summary(kind string, r slog.Record) func(n int) {
	return func(n int) {
		said := slog.NewRecord(time.Now(), r.Level, r.Message+": more of the same", 0)
		said.AddAttrs(slog.String("kind", kind), slog.Int("repeated", n), slog.Duration("within", Interval))
		_ = h.next.Handle(context.Background(), said) // there is no other place to say that the log is gone
	}
}

// counts are the kinds of the running interval.
type counts struct {
	mu    sync.Mutex
	kinds map[string]*kind
}

type kind struct {
	written map[string]bool // lines of this interval
	more    int             // that were only counted
}

// write says whether a line of a kind is to be written. The first of a kind
// begins an interval, at whose end summary tells how many were not.
func (c *counts) write(name, line string, summary func(n int)) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.kinds[name]
	if !ok {
		if len(c.kinds) >= maxKinds {
			name = "other"
			k, ok = c.kinds[name]
		}
		if !ok {
			k = &kind{written: map[string]bool{}}
			c.kinds[name] = k
			time.AfterFunc(Interval, func() { c.end(name, summary) })
		}
	}
	if k.written[line] || len(k.written) >= perKind {
		k.more++
		return false
	}
	k.written[line] = true
	return true
}

func (c *counts) end(name string, summary func(n int)) {
	c.mu.Lock()
	k := c.kinds[name]
	delete(c.kinds, name)
	c.mu.Unlock()
	if k.more > 0 {
		summary(k.more)
	}
}
