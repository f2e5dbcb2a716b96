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
)

// version is set by the linker: -ldflags "-X main.version=…".
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main without the process: 0 is success, 1 is not.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := command()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err != nil && !errors.Is(err, errSaid) {
		fmt.Fprintln(stderr, "joinsvc:", err)
	}
	if err != nil {
		return 1
	}
	return 0
}

// errSaid ends a command whose output has said already what is wrong.
var errSaid = errors.New("said already")

func command() *cobra.Command {
	root := &cobra.Command{
		Use:           "joinsvc",
		Short:         "Turns prepared hosts into routed nodes of one Kubernetes cluster",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	file := root.PersistentFlags().String("config", "", "configuration file (default "+defaultConfig+")")
	load := func() (config, error) { return loadConfig(*file) }
	root.AddCommand(serveCommand(load), tokenCommand(load), statusCommand(load), planCommand(), versionCommand())
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
	return false, fmt.Errorf("--output: %q is neither text nor json", format)
}
