// SPDX-License-Identifier: Apache-2.0

package joinhttp

import (
	"sync"
	"time"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// maxInFlight is how many requests of one node are answered at the same time. A
// host's run makes one, and its reports another; a node that makes hundreds has
// others wait, and would have a bootstrap token minted for each.
const maxInFlight = 8

// inFlight counts the requests under way by their source.
type inFlight struct {
	mu    sync.Mutex
	count map[string]int
}

// enter reports whether one more of the source may be answered; done is to be
// called after that.
func (f *inFlight) enter(source string) (done func(), ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.count[source] >= maxInFlight {
		return nil, false
	}
	if f.count == nil {
		f.count = map[string]int{}
	}
	f.count[source]++
	return func() { f.leave(source) }, true
}

func (f *inFlight) leave(source string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.count[source]--; f.count[source] == 0 {
		delete(f.count, source)
	}
}

// tooManyAtOnce is the refusal of a node that does not wait for its answers.
func tooManyAtOnce() error {
	e := joinapi.Errorf(joinapi.CodeTooMany, "%d requests of this node are under way; one is to wait for its answer before the next", maxInFlight)
	e.RetryAfter = time.Second
	return e
}
