// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/nodeprep/nodeprep/lab/rack"
	"github.com/nodeprep/nodeprep/lab/vm"
)

// up builds, starts the rack, plays the operator, prints the tables, and ends
// the rack again. With checks the rack is put through them as well.
func up(ctx context.Context, o options, out io.Writer, checks bool) (err error) {
	document, err := os.ReadFile(o.plan)
	if err != nil {
		return fmt.Errorf("reading the plan: %w", err)
	}
	cut, err := rack.Cut(document, o.nodes)
	if err != nil {
		return err
	}
	parts, err := build(ctx, o, out)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "rack") // short: unix sockets lie in it
	if err != nil {
		return fmt.Errorf("making the rack's folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	accel, why, err := vm.ChooseAccel(ctx, os.Getenv("RACK_ACCEL"), parts.image.Kernel, dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "accelerator %s: %s\n", accel, why)
	r, err := rack.Start(parts.config(cut, accel, dir, out))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return attend(ctx, r, o, out, checks)
}

func (b built) config(plan []byte, accel vm.Accel, dir string, out io.Writer) rack.Config {
	return rack.Config{
		Plan: plan, Disk: b.image.Disk, Kernel: b.image.Kernel, Initrd: b.image.Initrd,
		Packages: b.packages, CalicoManifest: b.manifest, PauseImage: b.pause,
		Accel: accel, Dir: dir, Now: time.Now,
		Report: func(line string) { fmt.Fprintln(out, line) },
	}
}

// attend is everything that happens while the rack runs.
func attend(ctx context.Context, r *rack.Rack, o options, out io.Writer, checks bool) error {
	err := toRouted(ctx, r, o, out)
	if err == nil && checks {
		fmt.Fprintln(out)
		err = r.Verify(ctx, out, rack.Checks())
	}
	if err != nil && ctx.Err() == nil { // who interrupts wants the end of it
		err = errors.Join(err, evidence(r, o, out, err))
	}
	if o.keep && ctx.Err() == nil {
		fmt.Fprintf(out, "\nThe rack runs until this is interrupted; its machines' consoles and sockets are in %s.\nLook inside with: bin/rack exec %[1]s MACHINE COMMAND\n", r.Dir())
		<-ctx.Done()
	}
	return err
}

func toRouted(ctx context.Context, r *rack.Rack, o options, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	if err := r.Watch(ctx); err != nil {
		return err
	}
	result, err := r.Result(ctx)
	if err != nil {
		return err
	}
	return errors.Join(result.Print(out), result.Err())
}

// evidence saves logs while the machines still run. It has its own time: the
// run's may be what is over.
func evidence(r *rack.Rack, o options, out io.Writer, cause error) error {
	fmt.Fprintf(out, "\nFAILED: %v\n", cause)
	dir, err := filepath.Abs(filepath.Join(o.logs, time.Now().UTC().Format("20060102-150405")))
	if err != nil {
		return err
	}
	return r.Collect(context.Background(), dir, out)
}
