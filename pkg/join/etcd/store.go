// SPDX-License-Identifier: Apache-2.0

// Package etcd keeps joinsvc's records in etcd, embedded in the process or not.
package etcd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/nodeprep/nodeprep/pkg/join"
)

// Between two attempts of a transaction lies a time that grows from firstPause
// to lastPause, half of it by chance: among n writers of one key somebody
// succeeds in every round, and the others must not meet in the next one again.
// patience is shorter than what joinsvc's HTTP server gives an answer.
const (
	firstPause = 2 * time.Millisecond
	lastPause  = 250 * time.Millisecond
	patience   = 15 * time.Second
)

// ErrContended means that others changed what a transaction had read, time and
// again.
var ErrContended = errors.New("others kept changing what the transaction read")

// Store is a join.Store. All its keys begin with prefix.
type Store struct {
	kv     clientv3.KV
	prefix string
}

// New keeps the records of the named cluster under /nodeprep/<cluster>/.
func New(kv clientv3.KV, cluster string) *Store {
	return &Store{kv: kv, prefix: "/nodeprep/" + cluster + "/"}
}

// Update implements join.Store by etcd's compare-and-swap: If every key that
// was read has the revision it had, Then put. See etcd's API reference, Txn.
func (s *Store) Update(ctx context.Context, fn func(join.Tx) error) error {
	pauses := &backoff.ExponentialBackOff{
		InitialInterval: firstPause, MaxInterval: lastPause, Multiplier: 2, RandomizationFactor: 0.5,
	}
	_, err := backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, s.attempt(ctx, fn) },
		backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(patience))
	if errors.Is(err, ErrContended) {
		return &join.UnavailableError{Err: fmt.Errorf("committing to etcd for %v: %w", patience, err)}
	}
	return err
}

// attempt returns ErrContended when it may be repeated; whatever else it
// returns is permanent.
func (s *Store) attempt(ctx context.Context, fn func(join.Tx) error) error {
	t := newTx(ctx, s)
	err := fn(t)
	if err == nil {
		err = t.commit()
	}
	switch {
	case err == nil:
		return nil
	case t.outdated, errors.Is(err, errChanged):
		return ErrContended
	default:
		return backoff.Permanent(err)
	}
}

// classify says of an error of etcd whether it may pass, and whose context
// ended it. Out of space is ResourceExhausted too, and does not pass.
func classify(ctx context.Context, err error) error {
	if over := ctx.Err(); over != nil && !errors.Is(err, over) {
		err = fmt.Errorf("%w: %w", over, err)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, rpctypes.ErrNoSpace) {
		return err
	}
	switch code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted, codes.Canceled:
		return &join.UnavailableError{Err: err}
	default:
		return err
	}
}

// code is that of gRPC, whichever of its three forms the client gave the error.
func code(err error) codes.Code {
	var e rpctypes.EtcdError
	switch {
	case errors.As(err, &e):
		return e.Code()
	case errors.Is(err, context.DeadlineExceeded):
		return codes.DeadlineExceeded
	default:
		return status.Code(err)
	}
}
