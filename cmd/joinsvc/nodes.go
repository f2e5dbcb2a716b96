// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

func nodesCommand(load func() (config, error)) *cobra.Command {
	parent := &cobra.Command{Use: "nodes", Short: "Work with enrolled nodes"}
	parent.AddCommand(nodesReleaseCommand(load))
	return parent
}

func nodesReleaseCommand(load func() (config, error)) *cobra.Command {
	var req joinapi.ReleaseRequest
	cmd := &cobra.Command{
		Use:   "release NAME",
		Short: "Free what the node of a host that is gone holds",
		Long: `release frees the address and AS number that a node has leased, and removes its
record and what it reported; its certificate is void from then on, and joinsvc
removes its BGPPeers. NAME is short, or in full where the plan's domain was
another; the plan need not have the node any more.

A node that tells of its sessions, Established or not, with one that joinsvc
cannot see at the moment, or whose host was heard of in the last ten minutes, is
refused with what speaks for it. Drain such a node, delete its Node and switch its
host off first.`,
		Example: "  joinsvc nodes release k8c1s2\n  joinsvc nodes release k8c1s2.old.example.net --force",
		Args:    cobra.ExactArgs(1),
	}
	cmd.Flags().BoolVar(&req.Force, "force", false, "although it may be alive")
	format := output(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		asJSON, err := wantsJSON(*format)
		if err != nil {
			return err
		}
		c, err := load()
		if err != nil {
			return err
		}
		req.Node = args[0]
		freed, err := joinapi.NewAdmin(c.AdminSocket).Release(cmd.Context(), req)
		switch {
		case err != nil:
			return err
		case asJSON:
			return printJSON(cmd.OutOrStdout(), freed)
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is released; free are the addresses %s and the AS numbers %s.\nIf its Node is still in the cluster: kubectl delete node %s\n",
			freed.Node, cmp.Or(strings.Join(freed.Addresses, ", "), "(none)"), cmp.Or(strings.Join(freed.ASNs, ", "), "(none)"), freed.Node)
		return err
	}
	return cmd
}
