// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/nodeprep/nodeprep/pkg/plan/schema"
)

func planSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the plan's JSON Schema, for editors",
		Long: `Print the JSON Schema (draft 2020-12) of this version's plan. An editor that
knows yaml-language-server uses it for a plan whose first line names the file:

    # yaml-language-server: $schema=clusterplan.json

"plan check" knows more than the schema does, and has the last word.`,
		Example: "  joinsvc plan schema > clusterplan.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := cmd.OutOrStdout().Write(schema.JSON()); err != nil {
				return fmt.Errorf("printing the schema: %w", err)
			}
			return nil
		},
	}
}
