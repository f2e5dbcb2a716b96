// SPDX-License-Identifier: Apache-2.0

package join

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// What a node may report: a run of nodeprep makes some fifty reports, most of
// them in its first seconds. Nothing is decided by it; it keeps one host from
// having the store to itself.
const (
	reportsPerSecond = 1
	reportBurst      = 100
	// maxBuckets bounds the memory; past it those are forgotten that have been
	// quiet for as long as a bucket takes to fill.
	maxBuckets = 16384
)

// tooFast is the refusal of what is not on record for that reason.
func tooFast(format string, args ...any) error {
	e := joinapi.Errorf(joinapi.CodeTooMany, format, args...)
	e.RetryAfter = time.Second / reportsPerSecond
	return e
}

// A pacer is a token bucket for each key of a node. It goes by the key, not by
// the name, so that a host whose place was taken does not use up its
// successor's. The zero value is ready.
type pacer struct {
	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

// empty says whether the key's next report would be too fast. It takes nothing,
// for whoever has a copy of a node's key may ask it.
func (p *pacer) empty(key string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	bucket, ok := p.buckets[key]
	return ok && bucket.TokensAt(now) < 1
}

// take lets a report of the key pass, unless it is too fast.
func (p *pacer) take(key string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.buckets == nil {
		p.buckets = map[string]*rate.Limiter{}
	}
	bucket, ok := p.buckets[key]
	if !ok {
		p.forget(now)
		bucket = rate.NewLimiter(reportsPerSecond, reportBurst)
		p.buckets[key] = bucket
	}
	return bucket.AllowN(now, 1)
}

func (p *pacer) forget(now time.Time) {
	if len(p.buckets) < maxBuckets {
		return
	}
	for key, bucket := range p.buckets {
		if bucket.TokensAt(now) >= reportBurst {
			delete(p.buckets, key)
		}
	}
}
