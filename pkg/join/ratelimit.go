// SPDX-License-Identifier: Apache-2.0

package join

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
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

// A pacer is a token bucket for each key of a node. It goes by the key, not by
// the name, so that a host whose place was taken does not use up its
// successor's. The zero value is ready.
type pacer struct {
	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

// wait returns how long the key's next report has to wait; 0 lets it pass.
func (p *pacer) wait(key string, now time.Time) time.Duration {
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
	if bucket.AllowN(now, 1) {
		return 0
	}
	return time.Second / reportsPerSecond
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
