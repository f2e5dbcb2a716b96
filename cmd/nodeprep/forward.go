// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"strings"
	"time"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/phase"
)

// forwardTimeout bounds one report. Reports inform operators; a host does not
// wait long for them, and what matters to joinsvc is said again by a phase.
const forwardTimeout = 5 * time.Second

// forward tells joinsvc how each phase of the run goes.
func forward(ctx context.Context, client *joinapi.Client) reporter {
	return func(e phase.Event) {
		outcome, ok := outcomeOf(e.Kind)
		if !ok {
			return
		}
		ctx, cancel := context.WithTimeout(ctx, forwardTimeout)
		defer cancel()
		// A lost report changes nothing on this host, so it is no error of the run.
		_ = client.Report(ctx, joinapi.Report{Phase: e.Phase, Outcome: outcome, Message: clip(e.Message), Time: e.Time})
	}
}

// maxMessage is how much of a message joinsvc keeps, in bytes.
const maxMessage = 4096

func clip(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	return strings.ToValidUTF8(message[:maxMessage], "")
}

func outcomeOf(k phase.Kind) (joinapi.Outcome, bool) {
	switch k {
	case phase.Done:
		return joinapi.OutcomeDone, true
	case phase.Failed:
		return joinapi.OutcomeFailed, true
	case phase.Noted:
		return joinapi.OutcomeNoted, true
	case phase.Started:
		return joinapi.OutcomeStarted, true
	case phase.Planned, phase.Applied, phase.Unknown:
	}
	return "", false
}
