// SPDX-License-Identifier: Apache-2.0

package bootstrap

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/nodeprep/nodeprep/pkg/identity"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/phase"
)

// Enrolment is how this host gets its certificate.
type Enrolment struct {
	Store identity.Store
	// Ask redeems the token with the node's own key. Asking twice with the
	// same key is safe: joinsvc answers the same.
	Ask func(context.Context, crypto.Signer) (joinapi.EnrolResponse, error)
	URL string
	Now func() time.Time
	// Known, if set, asks joinsvc for something with the certificate.
	Known func(context.Context) error
}

// knownTimeout bounds the question whether joinsvc knows the certificate.
const knownTimeout = 10 * time.Second

// Phase is the enrolment as a phase: done while the certificate is valid, here
// and to joinsvc.
func (e Enrolment) Phase() phase.Phase {
	asked := false
	return phase.Phase{
		Name: "enrol",
		Doc:  "make a key and have joinsvc certify it",
		Plan: func(ctx context.Context) ([]phase.Change, error) {
			first := !asked
			asked = true
			return e.plan(ctx, first)
		},
	}
}

func (e Enrolment) plan(ctx context.Context, first bool) ([]phase.Change, error) {
	kept, valid, err := e.Store.Load(e.Now())
	if err != nil {
		return nil, err
	}
	from := "none"
	switch {
	case !valid && kept.Certificate != "":
		from = identity.Outworn
	case valid:
		why := e.disowned(ctx, first)
		if why == nil {
			return nil, nil
		}
		from = fmt.Sprintf("void (%v)", why)
	}
	return []phase.Change{{What: "enrolment", From: from, To: "certified by " + e.URL, Do: e.enrol}}, nil
}

// disowned is why joinsvc does not take a certificate that has not run out: it
// was released, its records are of a time before, or it is another joinsvc. Once
// a run: what it answers to a fresh one is for the phases that follow, and so is
// that it does not answer.
func (e Enrolment) disowned(ctx context.Context, first bool) error {
	if e.Known == nil || !first {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, knownTimeout)
	defer cancel()
	if err := e.Known(ctx); Disowns(err) {
		return err
	}
	return nil
}

// Disowns tells whether err is of a joinsvc that does not take this host's
// certificate, or whose own is not of the CA that this host enrolled with.
func Disowns(err error) bool {
	var authority x509.UnknownAuthorityError
	var alert *net.OpError
	code := joinapi.CodeOf(err)
	return code == joinapi.CodeForbidden || code == joinapi.CodeUnauthorized ||
		errors.As(err, &authority) || errors.As(err, &alert) && alert.Op == "remote error"
}

func (e Enrolment) enrol(ctx context.Context) error {
	key, err := e.Store.Key()
	if err != nil {
		return err
	}
	response, err := persist(ctx, func(ctx context.Context) (joinapi.EnrolResponse, error) {
		return e.Ask(ctx, key)
	})
	if err != nil {
		return err
	}
	return e.Store.Save(response)
}
