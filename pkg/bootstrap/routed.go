// SPDX-License-Identifier: Apache-2.0

package bootstrap

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/phase"
	"github.com/nodeprep/nodeprep/pkg/retry"
)

// Routed waits until every planned BGP session is Established: a node that
// Kubernetes calls Ready may still be unreachable.
func Routed(c Coordinator) phase.Phase {
	return phase.Phase{
		Name:  "routed",
		Doc:   "wait until every leaf has an Established session",
		Needs: []string{"kubeadm"},
		Plan: func(ctx context.Context) ([]phase.Change, error) {
			view, err := persist(ctx, c.Node)
			if err != nil {
				return nil, fmt.Errorf("asking joinsvc for the sessions: %w", err)
			}
			if view.Phase == joinapi.PhaseRouted {
				return nil, nil
			}
			return []phase.Change{{
				What: "sessions",
				From: sessions(view.Sessions),
				To:   string(joinapi.Established),
				Do:   func(ctx context.Context) error { return waitRouted(ctx, c) },
			}}, nil
		},
	}
}

func waitRouted(ctx context.Context, c Coordinator) error {
	policy := retry.Policy{Limit: routedTimeout, Waiting: phase.Waiting(ctx), Judge: judgeRouted}
	_, err := retry.Do(ctx, policy, func(ctx context.Context) (struct{}, error) {
		view, err := c.Node(ctx)
		if err == nil {
			err = unrouted(view)
		}
		return struct{}{}, err
	})
	return err
}

// judgeRouted gives up after routedTimeout without a session, for the next run
// looks at this host again. A node whose sessions are all Established has
// nothing wrong that a run could mend: it is waited for as long as it takes.
func judgeRouted(err error) retry.Verdict {
	switch {
	case errors.Is(err, errSilent):
		return retry.Verdict{Again: true, Answered: true}
	case errors.Is(err, errNotRouted):
		return retry.Verdict{Again: true}
	}
	v := judge(err)
	v.Answered = false // joinsvc's word is not the leaves'
	return v
}

var (
	errNotRouted = errors.New("not every leaf routes to this node")
	errSilent    = errors.New("all sessions are Established, and this node announces nothing yet; nothing is to be done on this host, and it goes on by itself")
)

// unrouted says what view lacks to be routed, nil if nothing.
func unrouted(view joinapi.NodeView) error {
	down := func(s joinapi.Session) bool { return s.State != joinapi.Established }
	switch {
	case view.Phase == joinapi.PhaseRouted:
		return nil
	case len(view.Sessions) == 0 || slices.ContainsFunc(view.Sessions, down):
		return fmt.Errorf("%w: %s", errNotRouted, cmp.Or(view.Reason, sessions(view.Sessions)))
	}
	return fmt.Errorf("%w: %s", errSilent, cmp.Or(view.Sessions[0].Reason, view.Reason, "joinsvc does not say why"))
}

func sessions(all []joinapi.Session) string {
	if len(all) == 0 {
		return "none reported"
	}
	var parts []string
	for _, s := range all {
		state := string(s.State)
		if state == "" {
			state = "not reported"
		}
		parts = append(parts, s.Leaf+" "+state)
	}
	return strings.Join(parts, ", ")
}
