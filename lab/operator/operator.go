// SPDX-License-Identifier: Apache-2.0

// Package operator is who stands before a rack: makes the enrolment tokens when
// joinsvc serves, puts a pod on every node, watches how far the hosts get, and
// reads the result from joinsvc, the cluster and the leaves. It does nothing
// that an operator could not, and package tempo tells it how long to wait.
package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nodeprep/nodeprep/lab/rack"
	"github.com/nodeprep/nodeprep/lab/tempo"
	"github.com/nodeprep/nodeprep/lab/vm"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// What ends a wait before it is over.
var (
	ErrMachine = errors.New("a machine of the rack has stopped")
	ErrNode    = errors.New("a node has failed")
	ErrStalled = errors.New("nothing moves any more")
)

const (
	// pollInterval keeps the operator's own commands a small part of an
	// emulated processor's time on the reference machine; a slower one is asked
	// less often.
	pollInterval = 8 * time.Second
	// glance bounds one look at a guest whose agent may not be up yet, on the
	// reference machine.
	glance = 20 * time.Second
	// patience is how long nothing may move on the reference machine. It is
	// longer than the five minutes after which an API server that cannot make
	// its priority levels ends itself, and starts again.
	patience = 8 * time.Minute
)

// Operator attends one rack.
type Operator struct {
	*rack.Rack
	Now func() time.Time

	pause     time.Duration // between two looks
	usage     func(pids []int) (tempo.Usage, error)
	clock     *tempo.Clock
	patience  *tempo.Patience
	novelty   tempo.Novelty
	outlook   *outlook
	board     *tempo.Board
	installed map[string]bool // machines whose kickstart is done
	journals  time.Time       // when the hosts' journals were last read
	token     string          // that the subject enrolled with; known once Watch has made it
}

// Config is what an operator knows of the machine that the rack runs on.
type Config struct {
	Now    func() time.Time
	Report func(line string) // every event, a line each
	Board  *tempo.Board      // what people see
	Speed  tempo.Speed       // as it was measured before the rack was started
}

// New begins to count the time of a rack that was just started.
func New(r *rack.Rack, c Config) *Operator {
	o := &Operator{
		Rack: r, Now: c.Now, pause: pollInterval, usage: tempo.ReadUsage, board: c.Board, installed: map[string]bool{},
		clock:    tempo.NewClock(c.Now, c.Report),
		patience: tempo.NewPatience(c.Now, patience),
		outlook:  newOutlook(tempo.Milestones(len(r.Hosts)), c.Speed),
	}
	o.patience.Scale(c.Speed.Pace)
	return o
}

// Token is what the subject enrolled with.
func (o *Operator) Token() string { return o.token }

// Stages are those reached so far.
func (o *Operator) Stages() []tempo.Stage { return o.clock.Stages() }

// Subject is the host that is put through things: the last of the plan, a
// worker in every rack of more than one host.
func (o *Operator) Subject() rack.Host { return o.Hosts[len(o.Hosts)-1] }

// Patient is a time on the reference machine, on this one; never less.
func (o *Operator) Patient(d time.Duration) time.Duration {
	return time.Duration(float64(d) * max(1, o.outlook.forecast.Pace()))
}

// Await calls try until it returns neither a reason to wait nor an error. It
// gives up when nothing has moved for a while: neither the reason, nor a
// machine's console, nor joinsvc's account of a node, nor a host's journal.
// How often it asked has no part in that.
func (o *Operator) Await(ctx context.Context, what string, try func(context.Context) (why string, err error)) error {
	o.patience.Progress("the wait until " + what + " began")
	why := "nothing was tried"
	for {
		if err := o.healthy(ctx); err != nil {
			return err
		}
		got, err := try(ctx)
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("waiting until %s: %s: %w", what, why, context.Cause(ctx))
		case err != nil:
			return err
		case got == "":
			return nil
		}
		why = got
		o.heard("the reason to wait", why)
		o.listen(ctx)
		o.look(why)
		if err := o.patience.Err(); err != nil {
			return fmt.Errorf("%w: waiting until %s: %s: %w", ErrStalled, what, why, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(o.Patient(o.pause)):
		}
	}
}

// Status is joinsvc's own account of the nodes.
func (o *Operator) Status(ctx context.Context) (joinapi.Status, error) {
	var s joinapi.Status
	out, err := o.Run(ctx, rack.Infra, "joinsvc", "status", "-o", "json")
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(out.Stdout, &s); err != nil {
		return s, fmt.Errorf("reading joinsvc's status: %w", err)
	}
	return s, nil
}

// CreateToken is `joinsvc token create`.
func (o *Operator) CreateToken(ctx context.Context, args ...string) (joinapi.Token, error) {
	var token joinapi.Token
	out, err := o.Run(ctx, rack.Infra, append([]string{"joinsvc", "token", "create", "-o", "json"}, args...)...)
	if err != nil {
		return token, err
	}
	if err := json.Unmarshal(out.Stdout, &token); err != nil {
		return token, fmt.Errorf("reading the token that joinsvc made: %w", err)
	}
	return token, nil
}

// Kube runs a command on the first control plane with the administrator's
// access to the cluster.
func (o *Operator) Kube(ctx context.Context, argv ...string) (vm.Output, error) {
	plane, err := o.controlPlane()
	if err != nil {
		return vm.Output{}, err
	}
	return o.Run(ctx, plane, append([]string{"env", "KUBECONFIG=/etc/kubernetes/admin.conf"}, argv...)...)
}
