// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"testing"
)

// What was said of a cluster that is given up is not said any more.
func TestRemarksGoWithTheirCluster(t *testing.T) {
	l := newLink(t.Context(), inputs{}, nil, nil, discard())
	ctx, stop := context.WithCancel(t.Context())
	l.stop = stop
	say := l.remarks.during(ctx)
	say([]string{"waiting for Calico"})
	if got := l.remarks.get(); len(got) != 1 {
		t.Errorf("it says %q", got)
	}
	l.disconnect()
	say([]string{"waiting for Calico"}) // its last pass
	if got := l.remarks.get(); len(got) != 0 {
		t.Errorf("after its end it says %q", got)
	}
}
