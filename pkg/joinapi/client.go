// SPDX-License-Identifier: Apache-2.0

package joinapi

import (
	"bytes"
	"context"
	"crypto"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxAnswer bounds what a host's client reads, in bytes. The largest answer is an init
// order, which holds Calico's manifest: about half a megabyte.
const maxAnswer = 8 << 20

// maxStatus bounds what an operator's client reads, in bytes: a status has what
// every host reported, and is as large as joinsvc's store at the most. It comes
// from root's own socket.
const maxStatus = 512 << 20

// requestTimeout bounds one request with its answer.
const requestTimeout = time.Minute

// Client is a node's side of the API once it has enrolled. What joinsvc itself
// answered instead of a result is an *Error, what anybody else answered is an
// *UnexpectedAnswerError. Temporary and RetryAfter say whether to ask again and
// when, which is the caller's to do.
type Client struct{ caller caller }

// NewClient makes a client for the joinsvc at server ("https://10.9.0.2:8443")
// with what enrolment returned, all PEM: joinsvc's CA, the node's certificate
// and its own key. id is the hardware that it runs on.
func NewClient(server string, ca, cert, key []byte, id Identity) (*Client, error) {
	base, err := parseServer(server)
	if err != nil {
		return nil, err
	}
	config, err := mutual(ca, cert, key)
	if err != nil {
		return nil, err
	}
	hardware, err := json.Marshal(id)
	if err != nil {
		return nil, fmt.Errorf("encoding this host's identity: %w", err)
	}
	c := newCaller(base, config)
	c.identity = string(hardware)
	return &Client{c}, nil
}

// Enrol asks the joinsvc at server to admit this host, and returns its name and
// certificate for key. Asking again with the same key and token is harmless and
// returns the same node. Nothing is sent before the server has shown the CA
// whose hash the token holds; *WrongCAError says that it has not.
func Enrol(ctx context.Context, server, token string, key crypto.Signer, id Identity) (EnrolResponse, error) {
	t, err := ParseToken(token)
	if err != nil {
		return EnrolResponse{}, err
	}
	base, err := parseServer(server)
	if err != nil {
		return EnrolResponse{}, err
	}
	csr, err := newRequest(key, id.Hostname)
	if err != nil {
		return EnrolResponse{}, err
	}
	c := newCaller(base, pinned(base.Hostname(), t.CA))
	defer c.http.CloseIdleConnections()
	c.token = t.String()
	var answer EnrolResponse
	err = c.call(ctx, http.MethodPost, PathEnrol, EnrolRequest{CSR: csr, Identity: id}, &answer)
	return answer, err
}

// Node returns what this node may see: itself, with its part of the plan.
// CodeForbidden means that the certificate is of a node with other hardware.
func (c *Client) Node(ctx context.Context) (NodeView, error) {
	var view NodeView
	err := c.caller.call(ctx, http.MethodPost, PathNode, nil, &view)
	return view, err
}

// Report tells of one phase of this host's run.
func (c *Client) Report(ctx context.Context, r Report) error {
	return c.caller.call(ctx, http.MethodPost, PathReport, r, nil)
}

// Kubeadm asks what kubeadm has to do here. CodeNotYet means that another node
// has to get further first; the message says which.
func (c *Client) Kubeadm(ctx context.Context) (KubeadmOrder, error) {
	var order KubeadmOrder
	err := c.caller.call(ctx, http.MethodPost, PathKubeadm, nil, &order)
	return order, err
}

// ClusterAccess hands joinsvc the certificate that the cluster issued for
// joinsvc's key.
func (c *Client) ClusterAccess(ctx context.Context, a ClusterAccess) error {
	return c.caller.call(ctx, http.MethodPost, PathAccess, a, nil)
}

// Admin is an operator's side of the API, on the machine of joinsvc.
type Admin struct{ caller caller }

// NewAdmin makes a client for the unix socket at path.
func NewAdmin(path string) *Admin {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}
	return &Admin{caller{
		hint: socketHint,
		most: maxStatus,
		base: &url.URL{Scheme: "http", Host: "joinsvc"},
		http: &http.Client{Timeout: requestTimeout, Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}},
	}}
}

