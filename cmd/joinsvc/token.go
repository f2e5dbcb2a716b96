// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

func tokenCommand(load func() (config, error)) *cobra.Command {
	parent := &cobra.Command{Use: "token", Short: "Work with enrolment tokens"}
	parent.AddCommand(tokenCreateCommand(load))
	return parent
}

func tokenCreateCommand(load func() (config, error)) *cobra.Command {
	var req joinapi.TokenRequest
	var role string
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Make an enrolment token and print it, once",
		Long: `create prints the token that goes into a host's /etc/nodeprep/nodeprep.yaml. It
carries the hash of joinsvc's CA, so that the host refuses a false server. Each
use binds it to the key of the host that used it; that host may ask again.

It admits workers, unless it was made for a control plane: by --role, or by
--node. A host's hardware addresses, by which the plan tells one from the other,
are the host's own words, so that any token would do for any of them otherwise.

A host that was installed anew has a new key, and is refused until a token with
--reinstalled says that this was meant.`,
		Example: "  joinsvc token create --role control-plane\n  joinsvc token create --uses 2\n  joinsvc token create --node k8c1m0 --ttl 1h\n  joinsvc token create --node k8c1s1 --reinstalled",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().IntVar(&req.Uses, "uses", 1, "how many hosts may enrol with it")
	cmd.Flags().DurationVar(&req.TTL, "ttl", 24*time.Hour, "how long it is valid, 1s to 2160h (90 days)")
	cmd.Flags().StringVar(&req.Node, "node", "", "the one planned node that may use it")
	cmd.Flags().BoolVar(&req.Reinstalled, "reinstalled", false, "the host of --node was installed anew: it keeps its address and ASN")
	cmd.Flags().StringVar(&role, "role", string(joinapi.Worker), "what hosts may become with it: worker or control-plane; with --node the plan says it")
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
		if cmd.Flags().Changed("role") {
			req.Role = roleOf(role)
		}
		token, err := joinapi.NewAdmin(c.AdminSocket).CreateToken(cmd.Context(), req)
		switch {
		case err != nil:
			return err
		case asJSON:
			return printJSON(cmd.OutOrStdout(), token)
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), token.Token)
		return err
	}
	return cmd
}

// roleOf takes the role as it is written in one word, too; what it does not
// know joinsvc refuses.
func roleOf(word string) joinapi.Role {
	if word == "controlplane" {
		return joinapi.ControlPlane
	}
	return joinapi.Role(word)
}
