// SPDX-License-Identifier: Apache-2.0

// Command joinsvc coordinates how hosts become nodes of one cluster: it admits
// them, leases each an address and an ASN, tells them what kubeadm has to do,
// and writes their BGP objects. See docs and `joinsvc help`.
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

	"github.com/nodeprep/nodeprep/pkg/printable"
	"github.com/nodeprep/nodeprep/pkg/usage"
)

// version is set by the linker: -ldflags "-X main.version=…".
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main without the process: it returns the exit status, 0 for success,
// 1 for a failure that was told, 2 for a call that cannot be meant, and what a
// statusError says.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	stdout, stderr = printable.NewWriter(stdout), printable.NewWriter(stderr)
	root := command()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	usage.Complete(root)
	err := root.ExecuteContext(ctx)
	var wrong *usage.Error
	var status *statusError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &wrong):
		fmt.Fprintf(stderr, "joinsvc: %v\nSee `joinsvc --help`.\n", err)
		return usage.Status
	case errors.As(err, &status):
		fmt.Fprintln(stderr, "joinsvc:", err)
		return status.status
	case !errors.Is(err, errSaid):
		fmt.Fprintln(stderr, "joinsvc:", err)
	}
	return 1
}

// statusError is a failure with an exit status of its own.
type statusError struct {
	err    error
	status int
}

func (e *statusError) Error() string { return e.err.Error() }
func (e *statusError) Unwrap() error { return e.err }

// errSaid ends a command whose output has said already what is wrong.
var errSaid = errors.New("said already")

func command() *cobra.Command {
	root := &cobra.Command{
		Use:   "joinsvc",
		Short: "Turns prepared hosts into routed nodes of one Kubernetes cluster",
		Long: `joinsvc holds one cluster's plan. It admits the hosts that the plan names, leases
each an address and an AS number, decides who runs kubeadm init, hands out
documents and short-lived tokens to the others, and writes the Calico objects.
A node is finished when every planned BGP session is Established.

It is configured by /etc/joinsvc/joinsvc.yaml and JOINSVC_* in the environment;
the latter wins. The commands token, nodes, init and status ask the service that
runs on this machine, through a socket that root alone may open; plan check, plan
show, render and fabric ask it what nodes hold, and do without where it does not
answer.`,
		Example: `  joinsvc plan check /etc/joinsvc/plan.yaml
  systemctl enable --now joinsvc
  joinsvc token create --role control-plane
  joinsvc status`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	file := root.PersistentFlags().String("config", "", "configuration file (default "+defaultConfig+")")
	load := func() (config, error) { return loadConfig(*file) }
	root.AddCommand(serveCommand(load), tokenCommand(load), initCommand(load), statusCommand(load))
	root.AddCommand(nodesCommand(load))
	root.AddCommand(planCommand(load), renderCommand(load), fabricCommand(load), versionCommand())
	usage.Refuse(root)
	return root
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "joinsvc", version)
			return err
		},
	}
}

// output is the flag -o of a command that prints for people or programs.
func output(cmd *cobra.Command) *string {
	return cmd.Flags().StringP("output", "o", "text", "text or json")
}

func wantsJSON(format string) (bool, error) {
	switch format {
	case "text":
		return false, nil
	case "json":
		return true, nil
	}
	return false, usage.Errorf("--output: %q is neither text nor json", format)
}
