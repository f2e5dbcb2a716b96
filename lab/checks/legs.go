// SPDX-License-Identifier: Apache-2.0

package checks

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"github.com/nodeprep/nodeprep/lab/rack"
)

// deadLeg pulls the subject's second cable and puts it back.
func deadLeg(ctx context.Context, r Trial) error {
	h := r.Subject()
	leg := h.Legs[len(h.Legs)-1].Name
	if err := r.SetLink(ctx, h.Name, leg, false); err != nil {
		return err
	}
	err := r.bondSays(ctx, h, "degraded", leg+": no carrier")
	if err == nil {
		err = r.Await(ctx, "the sessions live on one leg", r.fabricIsRight)
	}
	if err := errors.Join(err, r.SetLink(ctx, h.Name, leg, true)); err != nil {
		return err
	}
	return r.bondSays(ctx, h, "is up")
}

// deadBond pulls every cable; a run has to fail and name the legs. The host is
// still reached over its provisioning card.
func deadBond(ctx context.Context, r Trial) error {
	h := r.Subject()
	var names []string
	var errs []error
	for _, leg := range h.Legs {
		names = append(names, leg.Name+": no carrier")
		errs = append(errs, r.SetLink(ctx, h.Name, leg.Name, false))
	}
	errs = append(errs, r.bondSays(ctx, h, "failed"), r.refused(ctx, h.Name, []string{"nodeprep", "run"}, names...))
	for _, leg := range h.Legs {
		errs = append(errs, r.SetLink(ctx, h.Name, leg.Name, true))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return r.mended(ctx, h)
}

// mended waits until h is whole again, and has a run find nothing to do. The
// legs are bundled anew, whether or not the sessions outlived the cut. A leaf
// knows of a session before joinsvc does, which has to ask calico-node, and a
// run between the two waits, and says so.
func (r Trial) mended(ctx context.Context, h rack.Host) error {
	if err := r.bondSays(ctx, h, "is up"); err != nil {
		return err
	}
	err := r.Await(ctx, h.Name+" is routed again", func(ctx context.Context) (string, error) {
		if why, err := r.fabricIsRight(ctx); why != "" || err != nil {
			return why, err
		}
		return r.routed(ctx, h)
	})
	if err != nil {
		return err
	}
	out, err := r.Run(ctx, h.Name, "nodeprep", "run", "--json")
	if err != nil {
		return err
	}
	return unchanged(out.Stdout)
}

// bondSays waits until `nodeprep status` on the host has all of want.
func (r Trial) bondSays(ctx context.Context, h rack.Host, want ...string) error {
	return r.Await(ctx, h.Name+" says "+strings.Join(want, ", "), func(ctx context.Context) (string, error) {
		out, err := r.Run(ctx, h.Name, "nodeprep", "status")
		if err != nil {
			return err.Error(), nil
		}
		for _, w := range want {
			if !bytes.Contains(out.Stdout, []byte(w)) {
				return "nodeprep status says: " + string(out.Stdout), nil
			}
		}
		return "", nil
	})
}
