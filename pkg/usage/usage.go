// SPDX-License-Identifier: Apache-2.0

// Package usage has a tree of commands refuse the calls that cannot be meant, so
// that a program can end with another status after them than after a failure.
// cobra takes some of them for failures, and others for questions, which it answers
// with help as if all were well.
package usage

import (
	"fmt"

	"github.com/spf13/cobra"
)

// Status is what a program ends with after an Error.
const Status = 2

// An Error is a call with wrong flags or arguments.
type Error struct{ Err error }

// Error implements error.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns what is wrong.
func (e *Error) Unwrap() error { return e.Err }

// Errorf is an Error of a text.
func Errorf(format string, args ...any) error { return &Error{fmt.Errorf(format, args...)} }

// Refuse has root and every command below it end a wrong call with an Error.
func Refuse(root *cobra.Command) {
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &Error{err} })
	refuse(root)
}

func refuse(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		refuse(c)
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
			return Errorf("%w; the call is: %s", err, cmd.UseLine())
		}
		return nil
	}
}

func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return Errorf("%q is no command of %s", args[0], cmd.CommandPath())
}

// Complete makes the commands help and completion, which cobra would make later,
// and has them refuse wrong calls, too. They print to what root prints to now.
func Complete(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "completion":
			refuse(c)
		case "help":
			c.Args = knownTopic
		}
	}
}

func knownTopic(cmd *cobra.Command, args []string) error {
	found, rest, err := cmd.Root().Find(args)
	if err != nil {
		return &Error{err}
	}
	return noSuchCommand(found, rest)
}
