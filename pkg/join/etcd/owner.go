// SPDX-License-Identifier: Apache-2.0

package etcd

import (
	"context"
	"encoding/json"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// ownerKey is beside the clusters' prefixes, not below one: whoever asks with
// another cluster's name has to find it too.
const ownerKey = "/nodeprep/owner"

// An Owner says whose records a store holds. Keys are named by pki.Fingerprint.
type Owner struct {
	Cluster string `json:"cluster"` // metadata.name of the plan
	CA      string `json:"ca"`      // joinsvc's CA
	// Certificate is joinapi.CAHash of the CA's certificate, which tokens and nodes
	// have; a store of before it was kept has none.
	Certificate string `json:"certificate,omitempty"`
	ClusterKey  string `json:"clusterKey"` // joinsvc's key in the cluster
}

// ReadOwner returns whose the store is; ok is false when nobody has claimed it.
func ReadOwner(ctx context.Context, kv clientv3.KV) (o Owner, ok bool, err error) {
	resp, err := kv.Get(ctx, ownerKey)
	if err != nil {
		return Owner{}, false, fmt.Errorf("reading whose the store is: %w", err)
	}
	if len(resp.Kvs) == 0 {
		return Owner{}, false, nil
	}
	if err := json.Unmarshal(resp.Kvs[0].Value, &o); err != nil {
		return Owner{}, false, fmt.Errorf("reading whose the store is: %w", err)
	}
	return o, true, nil
}

// Claim makes o the owner of a store that nobody has claimed, in one
// transaction, and returns whose the store is after it.
func Claim(ctx context.Context, kv clientv3.KV, o Owner) (Owner, error) {
	data, err := json.Marshal(o)
	if err != nil {
		return Owner{}, fmt.Errorf("encoding whose the store is: %w", err)
	}
	resp, err := kv.Txn(ctx).
		If(clientv3.Compare(clientv3.CreateRevision(ownerKey), "=", 0)).
		Then(clientv3.OpPut(ownerKey, string(data))).
		Commit()
	if err != nil {
		return Owner{}, fmt.Errorf("claiming the store: %w", err)
	}
	if resp.Succeeded {
		return o, nil
	}
	held, _, err := ReadOwner(ctx, kv)
	return held, err
}
