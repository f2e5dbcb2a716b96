// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/nodeprep/nodeprep/pkg/join"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/plan/leases"
)

const (
	flagStatus = "status"
	// askTimeout is how long a command that can do without waits for joinsvc.
	askTimeout = 10 * time.Second
)

// holders find out what the nodes of a plan hold: from a file, else from the
// joinsvc of this machine.
type holders struct {
	load func() (config, error)
	file string
}

func (h *holders) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&h.file, flagStatus, "", "`file` of what `joinsvc status -o json` printed: what nodes hold, where no joinsvc runs to be asked")
}

// put returns the plan as its nodes hold it, with what there is to say about the
// difference. unknown is why it cannot be told, empty if it can.
func (h holders) put(ctx context.Context, p plan.Plan) (as plan.Plan, report plan.Report, unknown, err error) {
	status, unknown, err := h.status(ctx, p.Metadata.Name)
	if err != nil || unknown != nil {
		return p, nil, unknown, err
	}
	held, err := heldBy(status)
	if err != nil {
		return p, nil, nil, err
	}
	as, report = held.Put(p)
	return as, report, nil, nil
}

// say is put with what there is to say on stderr.
func (h holders) say(ctx context.Context, p plan.Plan, stderr io.Writer) (plan.Plan, error) {
	p, report, unknown, err := h.put(ctx, p)
	for _, w := range report {
		fmt.Fprintln(stderr, w)
	}
	if unknown != nil {
		fmt.Fprintf(stderr, "note: AS numbers and addresses are what the plan prefers; what nodes hold is not known: %v\n", unknown)
	}
	return p, err
}

func (h holders) status(ctx context.Context, cluster string) (s joinapi.Status, unknown, err error) {
	if h.file != "" {
		s, err = readStatus(h.file)
		if err == nil && s.Cluster != cluster {
			err = fmt.Errorf("--%s: %s is of cluster %q, the plan of %q", flagStatus, h.file, s.Cluster, cluster)
		}
		return s, nil, err
	}
	c, err := h.load()
	if err != nil {
		return s, err, nil
	}
	if _, err := os.Stat(c.AdminSocket); errors.Is(err, fs.ErrNotExist) {
		return s, errors.New("no joinsvc runs here"), nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	s, err = joinapi.NewAdmin(c.AdminSocket).Status(ctx)
	if err == nil && s.Cluster != cluster {
		err = fmt.Errorf("the joinsvc of this machine is of cluster %s", s.Cluster)
	}
	return s, err, nil
}

func readStatus(file string) (s joinapi.Status, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return s, fmt.Errorf("reading --%s: %w", flagStatus, err)
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("reading --%s: %s is not what `joinsvc status -o json` prints: %w", flagStatus, file, err)
	}
	return s, nil
}

// heldBy are the leases of a status, which has a phase of each enrolled node.
func heldBy(s joinapi.Status) (leases.Held, error) {
	held := leases.Held{}
	for _, n := range s.Nodes {
		if n.Phase == "" {
			continue
		}
		address, err := netip.ParsePrefix(n.Address)
		if err != nil {
			return nil, fmt.Errorf("reading what %s holds: %w", n.Name, err)
		}
		held[n.Name] = leases.Lease{Address: address, ASN: n.ASN}
	}
	return held, nil
}

// logHeld says in the log where nodes hold something else than the plan prefers:
// leaves that were made by the plan alone refuse such a node.
func logHeld(ctx context.Context, c *join.Coordinator, log *slog.Logger) error {
	nodes, err := c.Nodes(ctx)
	if err != nil {
		return err
	}
	held := leases.Held{}
	for name, n := range nodes {
		held[name] = leases.Lease{Address: n.Address, ASN: n.ASN}
	}
	_, report := held.Put(c.Plan)
	for _, w := range report {
		log.Warn("plan", "path", w.Path, "warning", w.Message)
	}
	return nil
}
