// SPDX-License-Identifier: Apache-2.0

package checks

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nodeprep/nodeprep/lab/operator"
	"github.com/nodeprep/nodeprep/lab/rack"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// reboot waits for sessions that are younger than the reboot: a leaf holds the
// old ones for a while after the host has gone.
func reboot(ctx context.Context, r Trial) error {
	h := r.Subject()
	before, err := r.bootID(ctx, h)
	if err != nil {
		return err
	}
	start := r.Now()
	// The agent dies with the machine it runs on: no answer is no failure.
	_, _ = r.Run(ctx, h.Name, "systemctl", "--no-block", "reboot")
	err = r.Await(ctx, h.Name+" has booted again", func(ctx context.Context) (string, error) {
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
	return r.Await(ctx, h.Name+" is routed again", func(ctx context.Context) (string, error) {
		return r.routedSince(ctx, h, start)
	})
}

func (r Trial) bootID(ctx context.Context, h rack.Host) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	out, err := r.Run(ctx, h.Name, "cat", "/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(out.Stdout)), err
}

// routedSince returns what is missing until the leaves' sessions with h were
// established after start, the run at boot has ended well, Kubernetes calls
// the node Ready, and joinsvc calls it routed.
func (r Trial) routedSince(ctx context.Context, h rack.Host, start time.Time) (string, error) {
	got, err := r.Neighbours(ctx)
	if err != nil {
		return err.Error(), nil
	}
	if lines := operator.Missing(r.Topology, got); len(lines) > 0 {
		return strings.Join(lines, "; "), nil
	}
	age := r.Now().Sub(start)
	for _, n := range got {
		if n.Address == h.Address.Addr() && n.Age > age {
			return fmt.Sprintf("%s holds a session from before the reboot", n.Leaf), nil
		}
	}
	return r.settled(ctx, h)
}

func (r Trial) settled(ctx context.Context, h rack.Host) (string, error) {
	switch r.Unit(ctx, h.Name, "nodeprep.service", "ActiveState") {
	case "":
		return "the host does not answer", nil
	case "failed":
		return "", fmt.Errorf("%w: nodeprep.service failed after the reboot", operator.ErrNode)
	case "activating":
		return "nodeprep is still running", nil
	}
	out, err := r.Kube(ctx, "kubectl", "wait", "--for=condition=Ready", "--timeout=5s", "node/"+h.FQDN)
	if err != nil {
		return err.Error() + string(out.Stderr), nil
	}
	return r.routed(ctx, h)
}

// routed returns what keeps joinsvc from calling h routed.
func (r Trial) routed(ctx context.Context, h rack.Host) (string, error) {
	status, err := r.Status(ctx)
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
