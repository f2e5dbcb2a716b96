// SPDX-License-Identifier: Apache-2.0

package joinhttp

import (
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// Enrolments per address: a host needs one, a rack behind one NAT address
// needs some dozens at once, and a guesser of tokens gets nowhere.
const (
	perSecond = 5
	burst     = 50
	// maxAddresses bounds the memory; past it, addresses that have been quiet
	// for as long as a bucket takes to fill are forgotten.
	maxAddresses = 4096
)

type limiter struct {
	now func() time.Time

	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

func newLimiter(now func() time.Time) *limiter {
	return &limiter{now: now, buckets: map[string]*rate.Limiter{}}
}

func (l *limiter) enrolments(do result) result {
	return func(r *http.Request) (any, error) {
		host, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil {
			host = r.RemoteAddr
		}
		if !l.allow(host) {
			e := joinapi.Errorf(joinapi.CodeTooMany, "too many enrolments from %s; %d a second are answered", host, perSecond)
			e.RetryAfter = time.Second
			return nil, e
		}
		return do(r)
	}
}

func (l *limiter) allow(host string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	bucket, ok := l.buckets[host]
	if !ok {
		l.forget(now)
		bucket = rate.NewLimiter(perSecond, burst)
		l.buckets[host] = bucket
	}
	return bucket.AllowN(now, 1)
}

// forget drops full buckets, which is what a new one is too.
func (l *limiter) forget(now time.Time) {
	if len(l.buckets) < maxAddresses {
		return
	}
	for host, bucket := range l.buckets {
		if bucket.TokensAt(now) >= burst {
			delete(l.buckets, host)
		}
	}
}
