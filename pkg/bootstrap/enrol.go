// SPDX-License-Identifier: Apache-2.0

package bootstrap

import (
	"context"
	"crypto"
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
}

// Phase is the enrolment as a phase: done while the certificate is valid.
func (e Enrolment) Phase() phase.Phase {
	return phase.Phase{
		Name: "enrol",
		Doc:  "make a key and have joinsvc certify it",
		Plan: e.plan,
	}
}

func (e Enrolment) plan(context.Context) ([]phase.Change, error) {
	_, valid, err := e.Store.Load(e.Now())
	if err != nil || valid {
		return nil, err
	}
	return []phase.Change{{What: "enrolment", From: "none", To: "certified by " + e.URL, Do: e.enrol}}, nil
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
