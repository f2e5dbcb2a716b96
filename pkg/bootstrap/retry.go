// SPDX-License-Identifier: Apache-2.0

package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/phase"
)

// retryPause is between two attempts when the other side names none.
const retryPause = 5 * time.Second

// retry calls ask until it succeeds, is refused for good, or the time is up.
// Worth another attempt are "not yet", a rate limit, and a connection that
// cannot be made. Each new reason for waiting is noted once.
func retry[T any](ctx context.Context, limit time.Duration, ask func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var noted string
	for {
		answer, err := ask(ctx)
		pause, again := worthAnother(err)
		if err == nil || !again {
			return answer, err
		}
		if reason := err.Error(); reason != noted {
			phase.Notef(ctx, "waiting: %s", reason)
			noted = reason
		}
		select {
		case <-ctx.Done():
			return answer, fmt.Errorf("waiting up to %s: %w", limit, err)
		case <-time.After(pause):
		}
	}
}

func worthAnother(err error) (time.Duration, bool) {
	var refused *joinapi.Error
	var network *net.OpError
	var timeout net.Error
	switch {
	case errors.As(err, &refused):
		temporary := refused.Code == joinapi.CodeNotYet || refused.Code == joinapi.CodeTooMany
		return max(refused.RetryAfter, time.Second), temporary
	case errors.As(err, &network), errors.As(err, &timeout) && timeout.Timeout():
		return retryPause, true
	}
	return 0, false
}
