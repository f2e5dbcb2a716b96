// SPDX-License-Identifier: Apache-2.0

package phase

import (
	"context"
	"fmt"
	"strings"
	"time"
)

type noteKey struct{}

// Notef reports something worth knowing that is no error, from inside Plan or
// Do, as an event of the phase that is running. Outside a run it does nothing.
func Notef(ctx context.Context, format string, args ...any) {
	if note, ok := ctx.Value(noteKey{}).(func(string)); ok {
		note(fmt.Sprintf(format, args...))
	}
}

// Waits tells whether e is what [Waiting] notes. The next such event of its
// phase says the same, later.
func (e Event) Waits() bool {
	return e.Kind == Noted && (strings.HasPrefix(e.Message, "waiting: ") || strings.HasPrefix(e.Message, "waiting for "))
}

// Waiting returns what notes, as an event of the phase that is running, what is
// waited for and for how long that has been so.
func Waiting(ctx context.Context) func(reason error, since time.Duration) {
	return func(reason error, since time.Duration) {
		if since < time.Second {
			Notef(ctx, "waiting: %v", reason)
			return
		}
		Notef(ctx, "waiting for %s: %v", since.Round(time.Second), reason)
	}
}
