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
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// A process is one component; it logs to a file below the root.
type process struct {
	name string
	log  string
	cmd  *exec.Cmd
	done chan struct{}
}

func (c *ControlPlane) run(name string, flags []string) error {
	p := &process{name: name, log: filepath.Join(c.Root, name+".log"), done: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		return fmt.Errorf("starting %s: %w", name, err)
	}
	p.cmd = exec.Command(c.binaries[name], flags...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error, 1)
	go p.own(started)
	if err := errors.Join(<-started, log.Close()); err != nil {
		return fmt.Errorf("starting %s: %w", name, err)
	}
	c.processes = append(c.processes, p)
	return nil
}

// own starts and reaps the process on one OS thread that stays, because the
// parent-death signal is sent when the forking thread ends (prctl(2)).
func (p *process) own(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	_ = p.cmd.Wait() // the log says more than the status
	close(p.done)
}

// tail is the end of what the process has logged.
func (p *process) tail() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return p.name + ": " + strings.Join(lines[max(0, len(lines)-15):], "\n")
}

func (c *ControlPlane) exited() error {
	for _, p := range c.processes {
		select {
		case <-p.done:
			return fmt.Errorf("%w: %s", os.ErrProcessDone, p.tail())
		default:
		}
	}
	return nil
}

// Stop ends the processes, the last started first, and returns when they are gone.
func (c *ControlPlane) Stop() error {
	var errs []error
	for i := len(c.processes) - 1; i >= 0; i-- {
		p := c.processes[i]
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
			errs = append(errs, fmt.Errorf("ending %s: %w", p.name, err))
		}
		select {
		case <-p.done:
		case <-time.After(5 * time.Second): // an API server drains for a minute
			if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
				errs = append(errs, fmt.Errorf("killing %s: %w", p.name, err))
			}
			<-p.done
		}
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
