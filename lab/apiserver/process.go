// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/nodeprep/nodeprep/lab/daemon"
)

// run starts one component; it logs to a file below the root.
func (c *ControlPlane) run(name string, flags []string) error {
	d, err := daemon.Start(name, c.Root, exec.Command(c.binaries[name], flags...))
	if err != nil {
		return err
	}
	c.processes = append(c.processes, d)
	return nil
}

func (c *ControlPlane) exited() error {
	for _, p := range c.processes {
		if err := p.Exited(); err != nil {
			return err
		}
	}
	return nil
}

// Stop ends the processes, the last started first, and returns when they are gone.
func (c *ControlPlane) Stop() error {
	var errs []error
	for _, p := range slices.Backward(c.processes) {
		errs = append(errs, p.Stop())
	}
	c.processes = nil
	return errors.Join(errs...)
}

// anonymous is a client that knows the CA and has no credentials.
func (c *ControlPlane) anonymous() (*http.Client, error) {
	text, err := os.ReadFile(c.Path("pki/ca.crt"))
	if err != nil {
		return nil, fmt.Errorf("reading the cluster's CA: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, errors.New("the cluster's CA is no PEM")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	return &http.Client{Transport: transport, Timeout: 10 * time.Second}, nil
}
