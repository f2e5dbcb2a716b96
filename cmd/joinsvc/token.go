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
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Make an enrolment token and print it, once",
		Long: `create prints the token that goes into a host's /etc/nodeprep/nodeprep.yaml. It
carries the hash of joinsvc's CA, so that the host refuses a false server. Each
use binds it to the key of the host that used it; that host may ask again.

A host that was installed anew has a new key, and is refused until a token with
--reinstalled says that this was meant.`,
		Example: "  joinsvc token create --uses 3\n  joinsvc token create --node k8c1m0 --ttl 1h\n  joinsvc token create --node k8c1s1 --reinstalled",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().IntVar(&req.Uses, "uses", 1, "how many hosts may enrol with it")
	cmd.Flags().DurationVar(&req.TTL, "ttl", 24*time.Hour, "how long it is valid")
	cmd.Flags().StringVar(&req.Node, "node", "", "the one planned node that may use it")
	cmd.Flags().BoolVar(&req.Reinstalled, "reinstalled", false, "the host of --node was installed anew: it keeps its address and ASN")
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
