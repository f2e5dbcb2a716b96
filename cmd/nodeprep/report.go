// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/nodeprep/nodeprep/pkg/phase"
)

// reporter decides how events look.
type reporter func(phase.Event)

// jsonReporter prints one JSON object a line.
func jsonReporter(w io.Writer) reporter {
	enc := json.NewEncoder(w)
	return func(e phase.Event) { _ = enc.Encode(e) } // a broken pipe shows at the end of the run
}

// textReporter prints plain lines that read well in a journal and a terminal. At
// a run's end it names the phases that failed: each has said why on a line of its
// own, and the whole error follows on stderr.
func textReporter(w io.Writer) reporter {
	var failed []string
	return func(e phase.Event) {
		switch {
		case e.Kind != phase.Failed:
		case e.Phase != closing:
			failed = append(failed, e.Phase)
		case len(failed) > 0:
			e.Message = "failed in " + strings.Join(failed, ", ")
		}
		if text := describe(e); text != "" {
			fmt.Fprintf(w, "%-12s %s\n", e.Phase, text)
		}
	}
}

func describe(e phase.Event) string {
	switch e.Kind {
	case phase.Started:
		return "… " + e.Message
	case phase.Planned:
		return "  to change  " + e.Change
	case phase.Applied:
		return "  changed    " + e.Change + took(e.Elapsed)
	case phase.Noted:
		return "  note       " + e.Message
	case phase.Unknown:
		return "? " + e.Message
	case phase.Skipped:
		return "- skipped: " + e.Message
	case phase.Done:
		return "✓ " + e.Message + took(e.Elapsed)
	case phase.Failed:
		return "✗ " + e.Message
	}
	return ""
}

func took(d time.Duration) string {
	if d < 100*time.Millisecond {
		return ""
	}
	return fmt.Sprintf(" (%.1fs)", d.Seconds())
}

// tee passes every event to each reporter in turn.
func tee(reporters ...reporter) reporter {
	return func(e phase.Event) {
		for _, r := range reporters {
			r(e)
		}
	}
}
