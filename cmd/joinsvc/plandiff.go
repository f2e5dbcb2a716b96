// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nodeprep/nodeprep/pkg/plan/change"
)

func planDiffCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Tell what a changed plan does to nodes, leaves and cluster",
		Long: `diff compares what two plans mean, not their text: a pool that becomes a list of
the same nodes is no change. For every change it says what becomes what, whom it
touches, and what it costs:

    none                   no session, no host's network and no installation
    sessions reset         BGP sessions end and are made anew
    host network rebuilt   the host is without its network for some seconds
    needs reinstall        the node is removed and its host installed anew
    impossible             a running cluster, or its joinsvc, refuses it

What happens to many nodes in the same way is one line with their number and the
first names; -o json has them all. A node that has another name is a removal and
an addition; if its MAC or its address moved along, that is said.

Nothing is touched. joinsvc reads its plan when it starts, hosts take what
concerns them at their next nodeprep run, and leaves what is rendered for them.

The exit status is 0 whether or not the plans differ, and 1 if one has errors or
cannot be read; .worst in -o json is for scripts that want to stop.`,
		Example: `  joinsvc plan diff /etc/joinsvc/plan.yaml plan.yaml
  joinsvc plan diff -o json old.yaml new.yaml | jq -r .worst
  git show HEAD:plan.yaml > /tmp/old.yaml && joinsvc plan diff /tmp/old.yaml plan.yaml`,
		Args: cobra.ExactArgs(2),
	}
	format := output(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		asJSON, err := wantsJSON(*format)
		if err != nil {
			return err
		}
		old, err := loadValid(args[0])
		if err != nil {
			return err
		}
		updated, err := loadValid(args[1])
		if err != nil {
			return err
		}
		changes := change.Between(old, updated)
		if asJSON {
			return printJSON(cmd.OutOrStdout(), differences{change.Worst(changes), append([]change.Change{}, changes...)})
		}
		return printChanges(cmd.OutOrStdout(), changes)
	}
	return cmd
}

// differences is what `plan diff -o json` prints.
type differences struct {
	Worst   change.Severity `json:"worst"`
	Changes []change.Change `json:"changes"`
}

func printChanges(w io.Writer, changes []change.Change) error {
	if len(changes) == 0 {
		_, err := fmt.Fprintln(w, "both plans mean the same")
		return err
	}
	var scope change.Scope
	for _, c := range changes {
		if c.Scope != scope {
			scope = c.Scope
			fmt.Fprintln(w, scope)
		}
		fmt.Fprintf(w, "  %s: %s\n      %s: %s\n", c.What, becomes(c), c.Severity, c.Consequence)
	}
	_, err := fmt.Fprintf(w, "%d change(s); the worst: %s\n", len(changes), change.Worst(changes))
	return err
}

// namedMembers is how many members of a change are named.
const namedMembers = 3

// becomes says what becomes what, and of whom. Members of one change that have
// values of their own are named with them.
func becomes(c change.Change) string {
	from, to, same := c.Values()
	switch {
	case c.What == change.Added || c.What == change.Removed:
		return members(c, func(m change.Member) string { return m.Name + " " + m.From + m.To })
	case c.What == change.Renamed:
		return members(c, func(m change.Member) string { return arrow(m.From, m.To) })
	case c.Members[0].Name == "":
		return arrow(from, to)
	case same:
		return arrow(from, to) + ", " + members(c, func(m change.Member) string { return m.Name })
	}
	return members(c, func(m change.Member) string { return m.Name + " " + arrow(m.From, m.To) })
}

func arrow(from, to string) string { return cmp.Or(from, "nothing") + " -> " + cmp.Or(to, "nothing") }

// members names one, or counts several and names the first.
func members(c change.Change, say func(change.Member) string) string {
	if len(c.Members) == 1 {
		return say(c.Members[0])
	}
	var names []string
	for _, m := range c.Members[:min(namedMembers, len(c.Members))] {
		names = append(names, say(m))
	}
	if len(c.Members) > namedMembers {
		names = append(names, "...")
	}
	return fmt.Sprintf("%d %s (%s)", len(c.Members), c.Scope, strings.Join(names, ", "))
}
