// SPDX-License-Identifier: Apache-2.0

package join

import "testing"

// A slot may be seen in the store before its redeemer, which has just written it,
// gives it back. Whoever comes then gets one that is free, and whoever waits is
// woken when there is one: nobody else would come to wake them.
func TestASlotIsCountedOnce(t *testing.T) {
	var s slots
	pick := func(wants bool) int {
		t.Helper()
		slot, wait := s.pick("token", 3)
		if (wait == nil) != wants {
			t.Fatalf("slot %d, free %v", slot, wait == nil)
		}
		return slot
	}
	a, b := pick(true), pick(true)
	s.settle("token", a, a, b) // another redeemer has looked meanwhile
	c := pick(true)
	if c == a || c == b {
		t.Fatalf("slot %d twice, beside %d and %d", c, a, b)
	}
	pick(false)
	_, wait := s.pick("token", 3)
	s.settle("token", b, b) // the redeemer itself, late
	select {
	case <-wait:
		t.Error("woken, and there is nothing to take")
	default:
	}
	s.settle("token", c) // refused: it is free again
	<-wait
	if again := pick(true); again != c {
		t.Errorf("slot %d, want %d", again, c)
	}
}
