// SPDX-License-Identifier: Apache-2.0

// Command soak repeats a run of the lab while one processor is kept busy beside
// it: `make soak`.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/nodeprep/nodeprep/lab/soak"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// errUsage is a command line that cannot be meant.
var errUsage = errors.New("wrong usage")

// run is main without the process: 0 when all runs passed, 1 when not, 2 for a
// call that cannot be meant.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	err := dispatch(ctx, args, stdout, stderr)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		fmt.Fprintf(stderr, "soak: %v; see: soak -h\n", err)
		return 2
	}
	fmt.Fprintf(stderr, "soak: %v\n", err)
	return 1
}

func dispatch(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	c := soak.Config{Now: time.Now, Out: stdout}
	var burn bool
	f := flag.NewFlagSet("soak", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {
		fmt.Fprint(stderr, "usage: soak [flags] -- COMMAND [ARGUMENT ...]\n\nRepeats COMMAND, which writes its record to the file in RACK_RECORD. Flags:\n")
		f.PrintDefaults()
	}
	f.IntVar(&c.Runs, "runs", 5, "how often")
	f.DurationVar(&c.Limit, "limit", 2*time.Hour, "how long one run may take at most")
	f.StringVar(&c.Dir, "out", "out/soak", "folder for the record and the runs' logs")
	quiet := f.Bool("quiet", false, "keep no processor busy")
	f.BoolVar(&burn, "burn", false, "be the program that keeps one processor busy, until it is killed")
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if burn {
		return keepBusy(ctx)
	}
	if c.Command = f.Args(); len(c.Command) == 0 || c.Runs < 1 {
		return fmt.Errorf("%w: a command and at least one run are needed", errUsage)
	}
	var err error
	if c.Dir, err = filepath.Abs(c.Dir); err != nil { // the command may run elsewhere
		return fmt.Errorf("naming the folder of the record: %w", err)
	}
	if !*quiet {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("looking for the program that keeps a processor busy: %w", err)
		}
		c.Busy = []string{self, "-burn"}
	}
	return soak.Soak(ctx, c)
}

// keepBusy takes all of one processor, as `stress-ng --cpu 1` does, in sums that
// nobody reads. It ends with the soak that started it, however that ended.
func keepBusy(ctx context.Context) error {
	runtime.GOMAXPROCS(1)
	parent := os.Getppid()
	for sum := uint64(1); ctx.Err() == nil && os.Getppid() == parent; {
		for range 1 << 20 {
			sum = sum*6364136223846793005 + 1442695040888963407 // Knuth, MMIX
		}
		runtime.KeepAlive(sum)
	}
	return nil
}
