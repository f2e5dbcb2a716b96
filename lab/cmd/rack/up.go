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

	"github.com/nodeprep/nodeprep/lab/checks"
	"github.com/nodeprep/nodeprep/lab/operator"
	"github.com/nodeprep/nodeprep/lab/rack"
	"github.com/nodeprep/nodeprep/lab/tempo"
	"github.com/nodeprep/nodeprep/lab/vm"
)

// up builds, starts the rack, plays the operator, prints the tables, and ends
// the rack again. With tests the rack is put through the checks as well.
func up(ctx context.Context, o options, out *os.File, tests bool) (err error) {
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
	show, err := newDisplay(out, o.logs)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, show.close()) }()
	accel, speed, err := measure(ctx, parts.image.Kernel, dir, o.nodes, show.board)
	if err != nil {
		return err
	}
	if accel == vm.TCG {
		if cut, err = rack.Slow(cut); err != nil {
			return err
		}
	}
	r, err := rack.Start(parts.config(cut, accel, dir))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return attend(ctx, operator.New(r, operator.Config{Now: time.Now, Report: show.event, Board: show.board, Speed: speed}), o, show, tests)
}

// measure chooses the accelerator, and says how slow this machine is with it and
// what follows.
func measure(ctx context.Context, kernel, dir string, hosts int, board *tempo.Board) (vm.Accel, tempo.Speed, error) {
	accel, why, err := vm.ChooseAccel(ctx, os.Getenv("RACK_ACCEL"), kernel, dir)
	if err != nil {
		return "", tempo.Speed{}, err
	}
	board.Say(fmt.Sprintf("accelerator %s: %s", accel, why))
	speed, err := tempo.Measure(ctx, accel, kernel, dir)
	if err != nil {
		return "", tempo.Speed{}, err
	}
	board.Say(sentence(speed, hosts, time.Now()))
	return accel, speed, nil
}

func sentence(s tempo.Speed, hosts int, now time.Time) string {
	takes := tempo.NewForecast(tempo.Milestones(hosts), s.Pace).End(0)
	return fmt.Sprintf("this machine runs guests %s (other programs take %.0f %% of it); expect routed after %s, at %s",
		tempo.Slowness(s.Pace), 100*s.Others, tempo.About(takes), now.Add(takes).Format("15:04"))
}

func (b built) config(plan []byte, accel vm.Accel, dir string) rack.Config {
	return rack.Config{
		Plan: plan, Disk: b.image.Disk, Kernel: b.image.Kernel, Initrd: b.image.Initrd,
		Packages: b.packages, CalicoManifest: b.manifest, PauseImage: b.pause,
		Accel: accel, Dir: dir,
	}
}

// attend is everything that happens while the rack runs.
func attend(ctx context.Context, op *operator.Operator, o options, show *display, tests bool) error {
	err := toRouted(ctx, op, o, show)
	if err == nil && tests {
		fmt.Fprintln(show.out)
		err = checks.Run(ctx, op, show.out, checks.All())
	}
	if err != nil && ctx.Err() == nil { // who interrupts wants the end of it
		err = errors.Join(err, evidence(op.Rack, o, show.out, err))
	}
	if o.keep && ctx.Err() == nil {
		fmt.Fprintf(show.out, "\nThe rack runs until this is interrupted; its machines' consoles and sockets are in %s.\nLook inside with: bin/rack exec %[1]s MACHINE COMMAND\n", op.Dir())
		<-ctx.Done()
	}
	return err
}

// errLimit is the bound that a caller sets, for a run that nobody waits for.
var errLimit = errors.New("the time of -limit is over")

func toRouted(ctx context.Context, op *operator.Operator, o options, show *display) error {
	if o.limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, o.limit, errLimit)
		defer cancel()
	}
	var result operator.Result
	err := op.Watch(ctx)
	if err == nil {
		result, err = op.Result(ctx)
	}
	show.board.Close()
	if err := errors.Join(err, record(o.record, op.Stages(), err)); err != nil {
		return err
	}
	return errors.Join(result.Print(show.out), result.Err())
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
