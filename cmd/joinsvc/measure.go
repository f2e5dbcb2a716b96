// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/nodeprep/nodeprep/pkg/admission"
	"github.com/nodeprep/nodeprep/pkg/cluster"
	"github.com/nodeprep/nodeprep/pkg/join"
)

// measure asks the API server all the time how it is, until ctx ends: for how
// many nodes may join at once, and for whether joinsvc's access still works. The
// log has when that changes.
func measure(ctx context.Context, ping func(context.Context) (time.Duration, error), to *admission.Limiter, log *slog.Logger) {
	was := ""
	for {
		took, err := ping(ctx)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, cluster.ErrRefused) {
			err = join.ErrAccessRefused
		}
		to.Observe(took, err)
		is := failure(err)
		switch {
		case is != "" && is != was:
			log.Warn("the API server does not answer as it should", "err", err)
		case is == "" && was != "":
			log.Info("the API server answers again", "latency", took)
		}
		was = is
		select {
		case <-ctx.Done():
			return
		case <-time.After(to.Pause()):
		}
	}
}

// failure is what an answer stands for: the words of one failure change from one
// time to the next, and each kind has its own remedy.
func failure(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, join.ErrAccessRefused):
		return "refused"
	}
	return "unreachable"
}
