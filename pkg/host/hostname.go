// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"fmt"

	"github.com/nodeprep/nodeprep/pkg/phase"
	"github.com/nodeprep/nodeprep/pkg/rooted"
)

const kernelHostname = "/proc/sys/kernel/hostname"

// Hostname is the static host name, in /etc/hostname and in the kernel.
//
// Files, not org.freedesktop.hostname1: systemd-hostnamed and NetworkManager
// both follow the file, the kernel's file is sethostname(2), and both are there
// where no bus is, as in an installer's %post.
type Hostname struct {
	Root rooted.Root
	Name string // fully qualified: the Kubernetes node name
}

// Plan compares the file and the running name.
func (h Hostname) Plan(ctx context.Context) ([]phase.Change, error) {
	changes, err := rooted.File{Root: h.Root, Name: "/etc/hostname", Content: h.Name + "\n", Mode: 0o644}.Plan(ctx)
	if err != nil {
		return nil, err
	}
	now, err := h.Root.Get(kernelHostname)
	if err != nil {
		return nil, fmt.Errorf("reading the host name: %w", err)
	}
	if now != h.Name {
		changes = append(changes, phase.Change{
			What: "host name", From: now, To: h.Name,
			Do: func(context.Context) error { return h.Root.Set(kernelHostname, h.Name) },
		})
	}
	return changes, nil
}
