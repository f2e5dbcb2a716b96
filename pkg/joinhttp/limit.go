// SPDX-License-Identifier: Apache-2.0

package joinhttp

import (
	"container/list"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/pki"
)

// Refused requests per source. What succeeds costs nothing, so that a rack
// behind one NAT address is as many hosts as it is; a rack with a token that
// has expired gets through its refusals in minutes, and a guesser of tokens
// gets nowhere.
const (
	failuresPerSecond = 1
	failuresAtOnce    = 60
	// maxSources bounds the memory, to about a megabyte. Past it the source
	// that has been quiet for longest is forgotten.
	maxSources = 4096
)

// failures counts refused requests by their source.
type failures struct {
	now func() time.Time

	mu      sync.Mutex
	order   *list.List // of *failing, the latest first
	sources map[string]*list.Element
}

type failing struct {
	source string
	bucket *rate.Limiter
}

func newFailures(now func() time.Time) *failures {
	return &failures{now: now, order: list.New(), sources: map[string]*list.Element{}}
}

// allow says how long a source is to stay away; 0 is not at all.
func (f *failures) allow(source string) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	at, ok := f.sources[source]
	if !ok {
		return 0
	}
	lacks := 1 - at.Value.(*failing).bucket.TokensAt(f.now())
	return time.Duration(max(lacks, 0) / failuresPerSecond * float64(time.Second))
}

// count takes a refusal down.
func (f *failures) count(source string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at, ok := f.sources[source]
	if ok {
		f.order.MoveToFront(at)
	} else {
		at = f.order.PushFront(&failing{source, rate.NewLimiter(failuresPerSecond, failuresAtOnce)})
		f.sources[source] = at
	}
	at.Value.(*failing).bucket.AllowN(f.now(), 1)
	if f.order.Len() > maxSources {
		oldest := f.order.Back()
		f.order.Remove(oldest)
		delete(f.sources, oldest.Value.(*failing).source)
	}
}

// tooMany is the refusal of a source that was refused too often of late.
func tooMany(from string, wait time.Duration) error {
	e := joinapi.Errorf(joinapi.CodeTooMany, "too many refused requests from %s; one a second is let pass again", from)
	e.RetryAfter = wait
	return e
}

// blames says whether a refusal is the asker's own doing. To wait for one's
// turn, or for a store that is slow, is not.
func blames(c joinapi.Code) bool {
	switch c {
	case joinapi.CodeInvalid, joinapi.CodeTooLarge, joinapi.CodeUnauthorized, joinapi.CodeForbidden, joinapi.CodeConflict,
		joinapi.CodeNotFound, joinapi.CodeMethodNotAllowed:
		return true
	default:
		return false
	}
}

// sourceOf is who asks: the key of a certificate of this CA, which no neighbour
// can use up, at the address, so that a copy of the key elsewhere cannot either;
// without one the address. Of an IPv6 address that is its /64, which is
// what one host has (RFC 4291 section 2.5.4). What a header says of the address
// (X-Forwarded-For) is its sender's word and does not count.
func sourceOf(r *http.Request) string {
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		return "key " + pki.Fingerprint(r.TLS.PeerCertificates[0]) + " at " + address(r.RemoteAddr)
	}
	return address(r.RemoteAddr)
}
