// SPDX-License-Identifier: Apache-2.0

package rack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/nodeprep/nodeprep/lab/vm"
	"github.com/nodeprep/nodeprep/pkg/phase"
)

// ErrCheck is a check of a routed rack that did not hold.
var ErrCheck = errors.New("not as it should be")

// Check is one thing that a routed rack is put through. It leaves the rack
// routed, or fails.
type Check struct {
	Name string
	Run  func(context.Context, *Rack) error
}

// Checks are those that Verify runs, in order; the last ones take a host down.
func Checks() []Check {
	return []Check{
		{"a second run changes nothing", secondRun},
		{"a dry run changes nothing", dryRun},
		{"a plan with three errors is refused with all of them", badPlan},
		{"a used-up token is refused, on both sides with a reason", usedToken},
		{"a token of another joinsvc is refused by the host", foreignToken},
		{"a token with a wrong secret is refused, on both sides with a reason", wrongSecret},
		{"another node's certificate is refused, on both sides with a reason", anotherNode},
		{"a bond with one dead leg is degraded, says so, and recovers", deadLeg},
		{"a bond with no leg fails the run, which names the legs", deadBond},
		{"a host that reboots is routed again without hands", reboot},
		{"a host that is installed anew is routed again, with its address and AS number", reinstall},
	}
}

// checkTime bounds one check; the longest is a reboot under emulation.
const checkTime = 10 * time.Minute

// Verify runs every check, whatever the ones before it said, prints a line for
// each and closes with "N passed, N failed". The error is the failures'.
func (r *Rack) Verify(ctx context.Context, w io.Writer, checks []Check) error {
	var errs []error
	for _, c := range checks {
		start := r.config.Now()
		err := r.check(ctx, c)
		took := r.config.Now().Sub(start).Seconds()
		verdict := "pass"
		if err != nil {
			verdict = "FAIL"
			errs = append(errs, fmt.Errorf("%s: %w", c.Name, err))
		}
		if _, err := fmt.Fprintf(w, "%s  %s (%.0fs)%s\n", verdict, c.Name, took, because(err)); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%d passed, %d failed\n", len(checks)-len(errs), len(errs))
	return errors.Join(append(errs, err)...)
}

func (r *Rack) check(ctx context.Context, c Check) error {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	return c.Run(ctx, r)
}

func because(err error) string {
	if err == nil {
		return ""
	}
	return "\n      " + strings.ReplaceAll(err.Error(), "\n", "\n      ")
}

// subject is the host that is put through things: the last of the plan, a
// worker in every rack of more than one host.
func (r *Rack) subject() Host { return r.Hosts[len(r.Hosts)-1] }

func secondRun(ctx context.Context, r *Rack) error {
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

func dryRun(ctx context.Context, r *Rack) error {
	out, err := r.Run(ctx, r.subject().Name, "nodeprep", "run", "--dry-run", "--json")
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
func badPlan(ctx context.Context, r *Rack) error {
	const spoil = `sed -e 's/192.168.9.194/192.168.5.194/' -e 's/^  domain:/  domian: x\n  domain:/' -e 's/name: k8c1s1/name: k8c1m0/' ` +
		`/etc/joinsvc/plan.yaml >/run/bad.yaml; joinsvc plan check /run/bad.yaml`
	return r.refused(ctx, infraMachine, []string{"sh", "-c", spoil},
		"spec.domian", "spec.nodes[1].address", "192.168.5.194", "spec.nodes[1].name")
}

// refused runs a command that has to fail and say all of want.
func (r *Rack) refused(ctx context.Context, machine string, argv []string, want ...string) error {
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
func (r *Rack) fabricIsRight(ctx context.Context) (string, error) {
	got, err := r.neighbours(ctx)
	if err != nil {
		return err.Error(), nil
	}
	return strings.Join(missing(r.Topology, got), "; "), nil
}
