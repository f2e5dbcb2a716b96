// SPDX-License-Identifier: Apache-2.0

package apic

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxAnswer bounds what is read of one answer, in bytes. A page of a thousand
// objects has about one megabyte.
const maxAnswer = 16 << 20

// requestTimeout bounds one request with its answer. The APIC gives up on its
// own work after 90 s (restTimeoutSeconds).
const requestTimeout = 100 * time.Second

// defaultPageSize is how many objects one page of an answer has.
const defaultPageSize = 1000

// Config says which APIC is asked, as whom, and for whose objects.
type Config struct {
	URL      string // "https://apic1.example.com"
	User     string
	Password Secret
	Trust    Trust
	Owner    string        // the annotation of our objects: aci.Owner(cluster)
	Timeout  time.Duration // of one request, default 100 s
	PageSize int           // objects in one page of an answer, default 1000
}

// A Secret prints as nothing that anybody could use.
type Secret string

// String hides the secret from %v and %s.
func (Secret) String() string { return "(secret)" }

// GoString hides the secret from %#v.
func (Secret) GoString() string { return "(secret)" }

// A Client asks and changes one APIC. It is for one goroutine.
type Client struct {
	base     *url.URL
	http     *http.Client
	user     string
	password Secret
	owner    string
	pageSize int
	session  session
	now      func() time.Time
}

// New makes a client. It sends nothing: the first request logs in.
func New(c Config) (*Client, error) {
	base, err := parseURL(c.URL)
	if err != nil {
		return nil, err
	}
	config, err := c.Trust.config()
	if err != nil {
		return nil, err
	}
	return &Client{
		base: base, user: c.User, password: c.Password, owner: c.Owner,
		pageSize: cmp.Or(c.PageSize, defaultPageSize),
		now:      time.Now,
		http: &http.Client{
			Timeout: cmp.Or(c.Timeout, requestTimeout),
			Transport: &http.Transport{
				Proxy:               http.ProxyFromEnvironment,
				TLSClientConfig:     config,
				TLSHandshakeTimeout: 20 * time.Second,
				MaxIdleConns:        1,
				IdleConnTimeout:     time.Minute,
			},
			// An APIC redirects HTTP to HTTPS and nothing else, and whoever
			// else redirects shall not have the cookie.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("reading the APIC's URL: %w", err)
	}
	if u.Scheme != "https" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.User != nil || u.RawQuery != "" {
		return nil, fmt.Errorf("the APIC's URL is %q; want https://HOST or https://HOST:PORT", u.Redacted())
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

// A request is one exchange with the APIC.
type request struct {
	method string
	path   string     // "/api/mo/uni/tn-TEN_K8_C1.json"
	query  url.Values // nil for none
	body   any        // encoded as JSON; nil for none
	dn     string     // what the request is about, for its error
}

// ask logs in if need be, sends r, and logs in once more when the APIC says
// that the token is no longer good. It forgets tokens when it restarts.
func (c *Client) ask(ctx context.Context, r request) (answer, error) {
	if err := c.authenticate(ctx); err != nil {
		return answer{}, err
	}
	a, err := c.send(ctx, r)
	if !tokenRefused(err) {
		return a, err
	}
	// Nothing was done: the token is looked at first.
	if err := c.login(ctx); err != nil {
		return answer{}, err
	}
	return c.send(ctx, r)
}

// send makes one exchange with the token as it is.
func (c *Client) send(ctx context.Context, r request) (answer, error) {
	req, err := c.request(ctx, r)
	if err != nil {
		return answer{}, err
	}
	resp, err := c.http.Do(req)
	var untrusted *tls.CertificateVerificationError
	switch {
	case errors.As(err, &untrusted):
		return answer{}, fmt.Errorf("asking the APIC: %w; name the CA that signed its certificate for this host, or pin its key", err)
	case err != nil:
		return answer{}, fmt.Errorf("asking the APIC: %w", err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return answer{}, fmt.Errorf("reading the APIC's answer to %s %s: %w", r.method, r.path, err)
	}
	if len(data) > maxAnswer {
		return answer{}, fmt.Errorf("the APIC's answer to %s %s is larger than %d bytes", r.method, r.path, maxAnswer)
	}
	return readAnswer(r, resp, data)
}

func (c *Client) request(ctx context.Context, r request) (*http.Request, error) {
	var content []byte
	if r.body != nil {
		var err error
		if content, err = json.Marshal(r.body); err != nil {
			return nil, fmt.Errorf("encoding the request to %s: %w", r.path, err)
		}
	}
	u := *c.base
	// Names have brackets, which net/url would write as %5B. Cisco's own clients
	// send them as they are, and whether an APIC takes both is not documented.
	u.Path, u.RawPath, u.RawQuery = r.path, r.path, r.query.Encode()
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("making the request to %s: %w", r.path, err)
	}
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.session.token != "" {
		req.AddCookie(&http.Cookie{Name: tokenCookie, Value: c.session.token})
	}
	return req, nil
}

// moPath is where the object with a distinguished name is.
func moPath(dn string) string { return "/api/mo/" + dn + ".json" }
