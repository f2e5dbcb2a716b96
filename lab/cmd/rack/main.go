// SPDX-License-Identifier: Apache-2.0

// Command rack runs the lab: `rack build` makes what machines start from,
// `rack up` takes bare hosts to routed nodes and shows the result, `rack test`
// puts a routed rack through what must not break it, and `rack exec` looks
// into a machine of a rack that runs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	// A second signal kills at once; the machines go down with the process.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

const usage = `usage: rack build | up | test [flags]
       rack exec FOLDER MACHINE COMMAND [ARGUMENT ...]

  build   make everything that machines start from; kept in the user's cache
  up      start the rack, take its hosts to routed nodes, print the result
  test    up, then put the rack through reboots, dead legs and bad tokens
  exec    run a command on infra (leaves, joinsvc) or a host of the rack in FOLDER

RACK_ACCEL=kvm or tcg forces the accelerator, RACK_RECORD=FILE is -record. Flags:
`

// options are the command line's.
type options struct {
	plan    string
	nodes   int
	product string
	keep    bool
	limit   time.Duration
	record  string
	logs    string
}

// errUsage is a command line that cannot be meant.
var errUsage = errors.New("wrong usage")

// run is main without the process: it returns the exit status, 0 for success,
// 1 for a failure, 2 for a call that cannot be meant.
func run(ctx context.Context, args []string, stdout *os.File, stderr io.Writer) int {
	err := dispatch(ctx, args, stdout, stderr)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		fmt.Fprintf(stderr, "rack: %v; see: rack -h\n", err)
		return 2
	}
	fmt.Fprintf(stderr, "rack: %v\n", err)
	return 1
}

func dispatch(ctx context.Context, args []string, stdout *os.File, stderr io.Writer) error {
	name := "up"
	if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
		name, args = args[0], args[1:]
	}
	if name == "exec" {
		return execute(ctx, args, stdout, stderr)
	}
	o, err := parse(name, args, stderr)
	if err != nil {
		return err
	}
	switch name {
	case "build":
		_, err := build(ctx, o, stdout)
		return err
	case "up":
		return up(ctx, o, stdout, false)
	case "test":
		return up(ctx, o, stdout, true)
	}
	return fmt.Errorf("%w: no command %q", errUsage, name)
}

func parse(name string, args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("rack "+name, flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {
		fmt.Fprint(stderr, usage)
		f.PrintDefaults()
	}
	nodes := 3
	if name == "test" {
		nodes = 2
	}
	f.StringVar(&o.plan, "plan", "../docs/examples/k8c1.yaml", "cluster plan")
	f.IntVar(&o.nodes, "nodes", nodes, "how many of the plan's nodes to run, from the first")
	f.StringVar(&o.product, "product", "../out/rpm", "folder with the RPMs of nodeprep and joinsvc (make rpm)")
	f.BoolVar(&o.keep, "keep", false, "keep the rack running until interrupted")
	f.DurationVar(&o.limit, "limit", 0, "how long the way to routed nodes may take at most; 0 waits for as long as something moves")
	f.StringVar(&o.record, "record", os.Getenv("RACK_RECORD"), "file for the stages of the way to routed nodes, JSON")
	f.StringVar(&o.logs, "logs", "../out/rack", "where logs go")
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return o, err
	case err != nil:
		return o, fmt.Errorf("%w: %w", errUsage, err)
	case f.NArg() > 0:
		return o, fmt.Errorf("%w: %q is too much", errUsage, f.Arg(0))
	}
	return o, nil
}
