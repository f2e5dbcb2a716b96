// SPDX-License-Identifier: Apache-2.0

package checks

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/nodeprep/nodeprep/lab/rack"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

func usedToken(ctx context.Context, r Trial) error {
	return r.refusedByBoth(ctx, stranger(r.Token()), enrolmentRefused, string(joinapi.CodeUnauthorized))
}

func wrongSecret(ctx context.Context, r Trial) error {
	t, err := joinapi.ParseToken(r.Token())
	if err != nil {
		return err
	}
	t.Secret = strings.Repeat("A", len(t.Secret))
	return r.refusedByBoth(ctx, stranger(t.String()), enrolmentRefused, string(joinapi.CodeUnauthorized))
}

// stranger is an enrolment with that token and a key that nobody has seen, in
// an empty state folder.
func stranger(token string) []string {
	return []string{"sh", "-c", `rm -rf /run/stranger; NODEPREP_TOKEN=$1 nodeprep run --stateDir /run/stranger`, "sh", token}
}

// anotherNode runs nodeprep on the subject with the key and certificate of the
// first host, as a disk that was cloned brings them along.
func anotherNode(ctx context.Context, r Trial) error {
	original := r.Hosts[0]
	if original.Name == r.Subject().Name {
		return fmt.Errorf("%w: a rack of one host has no other node", ErrCheck)
	}
	const pack = `tar -C /var/lib/nodeprep -c node.key enrolment.json | base64 -w 0`
	state, err := r.Run(ctx, original.Name, "sh", "-c", pack)
	if err != nil {
		return err
	}
	const clone = `trap 'rm -rf /run/clone' EXIT; mkdir -m 700 /run/clone; printf %s "$1" | base64 -d | tar -C /run/clone -x; nodeprep run --stateDir /run/clone`
	return r.refusedByBoth(ctx, []string{"sh", "-c", clone, "sh", string(state.Stdout)}, "other hardware",
		string(joinapi.CodeForbidden), "shows the certificate of "+original.FQDN)
}

// enrolmentRefused is what joinsvc logs of an enrolment.
const enrolmentRefused = "enrolment refused"

// refusedByBoth runs argv on the subject. It has to fail and say all of want;
// joinsvc has to log a line that has logs in it, and nothing may change.
func (r Trial) refusedByBoth(ctx context.Context, argv []string, logs string, want ...string) error {
	before, err := r.Status(ctx)
	if err != nil {
		return err
	}
	logged, err := r.logged(ctx, logs)
	if err != nil {
		return err
	}
	if err := r.refused(ctx, r.Subject().Name, argv, want...); err != nil {
		return err
	}
	now, err := r.logged(ctx, logs)
	if err != nil {
		return err
	}
	if now <= logged {
		return fmt.Errorf("%w: joinsvc did not log %q", ErrCheck, logs)
	}
	after, err := r.Status(ctx)
	if err != nil {
		return err
	}
	return sameNodes(before, after)
}

// logged counts how often joinsvc's journal has text.
func (r Trial) logged(ctx context.Context, text string) (int, error) {
	out, err := r.Run(ctx, rack.Infra, "journalctl", "--no-pager", "-u", "joinsvc")
	return bytes.Count(out.Stdout, []byte(text)), err
}

func sameNodes(before, after joinapi.Status) error {
	for i, n := range before.Nodes {
		a := after.Nodes[i]
		if n.Phase != a.Phase || n.ASN != a.ASN || n.Address != a.Address {
			return fmt.Errorf("%w: %s was %s %s %d and is %s %s %d", ErrCheck,
				n.Name, n.Phase, n.Address, n.ASN, a.Phase, a.Address, a.ASN)
		}
	}
	return nil
}

// foreignToken names the CA of another joinsvc: the host has to walk away
// before it has said anything.
func foreignToken(ctx context.Context, r Trial) error {
	t, err := joinapi.ParseToken(r.Token())
	if err != nil {
		return err
	}
	t.CA = strings.Repeat("0f", len(t.CA)/2)
	return r.refused(ctx, r.Subject().Name, stranger(t.String()), "CA")
}
