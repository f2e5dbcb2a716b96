// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// usageError is a call that cannot be meant: wrong flags or arguments.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// refuseWrongCalls gives every command below cmd, and itself, the exit status
// of a wrong call where its arguments are wrong, which cobra takes for a
// failure. A group of commands called with the name of none would print its
// help as if all were well.
func refuseWrongCalls(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		refuseWrongCalls(c)
	}
	if cmd.HasSubCommands() {
		cmd.Args = noSuchCommand
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		cmd.DisableFlagsInUseLine = true
		return
	}
	args := cmd.Args
	cmd.Args = func(cmd *cobra.Command, given []string) error {
		if err := args(cmd, given); err != nil {
			return &usageError{fmt.Errorf("%w; the call is: %s", err, cmd.UseLine())}
		}
		return nil
	}
}

func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return &usageError{fmt.Errorf("%q is no command of %s", args[0], cmd.CommandPath())}
}

// addCobras makes the commands that cobra would make later, and refuses wrong
// calls of these too, which it answers with help and exit status 0. They print
// to what root prints to now.
func addCobras(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "completion":
			refuseWrongCalls(c)
		case "help":
			c.Args = knownTopic
		}
	}
}

func knownTopic(cmd *cobra.Command, args []string) error {
	found, rest, err := cmd.Root().Find(args)
	if err != nil {
		return &usageError{err}
	}
	return noSuchCommand(found, rest)
}
