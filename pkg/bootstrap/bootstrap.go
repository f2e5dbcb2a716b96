// SPDX-License-Identifier: Apache-2.0

// Package bootstrap is the one page that says which phases a host goes
// through, and in which order.
package bootstrap

import (
	"context"
	"time"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// Coordinator is what an enrolled host asks of joinsvc.
type Coordinator interface {
	Node(context.Context) (joinapi.NodeView, error)
	Report(context.Context, joinapi.Report) error
	Kubeadm(context.Context) (joinapi.KubeadmOrder, error)
	ClusterAccess(context.Context, joinapi.ClusterAccess) error
}

// How long a phase waits for the other side before it fails and leaves the
// next attempt to systemd.
const (
	enrolTimeout  = 10 * time.Minute // joinsvc may boot later than its hosts
	orderTimeout  = 45 * time.Minute // the first control plane and the queue
	routedTimeout = 30 * time.Minute // images, CNI, BGP
)
