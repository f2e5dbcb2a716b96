// SPDX-License-Identifier: Apache-2.0

package join

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"time"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// maxTTL bounds an enrolment token's life; a leaked kickstart file outlives
// the installation it was written for.
const maxTTL = 90 * 24 * time.Hour

// token is an enrolment token as it is stored: without its secret, and written
// once. Its uses are keys of their own, under it.
type token struct {
	ID      string    `json:"id"`
	Hash    string    `json:"hash"` // hex SHA-256 of the secret
	Expires time.Time `json:"expires"`
	// Made is when, which a token of before it was kept does not say.
	Made time.Time `json:"made,omitzero"`
	Uses int       `json:"uses"`           // how many keys may redeem it
	Node string    `json:"node,omitempty"` // only as this node
	Role plan.Role `json:"role,omitempty"` // only as this; empty with Node
	// Reinstalled lets a key take the place of Node's: once, so that a host
	// which was itself replaced since does not take it back.
	Reinstalled bool `json:"reinstalled,omitempty"`
}

// CreateToken makes an enrolment token. Its secret is returned once and kept
// hashed: it has 256 random bits, so a slow hash would add nothing.
func (c *Coordinator) CreateToken(ctx context.Context, r joinapi.TokenRequest) (joinapi.Token, error) {
	node, role, err := c.checkTokenRequest(r)
	if err != nil {
		return joinapi.Token{}, err
	}
	t := joinapi.EnrolToken{CA: joinapi.CAHash(c.CA.Certificate().Raw), ID: random(6), Secret: random(32)}
	now := c.Now().UTC()
	rec := token{
		ID: t.ID, Hash: hashSecret(t.Secret), Expires: now.Add(r.TTL), Made: now,
		Uses: r.Uses, Node: node, Role: role, Reinstalled: r.Reinstalled,
	}
	err = c.Store.Update(ctx, func(tx Tx) error { return put(tx, tokenPrefix+t.ID, rec) })
	if err != nil {
		return joinapi.Token{}, err
	}
	c.Log.Info("enrolment token made", "token", rec.ID, "uses", rec.Uses, "expires", rec.Expires, "node", rec.Node, "role", rec.Role, "reinstalled", rec.Reinstalled)
	c.tidy(context.WithoutCancel(ctx))
	return joinapi.Token{Token: t.String(), Expires: rec.Expires}, nil
}

// checkTokenRequest says everything that is wrong with a request, or returns
// the full name of the node that it names, or else the role.
func (c *Coordinator) checkTokenRequest(r joinapi.TokenRequest) (node string, role plan.Role, err error) {
	var problems []joinapi.FieldProblem
	add := func(path, format string, args ...any) {
		problems = append(problems, wrong(path, format, args...))
	}
	if r.Uses < 1 {
		add("uses", "%d is less than 1", r.Uses)
	}
	if r.TTL < time.Second || r.TTL > maxTTL {
		add("ttl", "%v is not in 1s–%v", r.TTL, maxTTL)
	}
	if r.Reinstalled && (r.Node == "" || r.Uses != 1) {
		add("reinstalled", "one host is installed anew, so the token needs its node and has one use")
	}
	node, role, problem := c.admits(r)
	if problem.Path != "" {
		problems = append(problems, problem)
	}
	if len(problems) > 0 {
		return "", "", joinapi.Invalid(problems...)
	}
	return node, role, nil
}

// random returns n bytes of crypto/rand in base64url, which has no dot.
func random(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails (Go 1.24)
	return base64.RawURLEncoding.EncodeToString(b)
}

func hashSecret(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// A refusal is a *joinapi.Error for the host with more for joinsvc's log.
type refusal struct {
	answer *joinapi.Error
	why    string // for the log
	alarm  bool   // somebody tries what only an intruder or a mix-up would
}

func (r *refusal) Error() string { return r.answer.Message + " [" + r.why + "]" }

func (r *refusal) Unwrap() error { return r.answer }

func refuse(code joinapi.Code, why, format string, args ...any) *refusal {
	return &refusal{answer: joinapi.Errorf(code, format, args...), why: why}
}

// unknownToken is one answer for a wrong id and a wrong secret, so that ids
// cannot be fished for.
const unknownToken = "joinsvc does not know this enrolment token; compare it with what `joinsvc token create` printed, or make a new one"

// authenticate returns the stored token that presented proves.
func (c *Coordinator) authenticate(ctx context.Context, presented joinapi.EnrolToken) (token, error) {
	var t token
	var known bool
	err := c.Store.Update(ctx, func(tx Tx) (err error) {
		t, known, err = get[token](tx, tokenPrefix+presented.ID)
		return err
	})
	if err != nil {
		return token{}, err
	}
	right := subtle.ConstantTimeCompare([]byte(hashSecret(presented.Secret)), []byte(t.Hash)) == 1
	switch {
	case !known:
		return token{}, refuse(joinapi.CodeUnauthorized, "unknown token", unknownToken)
	case !right:
		return token{}, refuse(joinapi.CodeUnauthorized, "wrong secret", unknownToken)
	}
	return t, nil
}

// Knows returns the id of the token that bearer proves, empty when it proves none.
func (c *Coordinator) Knows(ctx context.Context, bearer string) string {
	presented, err := joinapi.ParseToken(bearer)
	if err != nil {
		return ""
	}
	if _, err := c.authenticate(ctx, presented); err != nil {
		return ""
	}
	return presented.ID
}

// unexpired refuses a token whose time is over. Whoever has shown its secret
// may know that. One that is yet to be made, by its own word, was made while the
// clock was ahead, and would be good for that much longer than somebody meant;
// or the clock is behind now, as it may be after a boot, and a host that waits
// is let in when it is set.
func (c *Coordinator) unexpired(t token) error {
	now := c.Now()
	if t.Made.Sub(now) > skew {
		r := refuse(joinapi.CodeUnavailable, "made by another clock",
			"by joinsvc's clock it is %s, and this enrolment token was made at %s: if that clock is behind, set it; if it was ahead then, make a new token with `joinsvc token create`",
			now.UTC().Format(time.RFC3339), t.Made.Format(time.RFC3339))
		r.answer.RetryAfter = notYet
		return r
	}
	if !now.After(t.Expires) {
		return nil
	}
	at := t.Expires.Format(time.RFC3339)
	return refuse(joinapi.CodeUnauthorized, "expired at "+at, "this enrolment token expired at %s; make a new one with `joinsvc token create`", at)
}
