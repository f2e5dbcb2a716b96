// SPDX-License-Identifier: Apache-2.0

package etcd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// errChanged means that something that an attempt read is not so any more.
var errChanged = errors.New("what the transaction read has changed")

// tx is one attempt at a transaction.
type tx struct {
	ctx      context.Context
	store    *Store
	revision int64             // of the whole store, fixed by the first read
	outdated bool              // that revision was compacted meanwhile
	read     map[string]int64  // key → its modification revision, 0 when absent
	seen     map[string][]byte // key → what was read
	guarded  map[string]bool   // prefixes that nothing may be added to
	writes   map[string][]byte // key → what to put; nil: to delete
}

func newTx(ctx context.Context, s *Store) *tx {
	return &tx{
		ctx: ctx, store: s,
		read: map[string]int64{}, seen: map[string][]byte{}, guarded: map[string]bool{}, writes: map[string][]byte{},
	}
}

// Get implements join.Tx.
func (t *tx) Get(key string) ([]byte, error) {
	if value, ok := t.writes[key]; ok {
		return value, nil
	}
	if _, ok := t.read[key]; ok {
		return t.seen[key], nil
	}
	resp, err := t.query(key)
	if err != nil {
		return nil, err
	}
	t.read[key] = 0
	for _, kv := range resp.Kvs {
		t.read[key], t.seen[key] = kv.ModRevision, present(kv.Value)
	}
	return t.seen[key], nil
}

// present is a value that is there: empty, but not nil, when it has no bytes.
func present(value []byte) []byte {
	if value == nil {
		return []byte{}
	}
	return value
}

// List implements join.Tx. What it lists is no guard of the transaction: etcd
// takes 128 comparisons (embed.DefaultMaxTxnOps), and racks are larger.
func (t *tx) List(prefix string) (map[string][]byte, error) {
	resp, err := t.query(prefix, clientv3.WithPrefix())
	if err != nil {
		return nil, err
	}
	values := make(map[string][]byte, len(resp.Kvs))
	for _, kv := range resp.Kvs {
		key := strings.TrimPrefix(string(kv.Key), t.store.prefix)
		values[key] = present(kv.Value)
	}
	return values, nil
}

// Guard implements join.Tx by a comparison with a range: every key in it, etcd
// says, has a modification revision that is not above that of this attempt.
func (t *tx) Guard(prefix string) error {
	if t.revision == 0 {
		if _, err := t.query(prefix, clientv3.WithPrefix(), clientv3.WithCountOnly()); err != nil {
			return err
		}
	}
	t.guarded[prefix] = true
	return nil
}

// Put implements join.Tx.
func (t *tx) Put(key string, value []byte) { t.writes[key] = present(value) }

// Delete implements join.Tx.
func (t *tx) Delete(key string) { t.writes[key] = nil }

// query reads at the revision of the attempt. Its first read is linearizable:
// what it sees is the newest. All others ask for that same revision, which any
// member has that has come so far, so they need no round of the cluster.
func (t *tx) query(key string, opts ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	opts = append(opts, clientv3.WithRev(t.revision))
	ask := func(more ...clientv3.OpOption) (*clientv3.GetResponse, error) {
		return t.store.kv.Get(t.ctx, t.store.prefix+key, append(opts[:len(opts):len(opts)], more...)...)
	}
	var resp *clientv3.GetResponse
	err := rpctypes.ErrFutureRev
	if t.revision != 0 {
		resp, err = ask(clientv3.WithSerializable())
	}
	if errors.Is(err, rpctypes.ErrFutureRev) { // a member that lags
		resp, err = ask()
	}
	if err != nil {
		t.outdated = errors.Is(err, rpctypes.ErrCompacted)
		return nil, fmt.Errorf("reading %s of etcd: %w", key, classify(t.ctx, err))
	}
	if t.revision == 0 {
		t.revision = resp.Header.Revision
	}
	return resp, nil
}

// commit returns errChanged when a guard does not hold any more.
func (t *tx) commit() error {
	if len(t.writes) == 0 {
		return nil // what it read was one state of the store
	}
	resp, err := t.store.kv.Txn(t.ctx).If(t.guards()...).Then(t.operations()...).Commit()
	switch {
	case err != nil:
		return fmt.Errorf("committing to etcd: %w", classify(t.ctx, err))
	case !resp.Succeeded:
		return errChanged
	default:
		return nil
	}
}

func (t *tx) guards() []clientv3.Cmp {
	var guards []clientv3.Cmp
	for key, revision := range t.read {
		guards = append(guards, clientv3.Compare(clientv3.ModRevision(t.store.prefix+key), "=", revision))
	}
	for prefix := range t.guarded {
		guards = append(guards, clientv3.Compare(clientv3.ModRevision(t.store.prefix+prefix), "<", t.revision+1).WithPrefix())
	}
	return guards
}

func (t *tx) operations() []clientv3.Op {
	var writes []clientv3.Op
	for key, value := range t.writes {
		if value == nil {
			writes = append(writes, clientv3.OpDelete(t.store.prefix+key))
			continue
		}
		writes = append(writes, clientv3.OpPut(t.store.prefix+key, string(value)))
	}
	return writes
}
