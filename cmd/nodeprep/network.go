// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/nodeprep/nodeprep/pkg/netcfg"
)

// legPatience is how long a boot waits for the drivers of the legs.
const legPatience = 30 * time.Second

func (here edges) newNetwork() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "network",
		Short: "The part of a run that each boot repeats",
	}
	var boot bool
	apply := &cobra.Command{
		Use:   "apply",
		Short: "Build the stored bond, VLAN and address again",
		Long: `apply builds the network that the last run stored, without asking anybody.
nodeprep-network.service runs it at every boot, before network.target.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			patience := time.Duration(0)
			if boot {
				patience = legPatience
			}
			restored, err := netcfg.Restore(cmd.Context(), here.kernel, here.root, patience)
			for _, leg := range restored.Missing {
				fmt.Fprintf(cmd.ErrOrStderr(), "leg %s has not appeared; see: ip link, journalctl -k\n", leg)
			}
			for _, c := range restored.Changes {
				fmt.Fprintf(cmd.OutOrStdout(), "%s: %s -> %s\n", c.What, c.From, c.To)
			}
			return err
		},
	}
	apply.Flags().BoolVar(&boot, "boot", false, "wait for the legs' drivers, as a boot has to")
	cmd.AddCommand(apply)
	return cmd
}
