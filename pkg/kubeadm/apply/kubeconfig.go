// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"go.yaml.in/yaml/v3"
)

// kubeconfig is what of a kubeconfig kubeadm writes (k8s.io/client-go
// tools/clientcmd/api/v1): certificates and keys within the file.
type kubeconfig struct {
	CurrentContext string `yaml:"current-context"`
	Clusters       []struct {
		Name    string `yaml:"name"`
		Cluster struct {
			Server string `yaml:"server"`
			CA     string `yaml:"certificate-authority-data"`
			CAFile string `yaml:"certificate-authority"`
		} `yaml:"cluster"`
	} `yaml:"clusters"`
	Contexts []struct {
		Name    string `yaml:"name"`
		Context struct {
			Cluster string `yaml:"cluster"`
			User    string `yaml:"user"`
		} `yaml:"context"`
	} `yaml:"contexts"`
	Users []struct {
		Name string `yaml:"name"`
		User struct {
			Certificate     string `yaml:"client-certificate-data"`
			CertificateFile string `yaml:"client-certificate"`
			Key             string `yaml:"client-key-data"`
		} `yaml:"user"`
	} `yaml:"users"`
}

// access is what the current context says, decoded.
type access struct {
	server       string
	ca           []byte // PEM
	caFile       string // instead of ca
	cert, secret []byte // PEM
	certFile     string // instead of cert
}

func parseKubeconfig(text string) (access, error) {
	var k kubeconfig
	if err := yaml.Unmarshal([]byte(text), &k); err != nil {
		return access{}, err
	}
	var a access
	var cluster, user string
	for _, c := range k.Contexts {
		if c.Name == k.CurrentContext {
			cluster, user = c.Context.Cluster, c.Context.User
		}
	}
	var errs []error
	decode := func(what, text string) []byte {
		data, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", what, err))
		}
		return data
	}
	for _, c := range k.Clusters {
		if c.Name == cluster {
			a.server, a.caFile = c.Cluster.Server, c.Cluster.CAFile
			a.ca = decode("certificate-authority-data", c.Cluster.CA)
		}
	}
	for _, u := range k.Users {
		if u.Name == user {
			a.certFile = u.User.CertificateFile
			a.cert, a.secret = decode("client-certificate-data", u.User.Certificate), decode("client-key-data", u.User.Key)
		}
	}
	return a, errors.Join(errs...)
}

// ClusterCA returns the CA, PEM, of the cluster that a kubeconfig is for. It
// reads the file that kubelet's may name instead of holding it.
func ClusterCA(kubeconfig string, read func(name string) (string, error)) (string, error) {
	a, err := parseKubeconfig(kubeconfig)
	switch {
	case err != nil:
		return "", err
	case len(bytes.TrimSpace(a.ca)) > 0:
		return string(a.ca), nil
	case a.caFile != "":
		return read(a.caFile)
	}
	return "", errors.New("its current context names no CA")
}

// ClientCertificate returns the certificate, PEM, with which a kubeconfig lets
// its holder in, and the file that it names for it, "" when it holds it itself.
func ClientCertificate(kubeconfig string, read func(name string) (string, error)) (text, file string, err error) {
	a, err := parseKubeconfig(kubeconfig)
	switch {
	case err != nil:
		return "", "", err
	case len(a.cert) > 0 || a.certFile == "":
		return string(a.cert), "", nil
	}
	text, err = read(a.certFile)
	return text, a.certFile, err
}

// requestTimeout bounds one request with its answer. It is above kube-apiserver's
// own (--request-timeout, one minute, and three where the plan's pace is slow), so
// that what is seen is the server's word for it, and nothing is sent again to a
// server that is still at work on it.
const requestTimeout = 3*time.Minute + 15*time.Second

// Client is the administrator's way into one cluster.
type Client struct {
	base *url.URL
	http *http.Client
	// resources are those of one API version each, as discovery lists them.
	resources map[string][]resource
}

// NewClient makes a client of the text of a kubeconfig, as kubeadm writes
// /etc/kubernetes/admin.conf.
func NewClient(kubeconfig string) (*Client, error) {
	a, err := parseKubeconfig(kubeconfig)
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(a.server)
	if err != nil || base.Scheme != "https" || base.Host == "" {
		return nil, fmt.Errorf("its current context's server is %q, want https://address:port", a.server)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(a.ca) {
		return nil, errors.New("its current context has no certificate-authority-data")
	}
	pair, err := tls.X509KeyPair(a.cert, a.secret)
	if err != nil {
		return nil, fmt.Errorf("its client certificate and key: %w", err)
	}
	// No proxy: the API server is this host's own.
	return &Client{base: base, resources: map[string][]resource{}, http: &http.Client{
		Timeout: requestTimeout,
		Transport: &http.Transport{
			TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, Certificates: []tls.Certificate{pair}},
			TLSHandshakeTimeout: 30 * time.Second,
			IdleConnTimeout:     time.Minute,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Close ends the idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }
