// SPDX-License-Identifier: Apache-2.0

package bootstrap

import (
	"context"
	"errors"
	"time"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/kubeadm"
	"github.com/nodeprep/nodeprep/pkg/phase"
	"github.com/nodeprep/nodeprep/pkg/retry"
)

// How long a phase waits for the other side without a word from it before it
// fails and leaves the next attempt to systemd. Whoever answers "not yet" is
// waited for as long as it does.
const (
	joinsvcTimeout = 15 * time.Minute // joinsvc may boot later than its hosts
	routedTimeout  = 30 * time.Minute // images, CNI, BGP
	leavesTimeout  = 5 * time.Minute  // LACP
	joinTimeout    = 45 * time.Minute // of a kubeadm that the API server does not answer; each join waits for its turn
)

// persist asks joinsvc until it answers or refuses for good, and notes what it
// waits for.
func persist[T any](ctx context.Context, ask func(context.Context) (T, error)) (T, error) {
	return retry.Do(ctx, retry.Policy{Limit: joinsvcTimeout, Judge: judge, Waiting: phase.Waiting(ctx)}, ask)
}

// MayPass tells whether joinsvc may answer otherwise when it is asked again.
func MayPass(err error) bool { return judge(err).Again }

// judge knows joinsvc: a rate limit, a "not yet" and trouble of its own may
// pass, a refusal does not.
func judge(err error) retry.Verdict {
	var stranger *joinapi.WrongCAError
	if !errors.As(err, &stranger) && joinapi.CodeOf(err) == "" && retry.Network(err) {
		return retry.Verdict{Again: true}
	}
	code, after := joinapi.CodeOf(err), joinapi.RetryAfter(err)
	return retry.Verdict{Again: joinapi.Temporary(err), Floor: after, Answered: code == joinapi.CodeNotYet || code != "" && after > 0}
}

// unanswered knows kubeadm: what failed for want of an answer may pass.
func unanswered(err error) retry.Verdict {
	var none *kubeadm.UnansweredError
	return retry.Verdict{Again: errors.As(err, &none)}
}
