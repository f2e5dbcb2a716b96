// SPDX-License-Identifier: Apache-2.0

// Command nodeprep brings a bare host to a Kubernetes node that the leaf
// switches route to.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/nodeprep/nodeprep/pkg/bootstrap"
	"github.com/nodeprep/nodeprep/pkg/netcfg"
	"github.com/nodeprep/nodeprep/pkg/printable"
	"github.com/nodeprep/nodeprep/pkg/rooted"
)

// version is set by the linker: -X main.version=v0.1.0.
var version = "devel"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	here := edges{kernel: netcfg.NewKernel(), machine: bootstrap.NewMachine}
	code := here.run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// edges are where the program meets the machine that it runs on.
type edges struct {
	root    rooted.Root // of all files but those in --stateDir and --plan
	kernel  netcfg.Kernel
	machine func(context.Context) (*bootstrap.Machine, error)
}

// run is main without the process: it returns the exit status, 0 for success,
// 1 for a failure that was told on stderr, 2 for a call that cannot be meant,
// badConfig for a configuration that cannot.
func (here edges) run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	stdout, stderr = printable.NewWriter(stdout), printable.NewWriter(stderr)
	cmd := here.newRoot()
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	addCobras(cmd)
	err := cmd.ExecuteContext(ctx)
	var usage *usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "nodeprep: %v\nSee `nodeprep --help`.\n", err)
		return usage.status
	}
	fmt.Fprintf(stderr, "nodeprep: %v\n", err)
	return 1
}

// usageError is a call with wrong flags, arguments or configuration.
type usageError struct {
	err    error
	status int // that the process ends with
}

const (
	badCall = 2
	// badConfig is EX_CONFIG of sysexits.h. The unit does not try again after it,
	// and must after 2, with which Go ends a program that panics or has no memory.
	badConfig = 78
)

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func (here edges) newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "nodeprep",
		Short: "From a bare host's first boot to a Kubernetes node that the leaf switches route to",
		Long: `nodeprep brings this host to the plan: modules, bond and VLAN, firewall, sysctls,
SELinux, swap, container runtime and Kubernetes packages; then it joins the
cluster through joinsvc. What is already right is left alone, so it can be run
again at any time.

It is configured by /etc/nodeprep/nodeprep.yaml, NODEPREP_* in the environment,
nodeprep.* on the kernel command line, and flags; the later one wins.`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err, badCall} })
	root.PersistentFlags().String("config", defaultConfigFile, "configuration file")
	root.AddCommand(here.newRun(), here.newStatus(), here.newNetwork(), newVersion())
	refuseWrongCalls(root)
	return root
}

// refuseWrongCalls gives an unknown command and a wrong argument the exit status
// of a wrong call. cobra takes them for a failure, and an unknown name below a
// group of commands for a question, which it answers with the help.
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
			return &usageError{fmt.Errorf("%w; the call is: %s", err, cmd.UseLine()), badCall}
		}
		return nil
	}
}

func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return &usageError{fmt.Errorf("%q is no command of %s", args[0], cmd.CommandPath()), badCall}
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
		return &usageError{err, badCall}
	}
	return noSuchCommand(found, rest)
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "nodeprep", version)
			return err
		},
	}
}
