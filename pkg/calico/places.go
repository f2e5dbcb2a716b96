// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"slices"
	"sync"
	"time"
)

const (
	// openAtOnce keeps below the ten that Calico's documentation recommends at
	// the most (reference, "Calico node status").
	openAtOnce = 9
	// silentAtOnce is how many of them nodes may have that did not answer last
	// time, so that dead hosts keep nobody from being seen.
	silentAtOnce = 4
	// turn is how long a node keeps its place while others wait for one.
	turn = 10 * time.Second
)

// Places bound how many nodes are asked at once; who finds none waits in line.
type places struct {
	mu      sync.Mutex
	held    map[string]bool // silent or not
	waiting []waiter
}

type waiter struct {
	node   string
	silent bool // it did not answer last time
}

func newPlaces() *places { return &places{held: map[string]bool{}} }

// take returns whether the node has a place; else it waits, and leave names it
// when there may be one.
func (p *places) take(node string, silent bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, has := p.held[node]; has {
		return true
	}
	quiet := 0
	for _, s := range p.held {
		if s {
			quiet++
		}
	}
	if len(p.held) >= openAtOnce || silent && quiet >= silentAtOnce {
		if !slices.ContainsFunc(p.waiting, func(w waiter) bool { return w.node == node }) {
			p.waiting = append(p.waiting, waiter{node, silent})
		}
		return false
	}
	p.unwait(node)
	p.held[node] = silent
	return true
}

func (p *places) unwait(node string) {
	p.waiting = slices.DeleteFunc(p.waiting, func(w waiter) bool { return w.node == node })
}

// leave gives a place back, and returns who may have it: the first of each kind
// that waits, for it depends on who has the others.
func (p *places) leave(node string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unwait(node)
	if _, had := p.held[node]; !had {
		return nil
	}
	delete(p.held, node)
	var next []string
	for _, silent := range []bool{false, true} {
		if i := slices.IndexFunc(p.waiting, func(w waiter) bool { return w.silent == silent }); i >= 0 {
			next = append(next, p.waiting[i].node)
		}
	}
	return next
}

// crowded says whether others wait.
func (p *places) crowded() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.waiting) > 0
}
