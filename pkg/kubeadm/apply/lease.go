// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// lease is a coordination.k8s.io/v1 Lease that elects one of several instances.
type lease struct {
	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"`
	Metadata   json.RawMessage `json:"metadata"` // with the resourceVersion: who changed it meanwhile wins
	Spec       leaseSpec       `json:"spec"`
}

type leaseSpec struct {
	Holder      string `json:"holderIdentity"` // "" is nobody's
	Seconds     int    `json:"leaseDurationSeconds"`
	Acquired    string `json:"acquireTime"`
	Renewed     string `json:"renewTime"`
	Transitions int    `json:"leaseTransitions"`
}

// microTime is how a Lease writes times (metav1.MicroTime, RFC3339Micro).
const microTime = "2006-01-02T15:04:05.000000Z07:00"

// Release gives back a lease of kube-system that an instance on host took before
// the time born, and did not give back itself: the next who asks has it at once,
// and need not wait for its end. It says whether it did. Holders are called
// "<host>_<random>" (1.37, cmd/kube-controller-manager, leaderElectAndRun), and
// what is written is what client-go's own release is (tools/leaderelection).
func (c *Client) Release(ctx context.Context, name, host string, born time.Time) (bool, error) {
	path := "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/" + name
	var l lease
	if err := c.call(ctx, http.MethodGet, path, nil, &l); err != nil {
		return false, unlessCode(err, http.StatusNotFound)
	}
	acquired, err := time.Parse(time.RFC3339, l.Spec.Acquired)
	switch {
	case !strings.HasPrefix(l.Spec.Holder, host+"_"):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("reading when the lease %s was taken: %w", name, err)
	case !acquired.Before(born):
		return false, nil
	}
	now := time.Now().UTC().Format(microTime)
	l.Spec = leaseSpec{Seconds: 1, Acquired: now, Renewed: now, Transitions: l.Spec.Transitions}
	body, err := json.Marshal(l)
	if err != nil {
		return false, fmt.Errorf("writing the lease %s: %w", name, err)
	}
	if err := c.call(ctx, http.MethodPut, path, body, nil); err != nil {
		return false, unlessCode(err, http.StatusConflict) // somebody holds it after all
	}
	return true, nil
}

// unlessCode is err, and nil for an answer with that HTTP status.
func unlessCode(err error, code int) error {
	var refused *StatusError
	if errors.As(err, &refused) && refused.Code == code {
		return nil
	}
	return err
}
