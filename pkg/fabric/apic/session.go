// SPDX-License-Identifier: Apache-2.0

package apic

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// tokenCookie is the cookie that carries a session's token.
const tokenCookie = "APIC-cookie"

// A session is one login, from the APIC's answer to it.
type session struct {
	token   string
	refresh time.Time // when to ask for a further token
	expires time.Time // when the APIC no longer takes this one
}

// authenticate makes sure of a token that lives a while.
func (c *Client) authenticate(ctx context.Context) error {
	now := c.now()
	switch {
	case c.session.token == "" || !now.Before(c.session.expires):
		return c.login(ctx)
	case now.Before(c.session.refresh):
		return nil
	}
	a, err := c.send(ctx, request{method: http.MethodGet, path: "/api/aaaRefresh.json"})
	if tokenRefused(err) {
		return c.login(ctx)
	}
	if err != nil {
		return fmt.Errorf("renewing the session: %w", err)
	}
	return c.adopt(a)
}

func (c *Client) login(ctx context.Context) error {
	c.session = session{}
	credentials := map[string]string{"name": c.user, "pwd": string(c.password)}
	a, err := c.send(ctx, request{method: http.MethodPost, path: "/api/aaaLogin.json", body: post{
		"aaaUser": {Attributes: credentials},
	}})
	if err != nil {
		return fmt.Errorf("logging in as %s: %w", c.user, err)
	}
	return c.adopt(a)
}

// adopt takes the token out of an answer to aaaLogin or aaaRefresh. Releases
// differ in whether the latter calls it aaaLogin too.
func (c *Client) adopt(a answer) error {
	if len(a.Imdata) == 0 {
		return errors.New("the APIC's answer to a login is empty")
	}
	body, ok := a.Imdata[0]["aaaLogin"]
	if !ok {
		body = a.Imdata[0]["aaaRefresh"]
	}
	token := body.Attributes["token"]
	seconds, err := strconv.ParseUint(body.Attributes["refreshTimeoutSeconds"], 10, 31)
	if token == "" || err != nil || seconds == 0 {
		return errors.New("the APIC's answer to a login has no token or no refreshTimeoutSeconds")
	}
	life := time.Duration(seconds) * time.Second
	now := c.now()
	// With a third of its life left there is time for a slow answer.
	c.session = session{token: token, refresh: now.Add(life / 3 * 2), expires: now.Add(life)}
	return nil
}

// Close ends the session, of which an APIC allows each user only so many. What
// goes wrong with it, ends with its timeout there.
func (c *Client) Close(ctx context.Context) {
	if c.session.token != "" {
		_, _ = c.send(ctx, request{method: http.MethodPost, path: "/api/aaaLogout.json", body: post{
			"aaaUser": {Attributes: map[string]string{"name": c.user}},
		}})
	}
	c.session = session{}
	c.http.CloseIdleConnections()
}
