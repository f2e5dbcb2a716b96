// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// apiServer is one whose latency grows with the joins under way, and which
// fails above twice what it bears.
type apiServer struct {
	mu      sync.Mutex
	bears   float64 // joins at once at which it answers in about Bound
	joining int
	peak    int
}

func (s *apiServer) latency() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	load := float64(s.joining) / s.bears
	return time.Duration((0.03 + 0.97*load*load*load) * float64(time.Second))
}

// call is a call with the time-out that a probe has.
func (s *apiServer) call() (time.Duration, error) {
	took := s.latency()
	if took > 5*time.Second {
		time.Sleep(5 * time.Second)
		return 5 * time.Second, errors.New("timeout")
	}
	time.Sleep(took)
	return took, nil
}

// join is thirty calls with work of the node's own between them. A call that
// fails is tried again, as the kubelet does.
func (s *apiServer) join() {
	s.mu.Lock()
	s.joining++
	s.peak = max(s.peak, s.joining)
	s.mu.Unlock()
	for range 30 {
		time.Sleep(time.Second)
		for {
			if _, err := s.call(); err == nil {
				break
			}
		}
	}
	s.mu.Lock()
	s.joining--
	s.mu.Unlock()
}

// site is n hosts that join the API server by way of a queue.
type site struct {
	server  *apiServer
	limiter *Limiter
	fixed   int // a limit that does not move, when it is not 0

	mu     sync.Mutex
	book   *book
	order  []int // hosts in the order of their admission
	longer time.Duration
}

func (s *site) limit() int {
	if s.fixed > 0 {
		return s.fixed
	}
	return s.limiter.Reading().Limit
}

func (s *site) ask(node string) (bool, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit := s.limit()
	a := s.book.ask(node, time.Now(), limit)
	s.limiter.Used(a.Joining)
	_, again := a.Wait(limit, 0)
	return a.Admitted, again
}

func (s *site) host(i int, jitter *rand.Rand) {
	node := fmt.Sprintf("n%03d", i)
	began := time.Now()
	for {
		admitted, again := s.ask(node)
		if admitted {
			break
		}
		time.Sleep(again + time.Duration(jitter.Int64N(int64(again/4))))
	}
	s.mu.Lock()
	s.order = append(s.order, i)
	s.longer = max(s.longer, time.Since(began))
	s.mu.Unlock()
	s.server.join()
	s.mu.Lock()
	delete(s.book.joining, node)
	s.mu.Unlock()
}

// run lets hosts join, and returns how long all of them took.
func (s *site) run(t *testing.T, hosts int) time.Duration {
	began := time.Now()
	stop := make(chan struct{})
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Second):
				s.limiter.Observe(s.server.call())
			}
		}
	}()
	var wg sync.WaitGroup
	for i := range hosts {
		wg.Go(func() {
			time.Sleep(time.Duration(i) * 10 * time.Millisecond)
			s.host(i, rand.New(rand.NewPCG(uint64(i), 1)))
		})
	}
	wg.Wait()
	close(stop)
	synctest.Wait()
	return time.Since(began)
}

func newSite(t *testing.T, bears float64, fixed int) *site {
	return &site{server: &apiServer{bears: bears}, limiter: NewLimiter(time.Now), book: newBook(t), fixed: fixed}
}

// Three hundred hosts join API servers of which one bears three at once and one
// eighty. Nobody is left out, nobody is overtaken for long, and it takes less
// than twice of what the best fixed limit takes, which nobody can know before.
func TestThreeHundredJoin(t *testing.T) {
	for _, bears := range []float64{3, 12, 80} {
		t.Run(fmt.Sprintf("bears %v", bears), func(t *testing.T) {
			best, at := time.Duration(math.MaxInt64), 0
			for _, part := range []float64{0.67, 0.85, 1, 1.2} {
				fixed := int(math.Round(part * bears))
				synctest.Test(t, func(t *testing.T) {
					if took := newSite(t, bears, fixed).run(t, 300); took < best {
						best, at = took, fixed
					}
				})
			}
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, bears, 0)
				took := s.run(t, 300)
				t.Logf("took %s, peak %d, longest wait %s; the best fixed limit, %d, took %s", took, s.server.peak, s.longer, at, best)
				if took > 2*best {
					t.Errorf("took %s; the best fixed limit, %d, %s", took, at, best)
				}
				if float64(s.server.peak) > 2*bears+1 {
					t.Errorf("%d joined at once an API server that bears %v", s.server.peak, bears)
				}
				if len(s.order) != 300 || len(s.book.waiting) != 0 || len(s.book.joining) != 0 {
					t.Errorf("%d joined, waiting %v", len(s.order), s.book.waiting)
				}
				for place, host := range s.order {
					if overtaken := place - host; overtaken > 2*Most/3 || overtaken < -2*Most/3 {
						t.Errorf("host %d was admitted as number %d", host, place)
					}
				}
			})
		})
	}
}

// An API server that gets slow while they join brings the limit down, and up
// again when it recovers.
func TestLimitFallsAndRises(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, 30, 0)
		limits := map[string]int{}
		at := func(when time.Duration, name string, bears float64) {
			time.AfterFunc(when, func() {
				limits[name] = s.limit()
				s.server.mu.Lock()
				s.server.bears = bears
				s.server.mu.Unlock()
			})
		}
		at(4*time.Minute, "fast", 3)
		at(9*time.Minute, "slow", 30)
		at(14*time.Minute, "recovered", 30)
		s.run(t, 300)
		t.Log(limits)
		if limits["fast"] < 10 || limits["slow"] > 4 || limits["recovered"] < 10 {
			t.Errorf("%v", limits)
		}
	})
}
