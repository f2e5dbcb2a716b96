// SPDX-License-Identifier: Apache-2.0

// Package etcd keeps joinsvc's records in etcd, embedded in the process or not.
package etcd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/nodeprep/nodeprep/pkg/join"
)

// attempts bounds how often a transaction is tried. Among n writers of one key
// somebody succeeds in every round, so it also bounds n.
const attempts = 200

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
	for range attempts {
		t := &tx{ctx: ctx, store: s, read: map[string]int64{}, seen: map[string][]byte{}, puts: map[string][]byte{}}
		if err := fn(t); err != nil {
			return err
		}
		done, err := t.commit()
		if err != nil {
			return fmt.Errorf("committing to etcd: %w", err)
		}
		if done {
			return nil
		}
	}
	return fmt.Errorf("committing to etcd, %d times: %w", attempts, ErrContended)
}

type tx struct {
	ctx      context.Context
	store    *Store
	revision int64             // of the whole store, fixed by the first read
	read     map[string]int64  // key → its modification revision, 0 when absent
	seen     map[string][]byte // key → what was read
	puts     map[string][]byte
}

// Get implements join.Tx.
func (t *tx) Get(key string) ([]byte, error) {
	if value, ok := t.puts[key]; ok {
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
		t.read[key], t.seen[key] = kv.ModRevision, kv.Value
	}
	return t.seen[key], nil
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
		values[key] = kv.Value
	}
	return values, nil
}

// Put implements join.Tx.
func (t *tx) Put(key string, value []byte) { t.puts[key] = value }

func (t *tx) query(key string, opts ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	resp, err := t.store.kv.Get(t.ctx, t.store.prefix+key, append(opts, clientv3.WithRev(t.revision))...)
	if err != nil {
		return nil, fmt.Errorf("reading %s of etcd: %w", key, err)
	}
	if t.revision == 0 {
		t.revision = resp.Header.Revision
	}
	return resp, nil
}

func (t *tx) commit() (bool, error) {
	if len(t.puts) == 0 {
		return true, nil // what it read was one state of the store
	}
	var guards []clientv3.Cmp
	for key, revision := range t.read {
		guards = append(guards, clientv3.Compare(clientv3.ModRevision(t.store.prefix+key), "=", revision))
	}
	var writes []clientv3.Op
	for key, value := range t.puts {
		writes = append(writes, clientv3.OpPut(t.store.prefix+key, string(value)))
	}
	resp, err := t.store.kv.Txn(t.ctx).If(guards...).Then(writes...).Commit()
	if err != nil {
		return false, err
	}
	return resp.Succeeded, nil
}
