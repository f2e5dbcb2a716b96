// SPDX-License-Identifier: Apache-2.0

// Package bootstrap is the one page that says which phases a host goes
// through, and in which order.
package bootstrap

import (
	"context"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// Coordinator is what an enrolled host asks of joinsvc.
type Coordinator interface {
	Node(context.Context) (joinapi.NodeView, error)
	Report(context.Context, joinapi.Report) error
	Kubeadm(context.Context) (joinapi.KubeadmOrder, error)
	ClusterAccess(context.Context, joinapi.ClusterAccess) error
}
