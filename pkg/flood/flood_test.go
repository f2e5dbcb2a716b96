// SPDX-License-Identifier: Apache-2.0

package flood_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nodeprep/nodeprep/pkg/flood"
)

func lines(b *bytes.Buffer) []string {
	text := strings.TrimSpace(b.String())
	b.Reset()
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

func TestAFloodIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := slog.New(flood.New(slog.NewTextHandler(&out, nil)))
		ctx := flood.WithSource(t.Context(), "192.0.2.7")
		for range 100_000 {
			log.WarnContext(ctx, "refused", "code", "unauthorized", "err", "no such token")
		}
		if got := lines(&out); len(got) != 1 || !strings.Contains(got[0], "source=192.0.2.7") {
			t.Errorf("100,000 times the same wrote %q", got)
		}
		log.WarnContext(ctx, "refused", "code", "conflict", "err", "held")
		if got := lines(&out); len(got) != 1 {
			t.Errorf("another kind wrote %q", got)
		}
		time.Sleep(flood.Interval + time.Second)
		synctest.Wait()
		if got := lines(&out); len(got) != 1 || !strings.Contains(got[0], "repeated=99999") || !strings.Contains(got[0], "code=unauthorized") {
			t.Errorf("at the end of the interval it says %q", got)
		}
		log.WarnContext(ctx, "refused", "code", "unauthorized", "err", "no such token")
		if got := lines(&out); len(got) != 1 {
			t.Errorf("in the next interval it says %q", got)
		}
		time.Sleep(2 * flood.Interval)
	})
}

// However many senders there are, one kind writes a handful of lines.
func TestManySourcesWriteLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := slog.New(flood.New(slog.NewTextHandler(&out, nil))).With("cluster", "k8c1")
		for i := range 10_000 {
			ctx := flood.WithSource(context.Background(), fmt.Sprintf("2001:db8:%x::/64", i))
			log.WarnContext(ctx, "refused", "why", "wrong secret", "token", i)
		}
		if got := lines(&out); len(got) != 16 {
			t.Errorf("10,000 sources wrote %d lines", len(got))
		}
		for i := range 10_000 { // kinds that a sender invents
			log.Warn("refused", "why", fmt.Sprint(i))
		}
		if got := lines(&out); len(got) > 300 {
			t.Errorf("10,000 kinds wrote %d lines", len(got))
		}
		time.Sleep(2 * flood.Interval)
	})
}

func TestWhatIsNoRefusalIsWritten(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(flood.New(slog.NewTextHandler(&out, nil)))
	for range 50 {
		log.Info("enrolled", "node", "k8c1s1")
		log.Debug("not shown", "why", "level")
	}
	if got := lines(&out); len(got) != 50 {
		t.Errorf("%d lines, want 50", len(got))
	}
}

// failing is a log that cannot be written.
type failing struct{ slog.Handler }

func (failing) Handle(context.Context, slog.Record) error { return io.ErrShortWrite }

func (failing) Enabled(context.Context, slog.Level) bool { return true }

// Whether the log could be written is the caller's to know, of a refusal as of
// anything else.
func TestALogThatCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := flood.New(failing{})
		plain, refusal := slog.NewRecord(time.Now(), slog.LevelInfo, "enrolled", 0), slog.NewRecord(time.Now(), slog.LevelWarn, "refused", 0)
		refusal.AddAttrs(slog.String("why", "wrong secret"))
		for _, r := range []slog.Record{plain, refusal} {
			if err := h.Handle(t.Context(), r); !errors.Is(err, io.ErrShortWrite) {
				t.Errorf("%s: %v", r.Message, err)
			}
		}
		time.Sleep(2 * flood.Interval)
	})
}

// What tells one refusal from another of its kind is who sent it and what was
// wrong; each is written once, wherever its attributes stand.
func TestLinesOfOneKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := slog.New(flood.New(slog.NewTextHandler(&out, nil)))
		one, other := flood.WithSource(t.Context(), "192.0.2.1"), flood.WithSource(t.Context(), "192.0.2.2")
		for range 2 {
			log.WarnContext(one, "refused", "why", "w", "err", "a")
			log.WarnContext(one, "refused", "err", "b", "why", "w")
			log.WarnContext(other, "refused", "why", "w", "err", "a")
			log.WarnContext(t.Context(), "refused", "why", "w", "err", "a")
		}
		got := lines(&out)
		if len(got) != 4 {
			t.Errorf("four lines of one kind wrote %q", got)
		}
		for i, line := range got {
			if strings.Contains(line, "source=") != (i < 3) || strings.Count(line, "source=") > 1 {
				t.Errorf("its source is not in, or not once: %s", line)
			}
		}
		time.Sleep(flood.Interval + time.Second)
		synctest.Wait()
		if got := lines(&out); len(got) != 1 || !strings.Contains(got[0], `kind="WARN refused why=w"`) || !strings.Contains(got[0], "repeated=4") {
			t.Errorf("at the end it says %q", got)
		}
	})
}

// A kind that nothing was left out of has no summary. Of kinds that a sender
// invents so many are told apart, and what is beyond is one kind together, while
// one that was there before keeps its own.
func TestKindsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := slog.New(flood.New(slog.NewTextHandler(&out, nil)))
		const kinds, perKind = 256, 16
		for i := range kinds {
			log.Warn("refused", "why", fmt.Sprint(i), "err", "x")
		}
		if got := lines(&out); len(got) != kinds {
			t.Errorf("%d kinds wrote %d lines", kinds, len(got))
		}
		for i := range 2 * perKind {
			log.Warn("refused", "why", fmt.Sprint(kinds+i), "err", fmt.Sprint(i))
		}
		if got := lines(&out); len(got) != perKind {
			t.Errorf("what is beyond wrote %d lines", len(got))
		}
		log.Warn("refused", "why", "0", "err", "y")
		if got := lines(&out); len(got) != 1 {
			t.Errorf("a kind of its own wrote %q", got)
		}
		time.Sleep(flood.Interval + time.Second)
		synctest.Wait()
		if got := lines(&out); len(got) != 1 || !strings.Contains(got[0], fmt.Sprintf("repeated=%d", perKind)) {
			t.Errorf("at the end it says %q", got)
		}
	})
}
