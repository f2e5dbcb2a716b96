// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

func initCommand(load func() (config, error)) *cobra.Command {
	parent := &cobra.Command{Use: "init", Short: "Say what becomes of kubeadm init"}
	parent.AddCommand(initReopenCommand(load))
	return parent
}

func initReopenCommand(load func() (config, error)) *cobra.Command {
	return &cobra.Command{
		Use:   "reopen NODE",
		Short: "Let kubeadm init run once more, when the cluster is gone for good",
		Long: `reopen is for a cluster that is lost. NODE is the node that made it, by name, so
that nobody does this by mistake; while that node is routed, or its API server
answers joinsvc, its cluster lives and the command is refused.

joinsvc forgets its access to the cluster. The first control plane that asks from
then on makes another, with another CA: every node that was in the old one has to
be installed anew, each with a token of its own, which says that this was meant:
"joinsvc token create --reinstalled --node NAME".`,
		Example: "  joinsvc init reopen k8c1m0",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := load()
			if err != nil {
				return err
			}
			if err := joinapi.NewAdmin(c.AdminSocket).ReopenInit(cmd.Context(), args[0]); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "kubeadm init is open: the first control plane that asks makes a new cluster")
			return err
		},
	}
}
