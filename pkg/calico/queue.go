// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"context"
	"sync"
	"time"

	"k8s.io/client-go/util/workqueue"
)

const (
	// atOnce is how many nodes are worked on at the same time. The API server's
	// answers, and not joinsvc's processor, are what work waits for.
	atOnce = 8
	// retryFirst and retryMost bound the pauses after one node's failures; they
	// double (workqueue's exponential limiter).
	retryFirst = 500 * time.Millisecond
	retryMost  = 20 * time.Second
)

// clusterKey stands in the queue for what there is once in a cluster; a node is
// its name.
const clusterKey = ""

// A line is the order of work: what is urgent first, else as it came. The queue
// that it is in calls it under its own lock.
type line struct {
	urgent func(key string) bool
	first  []string
	later  []string
}

// Touch implements workqueue.Queue; a key that is added again keeps its place.
func (l *line) Touch(string) {}

// Push implements workqueue.Queue.
func (l *line) Push(key string) {
	if l.urgent(key) {
		l.first = append(l.first, key)
		return
	}
	l.later = append(l.later, key)
}

// Len implements workqueue.Queue.
func (l *line) Len() int { return len(l.first) + len(l.later) }

// Pop implements workqueue.Queue.
func (l *line) Pop() (key string) {
	if len(l.first) > 0 {
		key, l.first = l.first[0], l.first[1:]
		return key
	}
	key, l.later = l.later[0], l.later[1:]
	return key
}

// newQueue gathers wake-ups: a key is in it once, however often it is added,
// and is worked on by one at a time.
func newQueue(urgent func(string) bool) workqueue.TypedRateLimitingInterface[string] {
	queue := workqueue.NewTypedWithConfig(workqueue.TypedQueueConfig[string]{Queue: &line{urgent: urgent}})
	return workqueue.NewTypedRateLimitingQueueWithConfig(
		workqueue.NewTypedItemExponentialFailureRateLimiter[string](retryFirst, retryMost),
		workqueue.TypedRateLimitingQueueConfig[string]{
			DelayingQueue: workqueue.NewTypedDelayingQueueWithConfig(workqueue.TypedDelayingQueueConfig[string]{Queue: queue}),
		})
}

// work does what is queued until ctx ends.
func (e *era) work(ctx context.Context) {
	var wg sync.WaitGroup
	for range atOnce {
		wg.Go(func() {
			for {
				key, over := e.queue.Get()
				if over {
					return
				}
				e.do(ctx, key)
			}
		})
	}
	<-ctx.Done()
	e.queue.ShutDown()
	wg.Wait()
}

func (e *era) do(ctx context.Context, key string) {
	defer e.queue.Done(key)
	if ctx.Err() != nil {
		return
	}
	var next time.Duration
	var err error
	if key == clusterKey {
		next, err = e.cluster(ctx)
	} else {
		next, err = e.node(ctx, key)
	}
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		e.board.put("work "+key, err.Error())
		e.queue.AddRateLimited(key)
		return
	}
	e.board.put("work "+key, "")
	e.queue.Forget(key)
	if next > 0 {
		e.queue.AddAfter(key, next)
	}
}
