// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"testing/synctest"
	"time"
)

// Nothing was seen "-2h ago": what a clock that was ahead has dated is told so.
func TestAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // a clock that stands still
		now := time.Now()
		ahead := now.Add(2 * time.Hour)
		for at, want := range map[time.Time]string{
			{}:                       "never",
			now.Add(-time.Hour):      "1h0m0s ago",
			now.Add(5 * time.Second): "0s ago", // another clock, a little ahead
			ahead:                    "at " + ahead.UTC().Format(time.RFC3339) + ", by a clock that was ahead",
		} {
			if got := age(at); got != want {
				t.Errorf("%v: %q, want %q", at, got, want)
			}
		}
	})
}
