// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

func planCommand(load func() (config, error)) *cobra.Command {
	by := holders{load: load}
	check := &cobra.Command{
		Use:   "check FILE",
		Short: "Check a plan against itself and print every problem",
		Long: `Check a plan against itself and print every problem with its path. Errors make it
unusable (exit 1); warnings do not. Where joinsvc runs for the plan's cluster, or
with --status, it is held against what the nodes have leased as well.`,
		Args: cobra.ExactArgs(1),
	}
	format := output(check)
	by.register(check)
	check.RunE = func(cmd *cobra.Command, args []string) error {
		asJSON, err := wantsJSON(*format)
		if err != nil {
			return err
		}
		p, report, err := plan.Load(args[0])
		if err != nil {
			return err
		}
		if report.Err() == nil {
			_, held, _, err := by.put(cmd.Context(), p)
			if err != nil {
				return err
			}
			report = append(report, held...)
		}
		if err := printReport(cmd.OutOrStdout(), args[0], report, asJSON); err != nil {
			return err
		}
		if len(report.Errors()) > 0 {
			return errSaid
		}
		return nil
	}
	parent := &cobra.Command{
		Use:   "plan",
		Short: "Start, check, read and compare plans",
		Long: `A plan is one document, from which everything else is derived. init makes a first
one of a few answers, import one of the files of a cluster that was set up by
hand. check finds what is wrong with it, show prints what it means, and diff what
a change to it would do. None of them touches anything but the file it writes.`,
	}
	parent.AddCommand(check, planSchemaCommand())
	parent.AddCommand(planShowCommand(load), planDiffCommand(), planInitCommand(), planImportCommand())
	return parent
}

// loadValid reads a plan and refuses one with errors.
func loadValid(file string) (plan.Plan, error) {
	p, report, err := plan.Load(file)
	if err != nil {
		return plan.Plan{}, err
	}
	if err := report.Err(); err != nil {
		return plan.Plan{}, fmt.Errorf("%s: %w", file, err)
	}
	return p, nil
}

// checked is what `plan check -o json` prints.
type checked struct {
	Valid    bool        `json:"valid"`
	Problems plan.Report `json:"problems"`
}

func printReport(w io.Writer, file string, report plan.Report, asJSON bool) error {
	errs, warnings := report.Errors(), report.Warnings()
	if asJSON {
		all := append(append(plan.Report{}, errs...), warnings...)
		return printJSON(w, checked{Valid: len(errs) == 0, Problems: all})
	}
	for _, p := range append(errs, warnings...) {
		if _, err := fmt.Fprintln(w, p); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%s: %d error(s), %d warning(s)\n", file, len(errs), len(warnings))
	return err
}

func printJSON(w io.Writer, value any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(value)
}
