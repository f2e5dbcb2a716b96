// SPDX-License-Identifier: Apache-2.0

package flood_test

import (
	"bytes"
	"context"
	"fmt"
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
