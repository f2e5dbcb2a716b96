// SPDX-License-Identifier: Apache-2.0

package bootstrap

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/identity"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/phase"
)

// A certificate that has not run out is worth nothing when joinsvc released the
// node, was put back from an older backup, or is another one: the host enrols anew
// with the token that it is given. Whatever else joinsvc says, or does not say,
// leaves the enrolment as it is.
func TestADisownedHostEnrolsAnew(t *testing.T) {
	for name, tc := range map[string]struct {
		answer error
		anew   bool
	}{
		"known":            {nil, false},
		"released":         {joinapi.Errorf(joinapi.CodeForbidden, "k8c1s1 holds a certificate of this joinsvc, but is not enrolled here; enrol it again"), true},
		"not known at all": {joinapi.Errorf(joinapi.CodeUnauthorized, "no certificate"), true},
		"another joinsvc":  {&url.Error{Op: "Post", Err: x509.UnknownAuthorityError{}}, true},
		"to another":       {&url.Error{Op: "Post", Err: &net.OpError{Op: "remote error", Err: errors.New("tls: unknown certificate authority")}}, true},
		"not there":        {&url.Error{Op: "Post", Err: io.EOF}, false},
		"busy":             {joinapi.Errorf(joinapi.CodeUnavailable, "etcd"), false},
		"later":            {joinapi.Errorf(joinapi.CodeTooMany, "slow down"), false},
		"in conflict":      {joinapi.Errorf(joinapi.CodeConflict, "joined already"), false},
	} {
		t.Run(name, func(t *testing.T) {
			enrolled, asked := 0, 0
			e := Enrolment{
				Store: identity.Store{Dir: t.TempDir()}, URL: "https://joinsvc", Now: time.Now,
				Ask: func(_ context.Context, key crypto.Signer) (joinapi.EnrolResponse, error) {
					enrolled++
					return certified(t, key), nil
				},
				Known: func(context.Context) error {
					asked++
					return tc.answer
				},
			}
			var said []string
			run := func() (phase.Result, error) {
				r := phase.Runner{Now: time.Now, Report: func(e phase.Event) { said = append(said, e.Change) }}
				return r.Run(t.Context(), []phase.Phase{e.Phase()})
			}
			if _, err := run(); err != nil || asked != 0 || enrolled != 1 {
				t.Fatalf("a fresh host asked %d times, enrolled %d times: %v", asked, enrolled, err)
			}
			want := 0
			if tc.anew {
				want = 1
			}
			if r, err := run(); err != nil || asked != 1 || r.Changes != want || enrolled != 1+want {
				t.Errorf("asked %d times, enrolled %d times, %+v: %v", asked, enrolled, r, err)
			}
			told := func(change string) bool { return strings.Contains(change, "enrolment: void (") }
			if slices.ContainsFunc(said, told) != tc.anew {
				t.Errorf("said %q", said)
			}
		})
	}
}
