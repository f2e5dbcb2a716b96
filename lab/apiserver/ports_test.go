// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
	"os"
	"strconv"
	"testing"
)

// Nobody who asks the kernel for any port is given one of ours before it is
// listened on.
func TestPortsAreNotTheKernelsToGive(t *testing.T) {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		t.Fatal(err)
	}
	var first, last int
	if _, err := fmt.Sscan(string(text), &first, &last); err != nil {
		t.Fatal(err)
	}
	ports, err := freePorts(50)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, port := range ports {
		n, err := strconv.Atoi(port)
		if err != nil || n < 1024 || first > lastPort && n >= first || seen[port] {
			t.Errorf("port %q among %q; the kernel's are %d to %d", port, ports, first, last)
		}
		seen[port] = true
	}
}
