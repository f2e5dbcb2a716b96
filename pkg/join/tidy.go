// SPDX-License-Identifier: Apache-2.0

package join

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	// tokensStay is how long a token is kept after its time is over: whoever comes
	// with it until then is told that it has expired, and not that it is unknown.
	tokensStay = 30 * 24 * time.Hour
	// tidyEvery is how often this process looks for older ones.
	tidyEvery = time.Hour
	// tidyAtOnce is of how many uses, two keys each, one transaction removes: etcd
	// takes 128 operations.
	tidyAtOnce = 60
)

// tidy removes tokens that nobody can have a use for. Whoever makes one makes
// room for it: nothing else adds tokens. A token that some node has enrolled with
// stays as long as that has its key, for its host comes back with both.
func (c *Coordinator) tidy(ctx context.Context) {
	if !c.untidy() {
		return
	}
	var old map[string][]use
	err := c.Store.Update(ctx, func(tx Tx) (err error) {
		old, err = oldTokens(tx, c.Now().Add(-tokensStay))
		return err
	})
	for _, id := range slices.Sorted(maps.Keys(old)) {
		if err = c.drop(ctx, id, old[id]); err != nil {
			break
		}
		c.Log.Info("enrolment token removed, for its time was over long ago", "token", id, "uses", len(old[id]))
	}
	if err != nil {
		c.Log.Warn("old enrolment tokens are not removed; that is tried again in an hour, when a token is made", "why", "store", "err", err)
	}
}

// untidy reports whether it is time to look again.
func (c *Coordinator) untidy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.Now()
	if age := now.Sub(c.tidied); !c.tidied.IsZero() && age >= 0 && age < tidyEvery {
		return false
	}
	c.tidied = now
	return true
}

// oldTokens are those that were over before then and that no node's key was used
// with, with their uses.
func oldTokens(tx Tx, then time.Time) (map[string][]use, error) {
	records, err := tx.List(tokenPrefix)
	if err != nil {
		return nil, err
	}
	keys, err := list[lease](tx, keyPrefix)
	if err != nil {
		return nil, err
	}
	old := map[string][]use{}
	for key, data := range records {
		id := key[len(tokenPrefix):]
		if strings.Contains(id, "/") {
			continue
		}
		var t token
		if err := json.Unmarshal(data, &t); err != nil {
			return nil, fmt.Errorf("decoding %s of the store: %w", key, err)
		}
		if t.Expires.Before(then) {
			old[id] = nil
		}
	}
	for key, data := range records {
		id, rest, _ := strings.Cut(key[len(tokenPrefix):], "/")
		if _, isOld := old[id]; !isOld || !strings.HasPrefix("/"+rest, keysOf) {
			continue
		}
		var u use
		if err := json.Unmarshal(data, &u); err != nil {
			return nil, fmt.Errorf("decoding %s of the store: %w", key, err)
		}
		old[id] = append(old[id], u)
	}
	maps.DeleteFunc(old, func(_ string, uses []use) bool {
		return slices.ContainsFunc(uses, func(u use) bool { _, held := keys[u.Key]; return held })
	})
	return old, nil
}

// drop removes a token after its uses, so that none is left without it.
func (c *Coordinator) drop(ctx context.Context, id string, uses []use) error {
	for some := range slices.Chunk(uses, tidyAtOnce) {
		err := c.Store.Update(ctx, func(tx Tx) error {
			for _, u := range some {
				tx.Delete(slotKey(id, u.Slot))
				tx.Delete(useKey(id, u.Key))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	err := c.Store.Update(ctx, func(tx Tx) error {
		tx.Delete(tokenPrefix + id)
		return nil
	})
	if err == nil {
		c.slots.forget(id)
	}
	return err
}
