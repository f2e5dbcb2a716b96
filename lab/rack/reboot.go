// SPDX-License-Identifier: Apache-2.0

package rack

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

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
