// SPDX-License-Identifier: Apache-2.0

package rack

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// reinstall cuts the subject's power and starts it from an untouched disk, with
// a token by which the operator says so. It has to come back as the node that
// it was, with its address and AS number: the leaves expect no other.
func reinstall(ctx context.Context, r *Rack) error {
	h := r.subject()
	before, err := r.status(ctx)
	if err != nil {
		return err
	}
	token, err := r.createToken(ctx, "--reinstalled", "--node", h.FQDN)
	if err != nil {
		return err
	}
	if err := r.handOut(h.Role, token.Token); err != nil {
		return err
	}
	start := r.config.Now()
	if err := r.replace(h.Name); err != nil {
		return err
	}
	err = r.await(ctx, h.Name+" is enrolled again", func(ctx context.Context) (string, error) {
		now, err := r.status(ctx)
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
	err = r.await(ctx, h.Name+" is routed again", func(ctx context.Context) (string, error) {
		return r.routedSince(ctx, h, start)
	})
	if err != nil {
		return err
	}
	after, err := r.status(ctx)
	if err != nil {
		return err
	}
	return sameNodes(before, after)
}

// createToken is the operator's `joinsvc token create`.
func (r *Rack) createToken(ctx context.Context, args ...string) (joinapi.Token, error) {
	var token joinapi.Token
	out, err := r.Run(ctx, infraMachine, append([]string{"joinsvc", "token", "create", "-o", "json"}, args...)...)
	if err != nil {
		return token, err
	}
	if err := json.Unmarshal(out.Stdout, &token); err != nil {
		return token, fmt.Errorf("reading the token that joinsvc made: %w", err)
	}
	return token, nil
}

// replace kills a machine and starts another on the same cables. Disks are
// overlays that go with their machine, so it starts as the first one did.
func (r *Rack) replace(name string) error {
	old, err := r.vm(name)
	if err != nil {
		return err
	}
	old.Kill()
	fresh, err := old.Start(r.group)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.machines[name] = fresh
	return nil
}
