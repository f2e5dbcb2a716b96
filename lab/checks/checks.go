// SPDX-License-Identifier: Apache-2.0

// Package checks is what a routed rack is put through: each check a value with a
// name, a line on what it tries, and a function.
package checks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/nodeprep/nodeprep/lab/operator"
)

// ErrCheck is a check of a routed rack that did not hold.
var ErrCheck = errors.New("not as it should be")

// Check is one thing that a routed rack is put through. It leaves the rack
// routed, or fails.
type Check struct {
	Name string
	Doc  string // what holds it up in the product, for who reads a failure
	Run  func(context.Context, Trial) error
}

// Trial is a rack under test.
type Trial struct{ *operator.Operator }

// All are the checks in order; the last ones take a host down.
func All() []Check {
	return []Check{
		{"a second run changes nothing", "every phase plans nothing on a host that is as planned", secondRun},
		{"a dry run changes nothing", "as before, by --dry-run", dryRun},
		{"a host is what docs/support.md says that runs", "the page is written by hand", supported},
		{"calico-node is alive by its own probe", "kubelet restarts it where it is not, and its sessions end", alive},
		{"a plan with three errors is refused with all of them", "joinsvc plan check tells every problem with its path", badPlan},
		{"a used-up token is refused, on both sides with a reason", "a token counts its uses", usedToken},
		{"a token of another joinsvc is refused by the host", "a token names its CA, which the host compares first", foreignToken},
		{"a token with a wrong secret is refused, on both sides with a reason", "joinsvc compares the secret's hash", wrongSecret},
		{"another node's certificate is refused, on both sides with a reason", "joinsvc compares a node's cards with those that it enrolled with", anotherNode},
		{"a bond with one dead leg is degraded, says so, and recovers", "nodeprep status reads the bonding driver", deadLeg},
		{"a bond with no leg fails the run, which names the legs", "the network phase wants a carrier", deadBond},
		{"a host that reboots is routed again without hands", "the network is back before what needs it, and nodeprep runs at boot", reboot},
		{"a host that is installed anew is routed again, with its address and AS number", "leases are bound to the hardware", reinstall},
	}
}

// checkTime bounds one check on the reference machine, whatever moves; the
// longest is a host that is installed anew.
const checkTime = 15 * time.Minute

// Run runs every check, whatever the ones before it said, prints a line for
// each and closes with "N passed, N failed". The error is the failures'.
func Run(ctx context.Context, o *operator.Operator, w io.Writer, checks []Check) error {
	t := Trial{o}
	var errs []error
	for _, c := range checks {
		start := o.Now()
		err := t.run(ctx, c)
		took := o.Now().Sub(start).Seconds()
		verdict := "pass"
		if err != nil {
			verdict = "FAIL"
			errs = append(errs, fmt.Errorf("%s: %w", c.Name, err))
		}
		if _, err := fmt.Fprintf(w, "%s  %s (%.0fs)%s\n", verdict, c.Name, took, because(c, err)); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%d passed, %d failed\n", len(checks)-len(errs), len(errs))
	return errors.Join(append(errs, err)...)
}

func (r Trial) run(ctx context.Context, c Check) error {
	ctx, cancel := context.WithTimeout(ctx, r.Patient(checkTime))
	defer cancel()
	return c.Run(ctx, r)
}

func because(c Check, err error) string {
	if err == nil {
		return ""
	}
	return "\n      " + strings.ReplaceAll(err.Error(), "\n", "\n      ") + "\n      (" + c.Doc + ")"
}
