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
	"github.com/nodeprep/nodeprep/pkg/usage"
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
	usage.Complete(cmd)
	err := cmd.ExecuteContext(ctx)
	var wrong *usage.Error
	var config *configError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &wrong):
		fmt.Fprintf(stderr, "nodeprep: %v\nSee `nodeprep --help`.\n", err)
		return usage.Status
	case errors.As(err, &config):
		fmt.Fprintf(stderr, "nodeprep: %v\nSee `nodeprep --help`.\n", err)
		return badConfig
	}
	fmt.Fprintf(stderr, "nodeprep: %v\n", err)
	return 1
}

// configError is a configuration that cannot be meant.
type configError struct{ err error }

// badConfig is EX_CONFIG of sysexits.h. The unit does not try again after it, and
// must after usage.Status, with which Go ends a program that panics or has no
// memory.
const badConfig = 78

func (e *configError) Error() string { return e.err.Error() }
func (e *configError) Unwrap() error { return e.err }

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
	root.PersistentFlags().String("config", defaultConfigFile, "configuration file")
	root.AddCommand(here.newRun(), here.newStatus(), here.newNetwork(), newVersion())
	usage.Refuse(root)
	return root
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
