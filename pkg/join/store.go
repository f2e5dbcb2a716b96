// SPDX-License-Identifier: Apache-2.0

package join

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// A Store keeps values under keys. Its one operation is a transaction.
type Store interface {
	// Update runs fn and makes all of its writes at once, if nothing that fn
	// read has changed meanwhile; else it waits a little and runs fn again on
	// what is there now. When fn returns an error nothing is written and Update
	// returns it as it is. fn may therefore run several times and must have no
	// other effect.
	//
	// An *UnavailableError says that the store could not decide and may soon. A
	// commit that it lost sight of may have been made all the same: whoever asks
	// again has to find that out by reading. When ctx is over, its error is in
	// the chain.
	Update(ctx context.Context, fn func(Tx) error) error
}

// A Tx is one attempt at a transaction. It sees one state of the store, and
// its own writes.
type Tx interface {
	// Get returns the value of key, nil when there is none.
	Get(key string) ([]byte, error)
	// List returns all values under keys that begin with prefix, without this
	// attempt's own writes. The transaction is not tried again when they change
	// meanwhile: whoever decides by one key's value or absence has to Get it,
	// and whoever decides by all of them has to Guard the prefix.
	List(prefix string) (map[string][]byte, error)
	// Guard has the transaction tried again when a key that begins with prefix
	// was added or changed since the state that this attempt sees. A key that
	// went meanwhile is not noticed, since nothing is left to compare: whoever
	// decides by its presence has to Get it.
	Guard(prefix string) error
	// Put sets key. One that Get saw absent is made only if nobody made it.
	Put(key string, value []byte)
	// Delete removes key; one that is not there is no error.
	Delete(key string)
}

// An UnavailableError is what a Store returns when it cannot decide now and may
// soon: others kept changing what a transaction had read, or etcd has too much
// to do, has no leader, or answered too late. *joinapi.Error is in its chain,
// CodeUnavailable with a time to wait, so that the asker comes again.
type UnavailableError struct{ Err error }

// retryAfter is how long a host should leave the store in peace.
const retryAfter = 2 * time.Second

// Error says why.
func (e *UnavailableError) Error() string { return "the store cannot answer now: " + e.Err.Error() }

// Unwrap returns what the asker is told, and why.
func (e *UnavailableError) Unwrap() []error {
	return []error{joinapi.Unavailable(retryAfter, "joinsvc's store has too much to do; ask again in %v", retryAfter), e.Err}
}

// The keys. ASN and address are keys of their own so that holding one is a
// matter of a key's existence, which one transaction decides.
const (
	nodePrefix    = "nodes/"     // + fully qualified name → Node
	tokenPrefix   = "tokens/"    // + token id → token; its uses are under it (slots.go)
	keyPrefix     = "keys/"      // + fingerprint of a node's key → lease
	asnPrefix     = "asn/"       // + number → lease
	addressPrefix = "addresses/" // + address → lease
	reportPrefix  = "reports/"   // + fully qualified name + "/" + number → joinapi.Report
	sessionPrefix = "sessions/"  // + fully qualified name → sessionRecord
	queuePrefix   = "queue/"     // + sequence number, 20 digits → admission.Place
	joiningPrefix = "joining/"   // + fully qualified name → admission.Slot
	initKey       = "init"       // → initRecord
	readyKey      = "ready"      // → the time of the last write that Ready made
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