// Status returns all planned nodes and their sessions.
func (a *Admin) Status(ctx context.Context) (Status, error) {
	var s Status
	err := a.caller.call(ctx, http.MethodGet, PathStatus, nil, &s)
	return s, err
}

// Release frees what the node of a host that is gone holds.
func (a *Admin) Release(ctx context.Context, r ReleaseRequest) (Released, error) {
	var freed Released
	err := a.caller.call(ctx, http.MethodPost, PathRelease, r, &freed)
	return freed, err
}

// CreateToken makes an enrolment token.
func (a *Admin) CreateToken(ctx context.Context, r TokenRequest) (Token, error) {
	var t Token
	err := a.caller.call(ctx, http.MethodPost, PathTokens, r, &t)
	return t, err
}

// ReopenInit lets kubeadm init run once more. node is the one that has it.
func (a *Admin) ReopenInit(ctx context.Context, node string) error {
	return a.caller.call(ctx, http.MethodPost, PathReopen, ReopenRequest{Node: node}, nil)
}

type caller struct {
	base  *url.URL
	http  *http.Client
	token string // sent as a bearer token (RFC 6750) when set
	// identity is sent in HeaderIdentity when set.
	identity string
	// hint is what to do about a door that does not open.
	hint func(error) string
	most int64 // bytes of an answer
}

// unreached adds the next step where nobody could be asked.
func (c caller) unreached(err error) error {
	var door *net.OpError
	if !errors.As(err, &door) || door.Op != "dial" {
		return fmt.Errorf("asking joinsvc: %w", err)
	}
	return fmt.Errorf("asking joinsvc: %w; %s", err, c.hint(err))
}

func socketHint(err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return "operators ask as root (sudo)"
	}
	return "operators ask on joinsvc's own machine: `systemctl status joinsvc` says whether it runs, and adminSocket of its configuration where it is asked"
}

func networkHint(error) string {
	return "`systemctl status joinsvc` there says whether it runs; else look at the address, and at firewalls on the way"
}

func newCaller(base *url.URL, config *tls.Config) caller {
	// No proxy: joinsvc is on the provisioning network, and a proxy of the
	// host's environment would not reach it.
	return caller{base: base, hint: networkHint, most: maxAnswer, http: &http.Client{
		Timeout: requestTimeout,
		Transport: &http.Transport{
			TLSClientConfig:     config,
			TLSHandshakeTimeout: 20 * time.Second,
			MaxIdleConns:        1,
			IdleConnTimeout:     time.Minute,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func parseServer(server string) (*url.URL, error) {
	u, err := url.Parse(server)
	if err != nil {
		return nil, fmt.Errorf("reading joinsvc's URL: %w", err)
	}
	if u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return nil, fmt.Errorf("joinsvc's URL is %q; want https://address:port", server)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

// call sends body, if not nil, and decodes the answer into into, if not nil.
func (c caller) call(ctx context.Context, method, path string, body, into any) error {
	req, err := c.request(ctx, method, path, body)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return c.unreached(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, c.most+1))
	if err != nil {
		return fmt.Errorf("reading joinsvc's answer to %s: %w", path, err)
	}
	if int64(len(data)) > c.most {
		return fmt.Errorf("joinsvc's answer to %s is larger than %d bytes", path, c.most)
	}
	if resp.StatusCode/100 != 2 {
		return refusal(resp, data)
	}
	if into == nil {
		return nil
	}
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); kind != "application/json" {
		return newUnexpected(resp, kind, data)
	}
	// Unknown fields are let pass here alone: a newer joinsvc may say more
	// than this client asks for.
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("reading joinsvc's answer to %s: %w", path, err)
	}
	return nil
}

func (c caller) request(ctx context.Context, method, path string, body any) (*http.Request, error) {
	var content []byte
	if body != nil {
		var err error
		if content, err = json.Marshal(body); err != nil {
			return nil, fmt.Errorf("encoding the request to %s: %w", path, err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base.JoinPath(path).String(), bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("making the request to %s: %w", path, err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json, "+ProblemMediaType)
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.identity != "" {
		req.Header.Set(HeaderIdentity, c.identity)
	}
	return req, nil
}
