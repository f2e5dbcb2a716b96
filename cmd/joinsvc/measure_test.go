// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nodeprep/nodeprep/pkg/admission"
	"github.com/nodeprep/nodeprep/pkg/cluster"
	"github.com/nodeprep/nodeprep/pkg/join"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

func TestMeasure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var says syncBuffer
		limiter := admission.NewLimiter(time.Now)
		answer, asked := error(nil), 0
		ping := func(context.Context) (time.Duration, error) { asked++; return 300 * time.Millisecond, answer }
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			measure(ctx, ping, limiter, slog.New(slog.NewTextHandler(&says, nil)))
		}()
		time.Sleep(time.Minute + time.Second)
		if r := limiter.Reading(); asked != 7 || r.Latency != 300*time.Millisecond || r.Err != nil {
			t.Errorf("in an idle minute: asked %d times, %+v", asked, r)
		}
		limiter.Used(1)
		asked = 0
		time.Sleep(39 * time.Second)
		if asked < 14 {
			t.Errorf("while somebody joins: asked %d times in 39 s", asked)
		}
		answer = fmt.Errorf("asking: %w", cluster.ErrRefused)
		time.Sleep(20 * time.Second)
		if r := limiter.Reading(); !errors.Is(r.Err, join.ErrAccessRefused) || r.Limit != 0 {
			t.Errorf("refused: %+v", r)
		}
		for _, words := range []string{"connection refused", "i/o timeout"} { // of one kind
			answer = errors.New(words)
			time.Sleep(20 * time.Second)
		}
		answer = nil
		time.Sleep(20 * time.Second)
		stop()
		<-ended
		if n := strings.Count(says.String(), "does not answer as it should"); n != 2 || !strings.Contains(says.String(), "connection refused") || strings.Count(says.String(), "answers again") != 1 {
			t.Errorf("the log says it %d times:\n%s", n, says.String())
		}
	})
}

func TestStatusShowsAccessAndQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // a clock that stands still
		var out syncBuffer
		now := time.Now()
		err := printStatus(&out, joinapi.Status{
			Access: joinapi.AccessStatus{State: joinapi.AccessUnreachable, Reason: "no route to host", Answered: now.Add(-31 * time.Minute)},
			Queue: &joinapi.QueueStatus{
				Limit: 1, Reason: "the API server answers in 4.2s (bound 1s)",
				Joining: []joinapi.Turn{{Node: "n1", Since: now.Add(-time.Minute), Heard: now}},
				Waiting: []joinapi.Turn{{Node: "n2", Since: now, Heard: now}, {Node: "n3", Since: now, Heard: now}},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{"unreachable: no route to host; it answered last 31m0s ago", "1 may join at once: the API server answers in 4.2s (bound 1s)", "joins   n1     1m0s ago", "2       n3"} {
			if !strings.Contains(out.String(), part) {
				t.Errorf("no %q in\n%s", part, out.String())
			}
		}
	})
}
