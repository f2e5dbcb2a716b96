// SPDX-License-Identifier: Apache-2.0

package etcd_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/nodeprep/nodeprep/pkg/join"
	"github.com/nodeprep/nodeprep/pkg/join/etcd"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// sick is an etcd whose reads or commits fail.
type sick struct {
	clientv3.KV
	read   func(serializable bool) error
	commit error
}

func (s sick) Get(ctx context.Context, key string, opts ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	if s.read != nil {
		if err := s.read(clientv3.OpGet(key, opts...).IsSerializable()); err != nil {
			return nil, err
		}
	}
	return s.KV.Get(ctx, key, opts...)
}

func (s sick) Txn(ctx context.Context) clientv3.Txn {
	if s.commit == nil {
		return s.KV.Txn(ctx)
	}
	return failing{s.commit}
}

type failing struct{ err error }

func (f failing) If(...clientv3.Cmp) clientv3.Txn        { return f }
func (f failing) Then(...clientv3.Op) clientv3.Txn       { return f }
func (f failing) Else(...clientv3.Op) clientv3.Txn       { return f }
func (f failing) Commit() (*clientv3.TxnResponse, error) { return nil, f.err }

func touch(tx join.Tx) error {
	_, err := tx.Get("a")
	tx.Put("a", []byte("1"))
	return err
}

// What etcd cannot do now is told as such, with a time to come again; what it
// cannot do at all is not.
func TestWhatMayPass(t *testing.T) {
	e := start(t, t.TempDir())
	t.Cleanup(func() { _ = e.Close() })
	for name, tt := range map[string]struct {
		err    error
		passes bool
	}{
		"request timed out":         {rpctypes.ErrTimeout, true},
		"leader failed":             {rpctypes.ErrTimeoutDueToLeaderFail, true},
		"connection lost":           {rpctypes.ErrTimeoutDueToConnectionLost, true},
		"applied too late":          {rpctypes.ErrTimeoutWaitAppliedIndex, true},
		"too many requests":         {rpctypes.ErrTooManyRequests, true},
		"no leader":                 {rpctypes.ErrNoLeader, true},
		"leader changed":            {rpctypes.ErrLeaderChanged, true},
		"stopped":                   {rpctypes.ErrStopped, true},
		"as gRPC has it":            {status.Error(codes.Unavailable, "connection refused"), true},
		"etcd's own deadline":       {context.DeadlineExceeded, true},
		"another member's deadline": {rpctypes.ErrGRPCDeadlineExceeded, true},
		"no space":                  {rpctypes.ErrNoSpace, false},
		"corrupt":                   {rpctypes.ErrCorrupt, false},
		"too large":                 {rpctypes.ErrRequestTooLarge, false},
	} {
		for where, kv := range map[string]clientv3.KV{
			"reading": sick{KV: e.Client(), read: func(bool) error { return tt.err }}, "committing": sick{KV: e.Client(), commit: tt.err},
		} {
			err := etcd.New(kv, "k8c1").Update(t.Context(), touch)
			var unavailable *join.UnavailableError
			if errors.As(err, &unavailable) != tt.passes || !errors.Is(err, tt.err) {
				t.Errorf("%s, %s: %v; passes: %v", name, where, err, tt.passes)
			}
			var answer *joinapi.Error
			if tt.passes && (!errors.As(err, &answer) || answer.Code != joinapi.CodeUnavailable || answer.RetryAfter < time.Second) {
				t.Errorf("%s, %s: a host is told %+v", name, where, answer)
			}
		}
	}
}

// The deadline of whoever asks is nothing that the store did, but may pass too.
func TestDeadlineOfTheAsker(t *testing.T) {
	e := start(t, t.TempDir())
	t.Cleanup(func() { _ = e.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	err := etcd.New(e.Client(), "k8c1").Update(ctx, touch)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// Reads after the first ask any member for the same revision; one that has not
// come so far sends them to the others.
func TestReadsOfAMemberThatLags(t *testing.T) {
	e := start(t, t.TempDir())
	t.Cleanup(func() { _ = e.Close() })
	reads := map[bool]int{}
	kv := sick{KV: e.Client(), read: func(serializable bool) error {
		if reads[serializable]++; serializable {
			return rpctypes.ErrFutureRev
		}
		return nil
	}}
	err := etcd.New(kv, "k8c1").Update(t.Context(), func(tx join.Tx) error {
		_, first := tx.Get("a")
		_, second := tx.Get("b")
		return errors.Join(first, second)
	})
	if err != nil || reads[true] != 1 || reads[false] != 2 {
		t.Errorf("read %v, %v; want one read of the member, and two of the cluster", reads, err)
	}
}

// A compaction between two reads takes the revision away; the next attempt has
// another.
func TestCompactedMeanwhile(t *testing.T) {
	e := start(t, t.TempDir())
	t.Cleanup(func() { _ = e.Close() })
	s, runs := etcd.New(e.Client(), "k8c1"), 0
	err := s.Update(t.Context(), func(tx join.Tx) error {
		if _, err := tx.Get("a"); err != nil {
			return err
		}
		if runs++; runs == 1 {
			if err := s.Update(t.Context(), touch); err != nil {
				return err
			}
			now, err := e.Client().Get(t.Context(), "x")
			if err != nil {
				return err
			}
			if _, err := e.Client().Compact(t.Context(), now.Header.Revision); err != nil {
				return err
			}
		}
		_, err := tx.Get("b")
		return err
	})
	if err != nil || runs != 2 {
		t.Errorf("ran %d times, %v; want 2", runs, err)
	}
}
