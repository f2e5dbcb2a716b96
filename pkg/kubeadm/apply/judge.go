// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/nodeprep/nodeprep/pkg/retry"
)

// notYetError is what the server will serve, and does not yet.
type notYetError struct{ err error }

func (e notYetError) Error() string { return e.err.Error() }
func (e notYetError) Unwrap() error { return e.err }

// judge tells what passes from what does not, for one step.
type judge struct {
	client *Client
	// settled counts refusals that a server gave which called itself ready.
	settled int
}

func (j *judge) verdict(ctx context.Context, err error) retry.Verdict {
	var refused *StatusError
	var soon notYetError
	again := retry.Verdict{Again: true}
	switch {
	case errors.As(err, &soon), retry.Network(err):
		return again
	case !errors.As(err, &refused):
		return retry.Verdict{Again: errors.Is(err, errUnserved) && j.starting(ctx)}
	}
	again.Floor = refused.RetryAfter
	switch code := refused.Code; {
	// Conflict is another writer at the same moment: force takes fields over,
	// not the object's version.
	case code == http.StatusTooManyRequests, code >= http.StatusInternalServerError,
		code == http.StatusConflict, code == http.StatusRequestTimeout,
		slices.Contains(refused.Causes, "NamespaceTerminating"):
		return again
	case code == http.StatusUnauthorized, code == http.StatusForbidden, code == http.StatusNotFound:
		again.Again = j.starting(ctx)
		return again
	}
	return retry.Verdict{}
}

// starting tells whether the server may take its word back. One that has just
// started refuses the administrator, since it knows no roles yet, and misses
// what it has not read yet; it says so by not being ready. The second refusal
// of a server that is ready counts.
func (j *judge) starting(ctx context.Context) bool {
	if err := j.client.call(ctx, http.MethodGet, "/readyz", nil, nil); err != nil {
		j.settled = 0
		return true
	}
	j.settled++
	return j.settled < 2
}

// missing tells whether the server does not know what was asked for.
func missing(err error) bool {
	var refused *StatusError
	return errors.Is(err, errUnserved) || errors.As(err, &refused) && refused.Code == http.StatusNotFound
}
