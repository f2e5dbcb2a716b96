// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/netcfg"
)

// A boot waits for the drivers of the legs; a call by hand looks once.
func TestBootWaitsForTheLegs(t *testing.T) {
	s, dir := newScene(t), t.TempDir()
	url, token := s.joinsvc.Start(t)
	t.Setenv("NODEPREP_TOKEN", token)
	e := edges{root: s.host.Root, kernel: s.host.Kernel, machine: s.host.Machine}
	var out bytes.Buffer
	if code := e.run(t.Context(), []string{"run", "--joinsvc", url, "--stateDir", dir, "--config", "/none"}, &out, &out); code != 0 {
		t.Fatal(out.String())
	}
	e.kernel = netcfg.NewModel() // the next boot, before the drivers
	for _, tc := range []struct {
		args []string
		ends time.Duration
		want string
	}{
		{[]string{"network", "apply", "--boot"}, time.Second, "context deadline exceeded"},
		{[]string{"network", "apply"}, time.Minute, "leg eno1 of bond0 does not exist"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), tc.ends)
		defer cancel()
		out.Reset()
		if code := e.run(ctx, tc.args, &out, &out); code != 1 || !strings.Contains(out.String(), tc.want) || !strings.Contains(out.String(), "leg eno2 has not appeared; see: ip link") {
			t.Errorf("%q: exit status %d, %s", tc.args, code, out.String())
		}
	}
}
