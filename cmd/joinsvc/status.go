// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

func statusCommand(load func() (config, error)) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the planned nodes, how far each has come, and its BGP sessions",
		Long: `status shows every planned node with its leases, its phase (enrolled, prepared,
joining, joined, routed, or failed) and what keeps it from the next one; every
planned BGP session as its node sees it; and what hosts found worth saying.`,
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

func printStatus(w io.Writer, s joinapi.Status) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "NAME\tROLE\tADDRESS\tASN\tPHASE\tREASON")
	for _, n := range s.Nodes {
		phase := cmp.Or(string(n.Phase), "not enrolled")
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%s\n", n.Name, n.Role, n.Address, n.ASN, phase, n.Reason)
	}
	fmt.Fprintln(t, "\nNODE\tLEAF\tPEERIP\tPEERASN\tSTATE\tSEEN\tREASON")
	for _, n := range s.Nodes {
		for _, b := range n.Sessions {
			fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%s\t%s\n",
				n.Name, b.Leaf, b.PeerIP, b.PeerASN, cmp.Or(string(b.State), "not reported"), age(b.Observed), b.Reason)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return errors.Join(printRemarks(w, s), printNotes(w, s))
}

// age is how long ago that was; whatever is told as a session's state was so then.
func age(at time.Time) string {
	if at.IsZero() {
		return "never"
	}
	return time.Since(at).Truncate(time.Second).String() + " ago"
}

// printRemarks tells what is about the cluster as a whole.
func printRemarks(w io.Writer, s joinapi.Status) error {
	if len(s.Remarks) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "\nCLUSTER\n%s\n", strings.Join(s.Remarks, "\n"))
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
			if _, err := fmt.Fprintf(w, "%s%s: %s: %s\n", title, n.Name, r.Phase, r.Message); err != nil {
				return err
			}
			title = ""
		}
	}
	return nil
}
