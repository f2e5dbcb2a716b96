// SPDX-License-Identifier: Apache-2.0

package checks

import (
	"context"
)

// reinstall cuts the subject's power and starts it from an untouched disk, with
// a token by which the operator says so. It has to come back as the node that
// it was, with its address and AS number: the leaves expect no other.
func reinstall(ctx context.Context, r Trial) error {
	h := r.Subject()
	before, err := r.Status(ctx)
	if err != nil {
		return err
	}
	token, err := r.CreateToken(ctx, "--reinstalled", "--node", h.FQDN)
	if err != nil {
		return err
	}
	if err := r.HandOut(h.Role, token.Token); err != nil {
		return err
	}
	start := r.Now()
	if err := r.Replace(h.Name); err != nil {
		return err
	}
	err = r.Await(ctx, h.Name+" is enrolled again", func(ctx context.Context) (string, error) {
		now, err := r.Status(ctx)
		switch {
		case err != nil:
			return err.Error(), nil
		case sameNodes(before, now) == nil:
			return "joinsvc has not heard of it yet", nil
		}
		return "", nil
	})
	if err != nil {
		return err
	}
	err = r.Await(ctx, h.Name+" is routed again", func(ctx context.Context) (string, error) {
		return r.routedSince(ctx, h, start)
	})
	if err != nil {
		return err
	}
	after, err := r.Status(ctx)
	if err != nil {
		return err
	}
	return sameNodes(before, after)
}
