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
	"github.com/nodeprep/nodeprep/pkg/joinapi"
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

// Checks are those that Verify runs, in order; the last one takes a host down.
func Checks() []Check {
	return []Check{
		{"a second run changes nothing", secondRun},
		{"a dry run changes nothing", dryRun},
		{"a plan with three errors is refused with all of them", badPlan},
		{"a used-up token is refused, on both sides with a reason", usedToken},
		{"a token of another joinsvc is refused by the host", foreignToken},
		{"a token with a wrong secret is refused, on both sides with a reason", wrongSecret},
		{"a bond with one dead leg is degraded, says so, and recovers", deadLeg},
		{"a bond with no leg fails the run, which names the legs", deadBond},
		{"a host that reboots is routed again without hands", reboot},
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

func usedToken(ctx context.Context, r *Rack) error {
	return r.refusedEnrolment(ctx, r.token, joinapi.CodeUnauthorized)
}

func wrongSecret(ctx context.Context, r *Rack) error {
	t, err := joinapi.ParseToken(r.token)
	if err != nil {
		return err
	}
	t.Secret = strings.Repeat("A", len(t.Secret))
	return r.refusedEnrolment(ctx, t.String(), joinapi.CodeUnauthorized)
}

// refusedEnrolment enrols the subject a second time, with a new key in an
// empty state folder. joinsvc has to refuse, log why, and change nothing.
func (r *Rack) refusedEnrolment(ctx context.Context, token string, code joinapi.Code) error {
	before, err := r.status(ctx)
	if err != nil {
		return err
	}
	logged, err := r.refusals(ctx)
	if err != nil {
		return err
	}
	if err := r.refused(ctx, r.subject().Name, stranger(token), string(code)); err != nil {
		return err
	}
	now, err := r.refusals(ctx)
	if err != nil {
		return err
	}
	if now <= logged {
		return fmt.Errorf("%w: joinsvc logged no refusal", ErrCheck)
	}
	after, err := r.status(ctx)
	if err != nil {
		return err
	}
	return sameNodes(before, after)
}

// stranger is an enrolment with that token and a key that nobody has seen.
func stranger(token string) []string {
	return []string{"sh", "-c", `rm -rf /run/stranger; NODEPREP_TOKEN=$1 nodeprep run --stateDir /run/stranger`, "sh", token}
}

// refusals counts the enrolments that joinsvc's journal says were refused.
func (r *Rack) refusals(ctx context.Context) (int, error) {
	out, err := r.Run(ctx, infraMachine, "journalctl", "--no-pager", "-u", "joinsvc")
	return bytes.Count(out.Stdout, []byte("enrolment refused")), err
}

func sameNodes(before, after joinapi.Status) error {
	for i, n := range before.Nodes {
		a := after.Nodes[i]
		if n.Phase != a.Phase || n.ASN != a.ASN || n.Address != a.Address {
			return fmt.Errorf("%w: %s was %s %s %d and is %s %s %d", ErrCheck,
				n.Name, n.Phase, n.Address, n.ASN, a.Phase, a.Address, a.ASN)
		}
	}
	return nil
}

// foreignToken names the CA of another joinsvc: the host has to walk away
// before it has said anything.
func foreignToken(ctx context.Context, r *Rack) error {
	t, err := joinapi.ParseToken(r.token)
	if err != nil {
		return err
	}
	t.CA = strings.Repeat("0f", len(t.CA)/2)
	return r.refused(ctx, r.subject().Name, stranger(t.String()), "CA")
}

// deadLeg pulls the subject's second cable and puts it back.
func deadLeg(ctx context.Context, r *Rack) error {
	h := r.subject()
	leg := h.Legs[len(h.Legs)-1].Name
	if err := r.machines[h.Name].SetLink(ctx, leg, false); err != nil {
		return err
	}
	err := r.bondSays(ctx, h, "degraded", leg+": no carrier")
	if err == nil {
		err = r.await(ctx, "the sessions live on one leg", r.fabricIsRight)
	}
	if err := errors.Join(err, r.machines[h.Name].SetLink(ctx, leg, true)); err != nil {
		return err
	}
	return r.bondSays(ctx, h, "is up")
}

// deadBond pulls every cable; a run has to fail and name the legs. The host is
// still reached over its provisioning card.
func deadBond(ctx context.Context, r *Rack) error {
	h := r.subject()
	var names []string
	var errs []error
	for _, leg := range h.Legs {
		names = append(names, leg.Name+": no carrier")
		errs = append(errs, r.machines[h.Name].SetLink(ctx, leg.Name, false))
	}
	errs = append(errs, r.bondSays(ctx, h, "failed"), r.refused(ctx, h.Name, []string{"nodeprep", "run"}, names...))
	for _, leg := range h.Legs {
		errs = append(errs, r.machines[h.Name].SetLink(ctx, leg.Name, true))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	// Sessions outlive a short cut; the legs are bundled anew in any case.
	if err := r.bondSays(ctx, h, "is up"); err != nil {
		return err
	}
	if err := r.await(ctx, "the fabric is right again", r.fabricIsRight); err != nil {
		return err
	}
	out, err := r.Run(ctx, h.Name, "nodeprep", "run", "--json")
	if err != nil {
		return err
	}
	return unchanged(out.Stdout)
}

// bondSays waits until `nodeprep status` on the host has all of want.
func (r *Rack) bondSays(ctx context.Context, h Host, want ...string) error {
	return r.await(ctx, h.Name+" says "+strings.Join(want, ", "), func(ctx context.Context) (string, error) {
		out, err := r.Run(ctx, h.Name, "nodeprep", "status")
		if err != nil {
			return err.Error(), nil
		}
		for _, w := range want {
			if !bytes.Contains(out.Stdout, []byte(w)) {
				return "nodeprep status says: " + string(out.Stdout), nil
			}
		}
		return "", nil
	})
}

// fabricIsRight is a condition for await.
func (r *Rack) fabricIsRight(ctx context.Context) (string, error) {
	got, err := r.neighbours(ctx)
	if err != nil {
		return err.Error(), nil
	}
	return strings.Join(missing(r.Topology, got), "; "), nil
}

// reboot waits for sessions that are younger than the reboot: a leaf holds the
// old ones for a while after the host has gone.
func reboot(ctx context.Context, r *Rack) error {
	h := r.subject()
	before, err := r.bootID(ctx, h)
	if err != nil {
		return err
	}
	start := r.config.Now()
	// The agent dies with the machine it runs on: no answer is no failure.
	_, _ = r.Run(ctx, h.Name, "systemctl", "--no-block", "reboot")
	err = r.await(ctx, h.Name+" has booted again", func(ctx context.Context) (string, error) {
		now, err := r.bootID(ctx, h)
		if err != nil {
			return err.Error(), nil
		}
		if now == before {
			return "it has not gone down", nil
		}
		return "", nil
	})
	if err != nil {
		return err
	}
	return r.await(ctx, h.Name+" is routed again", func(ctx context.Context) (string, error) {
		return r.routedSince(ctx, h, start)
	})
}

func (r *Rack) bootID(ctx context.Context, h Host) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	out, err := r.Run(ctx, h.Name, "cat", "/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(out.Stdout)), err
}

// routedSince returns what is missing until the leaves' sessions with h were
// established after start, the run at boot has ended well, Kubernetes calls
// the node Ready, and joinsvc calls it routed.
func (r *Rack) routedSince(ctx context.Context, h Host, start time.Time) (string, error) {
	got, err := r.neighbours(ctx)
	if err != nil {
		return err.Error(), nil
	}
	if lines := missing(r.Topology, got); len(lines) > 0 {
		return strings.Join(lines, "; "), nil
	}
	age := r.config.Now().Sub(start)
	for _, n := range got {
		if n.Address == h.Address.Addr() && n.Age > age {
			return fmt.Sprintf("%s holds a session from before the reboot", n.Leaf), nil
		}
	}
	return r.settled(ctx, h)
}

func (r *Rack) settled(ctx context.Context, h Host) (string, error) {
	switch r.unit(ctx, h.Name, "nodeprep.service", "ActiveState") {
	case "":
		return "the host does not answer", nil
	case "failed":
		return "", fmt.Errorf("%w: nodeprep.service failed after the reboot", ErrNode)
	case "activating":
		return "nodeprep is still running", nil
	}
	out, err := r.kube(ctx, "kubectl", "wait", "--for=condition=Ready", "--timeout=5s", "node/"+h.FQDN)
	if err != nil {
		return err.Error() + string(out.Stderr), nil
	}
	status, err := r.status(ctx)
	if err != nil {
		return err.Error(), nil
	}
	for _, n := range status.Nodes {
		if n.Name == h.FQDN && n.Phase != joinapi.PhaseRouted {
			return fmt.Sprintf("joinsvc says %s %s", n.Phase, n.Reason), nil
		}
	}
	return "", nil
}
