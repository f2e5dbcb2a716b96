// SPDX-License-Identifier: Apache-2.0

package phase

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// A step that is silent is told of at this pace, and rarely when it takes longer
// than an hour. Both are above the pace of package retry, which has more to say.
const (
	silence     = 2 * time.Minute
	longStep    = time.Hour
	longSilence = 12 * time.Minute
	look        = 30 * time.Second
)

// attend does one step of a phase, with the notes of it that tell lets through.
// Of one that says nothing, as dnf and kubeadm do for minutes and a request that
// nobody answers, it says that it is still at work.
func (r Runner) attend(ctx context.Context, p Phase, what string, tell func(Event) bool, step func(context.Context) error) error {
	now := time.Now()
	a := &attendant{what: what, began: now, said: now}
	over, left := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(left)
		a.watch(over, func(message string) { r.event(p, Noted, "", message, 0) })
	}()
	defer func() { close(over); <-left }() // nothing is told of a step that has ended
	ctx = context.WithValue(ctx, asideKey{}, a.overheard)
	return step(context.WithValue(ctx, noteKey{}, func(message string) {
		if tell(Event{Kind: Noted, Message: message}) {
			a.heard(message)
			r.event(p, Noted, "", message, 0)
		}
	}))
}

type asideKey struct{}

// Aside is what a step goes through, such as a line of a program's output: of a
// step that is silent for long the last one is told, with its age.
func Aside(ctx context.Context, words string) {
	if overheard, ok := ctx.Value(asideKey{}).(func(string)); ok {
		overheard(words)
	}
}

func everything(Event) bool { return true }

// attendant knows how long a step has been silent.
type attendant struct {
	what  string
	began time.Time

	mu    sync.Mutex
	said  time.Time // when it was last heard of
	words string    // its own last ones
	spoke time.Time // when
}

func (a *attendant) heard(words string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.said = time.Now()
	a.spoke, a.words = a.said, words
}

// overheard keeps what a step did not say to be told.
func (a *attendant) overheard(words string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.spoke, a.words = time.Now(), words
}

func (a *attendant) watch(over <-chan struct{}, say func(string)) {
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		select {
		case <-over:
			return
		case now := <-ticker.C:
			if message := a.remark(now); message != "" {
				say(message)
			}
		}
	}
}

// remark is what there is to say of a step at now; nothing while it speaks itself.
func (a *attendant) remark(now time.Time) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	quiet := silence
	if now.Sub(a.began) > longStep {
		quiet = longSilence
	}
	if now.Sub(a.said) < quiet {
		return ""
	}
	a.said = now
	message := fmt.Sprintf("waiting for %s: still at %s", now.Sub(a.began).Round(time.Second), a.what)
	if a.words != "" {
		message += fmt.Sprintf("; it said %s ago: %s", now.Sub(a.spoke).Round(time.Second), a.words)
	}
	return message
}
