// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/printable"
)

func statusCommand(load func() (config, error)) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the planned nodes, how far each has come, and its BGP sessions",
		Long: `status shows every planned node with its leases, its phase (enrolled, prepared,
joining, joined, routed, or failed) and what keeps it from the next one; every
planned BGP session as its node sees it; joinsvc's access to the cluster, when the
API server last answered, and until when it lets joinsvc in; who joins, who waits
for it, at which place, and why; and what hosts found worth saying.`,
		Example: "  joinsvc status\n  joinsvc status -o json | jq '.nodes[] | select(.phase != \"routed\") | .name, .reason'",
		Args:    cobra.NoArgs,
	}
	format := output(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		asJSON, err := wantsJSON(*format)
		if err != nil {
			return err
		}
		c, err := load()
		if err != nil {
			return err
		}
		status, err := joinapi.NewAdmin(c.AdminSocket).Status(cmd.Context())
		switch {
		case err != nil:
			return err
		case asJSON:
			return printJSON(cmd.OutOrStdout(), status)
		}
		return printStatus(cmd.OutOrStdout(), status)
	}
	return cmd
}

// printStatus prints what hosts said as one line each, whatever they said.
func printStatus(w io.Writer, s joinapi.Status) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	row(t, "NAME", "ROLE", "ADDRESS", "ASN", "PHASE", "REASON")
	for _, n := range s.Nodes {
		row(t, n.Name, string(n.Role), n.Address, strconv.FormatUint(uint64(n.ASN), 10), cmp.Or(string(n.Phase), "not enrolled"), reason(n))
	}
	fmt.Fprintln(t)
	row(t, "NODE", "LEAF", "PEERIP", "PEERASN", "STATE", "SEEN", "REASON")
	for _, n := range s.Nodes {
		for _, b := range n.Sessions {
			state := cmp.Or(string(b.State), "not reported")
			row(t, n.Name, b.Leaf, b.PeerIP, strconv.FormatUint(uint64(b.PeerASN), 10), state, age(b.Observed), b.Reason)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return errors.Join(printAccess(w, s), printRemarks(w, s), printQueue(w, s), printNotes(w, s))
}

func row(t io.Writer, cells ...string) {
	for i, c := range cells {
		cells[i] = printable.Line(c)
	}
	fmt.Fprintln(t, strings.Join(cells, "\t"))
}

// reason is what keeps the node from the next phase. A node that the plan has
// no more shows what it holds, and how that is freed.
func reason(n joinapi.NodeStatus) string {
	if !n.Unplanned {
		return n.Reason
	}
	return fmt.Sprintf("not in the plan; holds %s and %d; free it with `joinsvc nodes release %s`", n.Address, n.ASN, n.Name)
}

// age is how long ago that was; whatever is told as a session's state was so then.
func age(at time.Time) string {
	if at.IsZero() {
		return "never"
	}
	since := time.Since(at)
	if since < -time.Minute {
		return "at " + at.UTC().Format(time.RFC3339) + ", by a clock that was ahead"
	}
	return max(since, 0).Truncate(time.Second).String() + " ago"
}

// printAccess tells how joinsvc's access to the cluster is, and since when it is
// known. While there is none, what is told of sessions is of the past.
func printAccess(w io.Writer, s joinapi.Status) error {
	a := s.Access
	line := fmt.Sprintf("%s: %s", a.State, cmp.Or(a.Reason, a.Server))
	if !a.Answered.IsZero() {
		line += "; it answered last " + age(a.Answered)
	}
	if !a.Expires.IsZero() && a.State != joinapi.AccessExpired { // else the reason has it
		line += "; joinsvc's certificate there is valid until " + a.Expires.Format(time.DateOnly)
	}
	_, err := fmt.Fprintf(w, "\nACCESS TO THE CLUSTER\n%s\n", printable.Line(line))
	return err
}

// printQueue tells who joins and who waits for it, when anybody does.
func printQueue(w io.Writer, s joinapi.Status) error {
	q := s.Queue
	if q == nil || len(q.Joining)+len(q.Waiting) == 0 {
		return nil
	}
	fmt.Fprintf(w, "\nQUEUE\n%d may join at once: %s\n", q.Limit, printable.Line(q.Reason))
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	row(t, "PLACE", "NODE", "SINCE", "HEARD OF")
	for _, j := range q.Joining {
		row(t, "joins", j.Node, age(j.Since), age(j.Heard))
	}
	for i, p := range q.Waiting {
		row(t, strconv.Itoa(i+1), p.Node, age(p.Since), age(p.Heard))
	}
	return t.Flush()
}

// printRemarks tells what is about the cluster as a whole.
func printRemarks(w io.Writer, s joinapi.Status) error {
	if len(s.Remarks) == 0 {
		return nil
	}
	lines := []string{"", "CLUSTER"}
	for _, r := range s.Remarks {
		lines = append(lines, printable.Line(r))
	}
	_, err := fmt.Fprintln(w, strings.Join(lines, "\n"))
	return err
}

// printNotes repeats what hosts found worth saying, such as a bond that runs
// on one leg.
func printNotes(w io.Writer, s joinapi.Status) error {
	title := "\nNOTES\n"
	for _, n := range s.Nodes {
		for _, r := range n.Reports {
			if r.Outcome != joinapi.OutcomeNoted {
				continue
			}
			if _, err := fmt.Fprintf(w, "%s%s: %s: %s\n", title, n.Name, printable.Line(r.Phase), printable.Line(r.Message)); err != nil {
				return err
			}
			title = ""
		}
	}
	return nil
}
