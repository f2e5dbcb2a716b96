// SPDX-License-Identifier: Apache-2.0

package join

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// ErrAccessRefused is what the API server's measurement holds when it answers
// and does not accept joinsvc's certificate.
var ErrAccessRefused = errors.New("the cluster does not accept joinsvc's certificate")

// accessOld is after what time without an answer the cluster counts as out of
// reach. It is asked every 10 s, or oftener.
const accessOld = 45 * time.Second

// accessState is how joinsvc's access to the cluster is now, not that there is
// a record of one.
func (c *Coordinator) accessState(a joinapi.ClusterAccess, ok bool) joinapi.AccessStatus {
	if !ok {
		return joinapi.AccessStatus{State: joinapi.AccessNone, Reason: "no node has handed over access to a cluster yet"}
	}
	s := joinapi.AccessStatus{State: joinapi.AccessOK, Server: a.Server}
	if c.Admission != nil {
		s.Answered = c.Admission.Reading().Answered
	}
	expires, err := notAfter(a.Certificate)
	s.Expires = expires.UTC()
	now := c.Now()
	switch {
	case err != nil:
		s.State, s.Reason = joinapi.AccessUnreachable, err.Error()
	case now.After(expires):
		s.State = joinapi.AccessExpired
		s.Reason = fmt.Sprintf("the certificate that the cluster issued for joinsvc was valid until %s; `nodeprep run` on the node that made the cluster gets another", expires.UTC().Format(time.RFC3339))
	case c.connected() == nil:
		s.State, s.Reason = joinapi.AccessUnreachable, "the access on record cannot be used; joinsvc's log says why"
	case c.Admission != nil:
		s.State, s.Reason = c.reached(now)
	}
	if s.State == joinapi.AccessOK && a.Server != c.endpoint() {
		s.Reason = fmt.Sprintf("%s, while the plan sends new nodes to %s: set spec.kubernetes.apiEndpoint back, unless that is the same cluster's", a.Server, c.endpoint())
	}
	return s
}

// reached is what the last calls of the API server say.
func (c *Coordinator) reached(now time.Time) (joinapi.AccessState, string) {
	r := c.Admission.Reading()
	silent := r.Answered.IsZero() || now.Sub(r.Answered) > accessOld
	switch {
	case errors.Is(r.Err, ErrAccessRefused):
		return joinapi.AccessExpired, r.Err.Error()
	case r.Err != nil && silent:
		return joinapi.AccessUnreachable, r.Err.Error()
	case silent:
		return joinapi.AccessUnreachable, "it has not answered yet"
	}
	return joinapi.AccessOK, ""
}

// certificate is the one on record for joinsvc.
func certificate(text string) (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("the certificate on record for joinsvc is no PEM")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate on record for joinsvc: %w", err)
	}
	return cert, nil
}

func notAfter(text string) (time.Time, error) {
	cert, err := certificate(text)
	if err != nil {
		return time.Time{}, err
	}
	return cert.NotAfter, nil
}

// CanAnswer returns nil when joinsvc has all that its answers need: a store that
// takes a write, a CA that is valid, and, once a node has handed one over, an
// access to the cluster that works. Else it is CodeNotYet with every reason.
func (c *Coordinator) CanAnswer(ctx context.Context) error {
	var reasons []string
	if err := c.Ready(ctx); err != nil {
		reasons = append(reasons, err.Error())
	}
	if err := c.CA.Valid(); err != nil {
		reasons = append(reasons, "joinsvc's CA signs nothing: "+err.Error())
	}
	access, ok, err := c.access(ctx)
	if err != nil {
		reasons = append(reasons, "reading the access to the cluster: "+err.Error())
	} else if s := c.accessState(access, ok); s.State != joinapi.AccessOK && s.State != joinapi.AccessNone {
		reasons = append(reasons, fmt.Sprintf("the cluster at %s is out of joinsvc's reach (%s): %s", s.Server, s.State, s.Reason))
	}
	if len(reasons) == 0 {
		return nil
	}
	e := joinapi.Errorf(joinapi.CodeNotYet, "joinsvc cannot answer everybody: %s", strings.Join(reasons, "; "))
	e.RetryAfter = notYet
	return e
}
