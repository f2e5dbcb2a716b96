// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// pingTimeout is that of the kubelet's own probe of an API server (kubeadm's
// manifest: 15 s).
const pingTimeout = 15 * time.Second

// ErrRefused means that the API server answers and does not accept joinsvc's
// certificate.
var ErrRefused = errors.New("the API server does not accept joinsvc's certificate")

// Ping asks the API server whether it is ready, its etcd included, and returns
// how long that took. /readyz may be asked by everybody whom it knows (RBAC's
// role system:public-info-viewer).
func (c *Cluster) Ping(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	began := time.Now()
	err := c.Discovery.RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	took := time.Since(began)
	switch {
	case err == nil:
		return took, nil
	case apierrors.IsUnauthorized(err):
		return took, ErrRefused
	}
	return took, fmt.Errorf("asking the API server whether it is ready: %w", err)
}
