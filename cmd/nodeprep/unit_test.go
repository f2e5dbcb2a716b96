// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// The unit gives up on a configuration alone. A program that panics ends with 2
// (Go's runtime), and the host has to come up all the same.
func TestUnitGivesUpOnAConfigurationAlone(t *testing.T) {
	text, err := os.ReadFile("../../packaging/rpm/nodeprep/nodeprep.service")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		fmt.Sprintf("\nRestartPreventExitStatus=%d\n", badConfig), "\nRestart=on-failure\n", "\nStartLimitIntervalSec=0\n",
		"\nType=oneshot\n", "\nStateDirectoryMode=0700\n", // no time-out of a start, then (systemd.service(5))
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the unit has no %q", want)
		}
	}
	for _, want := range []string{"\nKillMode=mixed\n", "\nTimeoutStopSec=12min\n"} { // above pkg/command's patience
		if !strings.Contains(string(text), want) {
			t.Errorf("a stop kills a package transaction: the unit has no %q", want)
		}
	}
	if strings.Contains(string(text), "TimeoutStartSec") || badConfig == 2 || badConfig == 1 {
		t.Errorf("a run that waits is ended, or a crash is taken for a configuration (%d)", badConfig)
	}
}
