// SPDX-License-Identifier: Apache-2.0

package join

import (
	"context"
	"encoding/json"
	"fmt"
)

// A Store keeps values under keys. Its one operation is a transaction.
type Store interface {
	// Update runs fn and makes all of its writes at once, if nothing that fn
	// read has changed meanwhile; else it runs fn again on what is there now.
	// When fn returns an error nothing is written and Update returns it as it
	// is. fn may therefore run several times and must have no other effect.
	Update(ctx context.Context, fn func(Tx) error) error
}

// A Tx is one attempt at a transaction. It sees one state of the store, and
// its own writes.
type Tx interface {
	// Get returns the value of key, nil when there is none.
	Get(key string) ([]byte, error)
	// List returns all values under keys that begin with prefix, without this
	// attempt's own writes. The transaction is not tried again when they change
	// meanwhile: whoever decides by one key's value or absence has to Get it.
	List(prefix string) (map[string][]byte, error)
	Put(key string, value []byte)
}

// The keys. ASN and address are keys of their own so that holding one is a
// matter of a key's existence, which one transaction decides.
const (
	nodePrefix    = "nodes/"     // + fully qualified name → Node
	tokenPrefix   = "tokens/"    // + token id → token
	asnPrefix     = "asn/"       // + number → lease
	addressPrefix = "addresses/" // + address → lease
	initKey       = "init"       // → lease
	accessKey     = "access"     // → joinapi.ClusterAccess
)

// A lease says which node holds what its key names.
type lease struct {
	Node string `json:"node"`
}

func get[T any](tx Tx, key string) (T, bool, error) {
	var value T
	data, err := tx.Get(key)
	if err != nil || data == nil {
		return value, false, err
	}
	if err := json.Unmarshal(data, &value); err != nil {
		return value, false, fmt.Errorf("decoding %s of the store: %w", key, err)
	}
	return value, true, nil
}

func list[T any](tx Tx, prefix string) (map[string]T, error) {
	all, err := tx.List(prefix)
	if err != nil {
		return nil, err
	}
	values := make(map[string]T, len(all))
	for key, data := range all {
		var value T
		if err := json.Unmarshal(data, &value); err != nil {
			return nil, fmt.Errorf("decoding %s of the store: %w", key, err)
		}
		values[key[len(prefix):]] = value
	}
	return values, nil
}

func put(tx Tx, key string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encoding %s for the store: %w", key, err)
	}
	tx.Put(key, data)
	return nil
}
