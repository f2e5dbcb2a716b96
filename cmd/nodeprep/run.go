// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/nodeprep/nodeprep/pkg/bootstrap"
	"github.com/nodeprep/nodeprep/pkg/identity"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/phase"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

func (here edges) newRun() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Bring this host to its plan and join the cluster",
		Long: `run plans each phase, makes its changes, and plans again: what is then left is
an error. A second run of a finished host changes nothing. One run at a time: a
second one waits two minutes for the end of the first, and is refused then.

It goes on when the terminal or the connection that it was started from goes; end
it with Ctrl-C or SIGTERM. What others cannot do now is waited for and said, and
the next run goes on where this one stopped. A queue of joinsvc, and a node that
waits for its first pod to be routed, are waited for as long as it takes.

With --dry-run it prints what it would change and stops; phases that depend on
outstanding changes are shown as unknown instead of guessed at.

The exit status is 0 when this host is as planned, or a dry run has said what it
lacks; 1 when a phase failed; 2 for a call that cannot be meant; and 78 for such a
configuration, after which nodeprep.service does not try again.`,
		Example: "  nodeprep run\n  nodeprep run --dry-run\n  nodeprep run --json | jq -r .change",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmdline := here.commandLine()
			c, err := loadConfig(cmd.Flags(), cmdline)
			if err != nil {
				return err
			}
			say := func(note string) { cmd.PrintErrln("nodeprep: " + note) }
			if !o.dryRun {
				defer outlive()()
				unlock, err := c.lock(cmd.Context(), say)
				if err != nil {
					return err
				}
				defer unlock()
				note, err := c.takeToken(cmdline)
				if err != nil {
					return err
				}
				if note != "" {
					say(note)
				}
			}
			if err := c.checkToken(); err != nil {
				return err
			}
			return here.converge(cmd.Context(), c, o, cmd.OutOrStdout())
		},
	}
	addConfigFlags(cmd.Flags())
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "print what would change and stop")
	cmd.Flags().BoolVar(&o.json, "json", false, "print one JSON object an event")
	return cmd
}

// outlive has a run go on when its terminal or the reader of its output goes: a
// run rebuilds the very network over which somebody may have started it. Its end
// is in `nodeprep status` then. SIGHUP is ignored so that dnf and kubeadm, which
// the terminal's end would reach as well, ignore it too; SIGPIPE is caught, since
// what ignores it would hand that on to scriptlets that count on it.
func outlive() (stop func()) {
	gone := make(chan os.Signal, 1)
	signal.Ignore(syscall.SIGHUP)
	signal.Notify(gone, syscall.SIGPIPE)
	return func() {
		signal.Stop(gone)
		signal.Reset(syscall.SIGHUP)
	}
}

type runOptions struct{ dryRun, json bool }

// converge runs every phase and closes with one line that says what it did.
func (here edges) converge(ctx context.Context, c config, o runOptions, out io.Writer) error {
	history := newHistory(c.StateDir, !o.dryRun)
	show := textReporter(out)
	if o.json {
		show = jsonReporter(out)
	}
	p := &passage{edges: here, config: c, dry: o.dryRun, local: tee(show, history.add)}
	p.show = p.local
	result, err := p.all(ctx)
	if saveErr := history.save(err); saveErr != nil {
		err = errors.Join(err, saveErr)
	}
	p.close(result, err)
	return err
}

// passage is one run of this host's phases.
type passage struct {
	edges
	config config
	dry    bool
	local  reporter // people and the last run's file
	show   reporter // local, and joinsvc once it can be told
	// forward is set once joinsvc can be told, in a run that is not dry.
	forward *forwarder
}

func (p *passage) all(ctx context.Context) (phase.Result, error) {
	if p.config.Plan != "" {
		return p.standalone(ctx)
	}
	enrolment := p.enrolment()
	result, err := p.phases(ctx, []phase.Phase{enrolment.Phase()})
	if err != nil {
		return result, err
	}
	if p.dry && result.Changes > 0 {
		if p.config.Token == "" {
			p.note(noToken + "; without one, a run fails here")
		}
		p.note("the rest of the plan is known after enrolment")
		return result, nil
	}
	more, err := p.enrolled(ctx, enrolment.Store)
	more.Changes += result.Changes
	return more, err
}

