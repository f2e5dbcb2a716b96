// SPDX-License-Identifier: Apache-2.0

package checks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/nodeprep/nodeprep/lab/operator"
	"github.com/nodeprep/nodeprep/lab/rack"
	"github.com/nodeprep/nodeprep/lab/vm"
	"github.com/nodeprep/nodeprep/pkg/phase"
)

func secondRun(ctx context.Context, r Trial) error {
	for _, h := range r.Hosts {
		out, err := r.Run(ctx, h.Name, "nodeprep", "run", "--json")
		if err != nil {
			return err
		}
		if err := unchanged(out.Stdout); err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
	}
	return nil
}

func dryRun(ctx context.Context, r Trial) error {
	out, err := r.Run(ctx, r.Subject().Name, "nodeprep", "run", "--dry-run", "--json")
	if err != nil {
		return err
	}
	return unchanged(out.Stdout)
}

// unchanged reads the events of a run: none may announce or make a change, and
// the last one has to say that there was none.
func unchanged(events []byte) error {
	var last phase.Event
	for line := range bytes.Lines(events) {
		if err := json.Unmarshal(line, &last); err != nil {
			return fmt.Errorf("reading the event %q: %w", line, err)
		}
		if last.Kind == phase.Planned || last.Kind == phase.Applied || last.Kind == phase.Unknown {
			return fmt.Errorf("%w: %s: %s %s%s", ErrCheck, last.Phase, last.Kind, last.Change, last.Message)
		}
	}
	if last.Phase != "run" || last.Kind != phase.Done || !strings.HasPrefix(last.Message, "no change") {
		return fmt.Errorf("%w: the run ends with %s %s: %q", ErrCheck, last.Phase, last.Kind, last.Message)
	}
	return nil
}

// badPlan has an address outside its subnet, a field that does not exist and
// a name twice.
func badPlan(ctx context.Context, r Trial) error {
	const spoil = `sed -e 's/192.168.9.194/192.168.5.194/' -e 's/^  domain:/  domian: x\n  domain:/' -e 's/name: k8c1s1/name: k8c1m0/' ` +
		`/etc/joinsvc/plan.yaml >/run/bad.yaml; joinsvc plan check /run/bad.yaml`
	return r.refused(ctx, rack.Infra, []string{"sh", "-c", spoil},
		"spec.domian", "spec.nodes[1].address", "192.168.5.194", "spec.nodes[1].name")
}

// refused runs a command that has to fail and say all of want.
func (r Trial) refused(ctx context.Context, machine string, argv []string, want ...string) error {
	out, err := r.Run(ctx, machine, argv...)
	var exit *vm.ExitError
	if !errors.As(err, &exit) {
		return fmt.Errorf("%w: it was accepted (%w): %s", ErrCheck, err, out.Stdout)
	}
	said := string(out.Stdout) + string(out.Stderr)
	for _, w := range want {
		if !strings.Contains(said, w) {
			return fmt.Errorf("%w: it was refused without a word of %q: %s", ErrCheck, w, said)
		}
	}
	return nil
}

// fabricIsRight is a condition for await.
func (r Trial) fabricIsRight(ctx context.Context) (string, error) {
	got, err := r.Neighbours(ctx)
	if err != nil {
		return err.Error(), nil
	}
	return strings.Join(operator.Missing(r.Topology, got), "; "), nil
}
