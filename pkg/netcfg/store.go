// SPDX-License-Identifier: Apache-2.0

package netcfg

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nodeprep/nodeprep/pkg/phase"
	"github.com/nodeprep/nodeprep/pkg/rooted"
)

// storePath is where the network that a host had last is kept, for [Restore].
const storePath = "/var/lib/nodeprep/network.json"

// storeVersion changes with the meaning of a field, so that a program that is
// older than the file says so.
const storeVersion = 1

type stored struct {
	Version int    `json:"version"`
	Config  Config `json:"config"`
}

// PlanStore returns the change that stores c under root. What is stored is
// built again at every boot, so c has to be resolved, and to have been applied.
func PlanStore(ctx context.Context, root rooted.Root, c Config) ([]phase.Change, error) {
	if c.Bond.MAC.IsZero() {
		return nil, fmt.Errorf("storing the network: the MAC of %s is not resolved", c.Bond.Name)
	}
	content, err := json.MarshalIndent(stored{storeVersion, c}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("storing the network: %w", err)
	}
	return file(root, storePath, 0o600, string(content)+"\n").Plan(ctx)
}

// Load reads what [PlanStore] has stored under root. Without a file the error
// is fs.ErrNotExist.
func Load(root rooted.Root) (Config, error) {
	content, err := root.Read(storePath)
	if err != nil {
		return Config{}, fmt.Errorf("reading the stored network: %w", err)
	}
	var s stored
	decoder := json.NewDecoder(strings.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&s); err != nil {
		return Config{}, fmt.Errorf("decoding %s: %w", storePath, err)
	}
	if s.Version != storeVersion {
		return Config{}, fmt.Errorf("%s has version %d, this program knows %d", storePath, s.Version, storeVersion)
	}
	return s.Config, s.Config.validate()
}

// Restored is what a boot has found and done. With an error beside it, Changes
// are those that were to be made.
type Restored struct {
	Config  Config         // without the legs that are missing
	Changes []phase.Change // that were made, in order; none if everything was there
	Missing []string       // legs that did not appear
}

// Restore builds the stored network again, as a boot has to. Legs get until
// the end of patience to appear, since their drivers may still be loading; then
// the bond is built from those that did, as long as they are MinLinks or more.
// The bonding and 8021q modules come with the first link of their kind, or
// from modules-load.d where autoloading is off.
func Restore(ctx context.Context, k Kernel, root rooted.Root, patience time.Duration) (Restored, error) {
	c, err := Load(root)
	if err != nil {
		return Restored{}, err
	}
	r := Restored{Config: c}
	if r.Missing, err = awaitLegs(ctx, k, c.Bond.Legs, patience); err != nil {
		return r, err
	}
	r.Config.Bond.Legs = slices.DeleteFunc(slices.Clone(c.Bond.Legs), func(leg string) bool {
		return slices.Contains(r.Missing, leg)
	})
	if len(r.Config.Bond.Legs) < c.Bond.MinLinks {
		_, err := Plan(ctx, k, c) // names the legs that are missing, and what there is
		return r, err
	}
	changes, err := Plan(ctx, k, r.Config)
	if err != nil {
		return r, err
	}
	r.Changes = changes
	return r, apply(ctx, changes)
}

// awaitLegs returns the legs that have not appeared within patience.
func awaitLegs(ctx context.Context, k Kernel, legs []string, patience time.Duration) ([]string, error) {
	wait, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		s, err := k.Observe(ctx)
		if err != nil {
			return nil, fmt.Errorf("looking for %s: %w", orNone(legs), err)
		}
		missing := slices.DeleteFunc(slices.Clone(legs), func(leg string) bool {
			_, ok := s.link(leg)
			return ok
		})
		if len(missing) == 0 {
			return nil, nil
		}
		select {
		case <-wait.Done():
			return missing, ctx.Err() // nil if only the patience is over
		case <-time.After(200 * time.Millisecond):
		}
	}
}