// standalone prepares the host from a plan on its own disk and stops there.
func (p *passage) standalone(ctx context.Context) (phase.Result, error) {
	cluster, report, err := plan.Load(p.config.Plan)
	if err != nil {
		return phase.Result{}, err
	}
	for _, w := range report.Warnings() {
		p.note(w.String())
	}
	if err := report.Err(); err != nil {
		return phase.Result{}, fmt.Errorf("%s: %w", p.config.Plan, err)
	}
	host, err := cluster.HostPlan(p.config.Node)
	if err != nil {
		return phase.Result{}, err
	}
	return p.host(ctx, host, nil)
}

const noToken = "no token is set; make one with `joinsvc token create` and put it into " + defaultConfigFile

func (p *passage) enrolment() bootstrap.Enrolment {
	e := bootstrap.Enrolment{
		Store: identity.Store{Dir: p.config.StateDir},
		URL:   p.config.Joinsvc,
		Now:   time.Now,
		Ask: func(ctx context.Context, key crypto.Signer) (joinapi.EnrolResponse, error) {
			if p.config.Token == "" {
				return joinapi.EnrolResponse{}, errors.New(noToken)
			}
			id, err := identity.Hardware(string(p.root))
			if err != nil {
				return joinapi.EnrolResponse{}, err
			}
			return joinapi.Enrol(ctx, p.config.Joinsvc, p.config.Token, key, id)
		},
	}
	if p.config.Token != "" { // without one nothing can be done about it here
		e.Known = func(ctx context.Context) error {
			_, err := p.askView(ctx, p.config.Joinsvc, e.Store)
			return err
		}
	}
	return e
}

// enrolled asks joinsvc for this host's part of the plan and goes through it.
func (p *passage) enrolled(ctx context.Context, store identity.Store) (phase.Result, error) {
	id, err := identity.Hardware(string(p.root))
	if err != nil {
		return phase.Result{}, err
	}
	client, err := store.Client(p.config.Joinsvc, id)
	if err != nil {
		return phase.Result{}, err
	}
	p.tell(ctx, client)
	var host plan.HostPlan
	fetch := bootstrap.Fetch(client, func(h plan.HostPlan) { host = h })
	result, err := p.phases(ctx, []phase.Phase{fetch})
	if bootstrap.Disowns(err) && p.config.Token == "" {
		err = fmt.Errorf("%w; to enrol this host anew: %s", err, noToken)
	}
	if err != nil {
		return result, err
	}
	return p.host(ctx, host, client)
}

// tell lets joinsvc know of what follows. A dry run tells nobody.
func (p *passage) tell(ctx context.Context, client *joinapi.Client) {
	if p.dry {
		return
	}
	p.forward = newForwarder(ctx, client.Report)
	p.show = tee(p.show, p.forward.add)
}

// host goes through every phase, the last ones only with a coordinator.
func (p *passage) host(ctx context.Context, h plan.HostPlan, client *joinapi.Client) (phase.Result, error) {
	machine, err := p.machine(ctx)
	if err != nil {
		return phase.Result{}, err
	}
	defer machine.Close()
	phases := bootstrap.Host(h, machine)
	if client != nil {
		phases = append(phases, bootstrap.Join(h, client, machine)...)
	}
	return p.phases(ctx, phases)
}

func (p *passage) phases(ctx context.Context, phases []phase.Phase) (phase.Result, error) {
	runner := phase.Runner{Report: p.show, Now: time.Now}
	if p.dry {
		return runner.DryRun(ctx, phases)
	}
	return runner.Run(ctx, phases)
}

// closing is the phase of what is said of a run as a whole.
const closing = "run"

func (p *passage) note(message string) {
	p.show(phase.Event{Time: time.Now(), Phase: closing, Kind: phase.Noted, Message: message})
}

// close says in one line what the run did, and waits for joinsvc to take it, but
// not long.
func (p *passage) close(result phase.Result, err error) {
	e := phase.Event{Time: time.Now(), Phase: closing, Kind: phase.Done}
	switch {
	case err != nil:
		e.Kind, e.Message = phase.Failed, err.Error()
	case p.dry && result.Changes+len(result.Unknown) > 0:
		e.Message = fmt.Sprintf("dry run: %d change(s) outstanding, %d phase(s) not known yet", result.Changes, len(result.Unknown))
	case result.Changes == 0:
		e.Message = "no change: this host is as planned"
	default:
		e.Message = fmt.Sprintf("%d change(s) made", result.Changes)
	}
	p.local(e)
	if p.forward != nil {
		p.forward.close(e)
	}
}
