// SPDX-License-Identifier: Apache-2.0

package bootstrap

import (
	"context"
	"fmt"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/phase"
)

// Routed waits until every planned BGP session is Established: a node that
// Kubernetes calls Ready may still be unreachable.
func Routed(c Coordinator) phase.Phase {
	return phase.Phase{
		Name:  "routed",
		Doc:   "wait until every leaf has an Established session",
		After: []string{"kubeadm"},
		Plan: func(ctx context.Context) ([]phase.Change, error) {
			view, err := c.Node(ctx)
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
	_, err := retry(ctx, routedTimeout, func(ctx context.Context) (joinapi.NodeView, error) {
		view, err := c.Node(ctx)
		if err == nil && view.Phase != joinapi.PhaseRouted {
			err = &joinapi.Error{Code: joinapi.CodeNotYet, Message: sessions(view.Sessions), RetryAfter: retryPause}
		}
		return view, err
	})
	return err
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

// View asks joinsvc for this host's part of the plan, and waits while joinsvc
// cannot be reached: the two may boot at the same time.
func View(ctx context.Context, c Coordinator) (joinapi.NodeView, error) {
	return retry(ctx, enrolTimeout, c.Node)
}
