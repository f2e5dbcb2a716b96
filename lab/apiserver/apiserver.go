// SPDX-License-Identifier: Apache-2.0

// Package apiserver runs a Kubernetes control plane without a node on the
// loopback interface: etcd, kube-apiserver with RBAC, and those controllers of
// kube-controller-manager that sign and remove bootstrap tokens. The
// certificates and kubeconfigs are kubeadm's. It is what joinsvc's half of a
// cluster is tried against, in seconds and without a virtual machine.
package apiserver

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/nodeprep/nodeprep/lab/daemon"
	"github.com/nodeprep/nodeprep/lab/stack"
	"github.com/nodeprep/nodeprep/pkg/command"
)

// startTimeout bounds the way to a control plane that answers; it takes about
// ten seconds of two idle cores.
const startTimeout = 3 * time.Minute

// ControlPlane is a running control plane.
type ControlPlane struct {
	Server string // "https://127.0.0.1:<port>"
	Root   string // holds etc/kubernetes as kubeadm leaves it on a host

	binaries  stack.Binaries
	processes []*daemon.Daemon
}

// Start runs a control plane with all it writes below root, an empty folder.
// version is the release of the binaries, as "v1.37.2". Stop ends it.
func Start(ctx context.Context, binaries stack.Binaries, version, root string) (*ControlPlane, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	ports, err := freePorts(4)
	if err != nil {
		return nil, fmt.Errorf("finding free ports: %w", err)
	}
	c := &ControlPlane{Server: "https://127.0.0.1:" + ports[0], Root: root, binaries: binaries}
	if err := c.start(ctx, version, ports); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

func (c *ControlPlane) start(ctx context.Context, version string, ports []string) error {
	api, client, peer, manager := ports[0], ports[1], ports[2], ports[3]
	if err := c.certify(ctx, version, api); err != nil {
		return fmt.Errorf("making certificates: %w", err)
	}
	if err := c.run("etcd", c.etcdFlags(client, peer)); err != nil {
		return err
	}
	if err := c.run("kube-apiserver", c.apiFlags(api, client)); err != nil {
		return err
	}
	if err := c.awaitReady(ctx); err != nil {
		return err
	}
	return c.run("kube-controller-manager", c.managerFlags(manager))
}

// Path is a file of kubeadm's, "admin.conf" or "pki/ca.crt".
func (c *ControlPlane) Path(name string) string {
	return filepath.Join(c.Root, "etc/kubernetes", name)
}

// certify has kubeadm make what it would make on a control plane host. The
// administrator is the super one, who needs no RBAC to be applied first.
func (c *ControlPlane) certify(ctx context.Context, version, port string) error {
	common := []string{
		"--cert-dir", c.Path("pki"), "--kubernetes-version", version,
		"--control-plane-endpoint", "127.0.0.1:" + port, "--apiserver-advertise-address", advertised,
	}
	certs := append([]string{"init", "phase", "certs", "all", "--service-cidr", serviceRange}, common...)
	if _, err := command.Run(ctx, command.New(c.binaries["kubeadm"], certs...)); err != nil {
		return err
	}
	conf := append([]string{"init", "phase", "kubeconfig", "super-admin", "--kubeconfig-dir", c.Path("")}, common...)
	if _, err := command.Run(ctx, command.New(c.binaries["kubeadm"], conf...)); err != nil {
		return err
	}
	return os.Rename(c.Path("super-admin.conf"), c.Path("admin.conf"))
}

const (
	serviceRange = "172.28.0.0/16"
	// advertised is an address that nobody has (RFC 5737): kubeadm and
	// kube-apiserver both refuse to advertise a loopback one.
	advertised = "192.0.2.1"
)

func (c *ControlPlane) etcdFlags(client, peer string) []string {
	clients, peers := "http://127.0.0.1:"+client, "http://127.0.0.1:"+peer
	return []string{
		"--data-dir", filepath.Join(c.Root, "etcd"),
		"--listen-client-urls", clients, "--advertise-client-urls", clients,
		"--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers,
		"--initial-cluster", "default=" + peers,
		"--unsafe-no-fsync",
	}
}

func (c *ControlPlane) apiFlags(port, etcd string) []string {
	return []string{
		"--bind-address=127.0.0.1", "--secure-port=" + port,
		"--etcd-servers=http://127.0.0.1:" + etcd,
		"--authorization-mode=Node,RBAC",
		"--enable-bootstrap-token-auth",
		"--allow-privileged", // as kubeadm has it: calico-node and kube-proxy are
		"--client-ca-file=" + c.Path("pki/ca.crt"),
		"--tls-cert-file=" + c.Path("pki/apiserver.crt"), "--tls-private-key-file=" + c.Path("pki/apiserver.key"),
		"--service-account-key-file=" + c.Path("pki/sa.pub"), "--service-account-signing-key-file=" + c.Path("pki/sa.key"),
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-cluster-ip-range=" + serviceRange,
		"--endpoint-reconciler-type=none", "--advertise-address=" + advertised,
		"--disable-admission-plugins=ServiceAccount",
	}
}

func (c *ControlPlane) managerFlags(port string) []string {
	return []string{
		"--kubeconfig=" + c.Path("admin.conf"),
		"--bind-address=127.0.0.1", "--secure-port=" + port,
		"--leader-elect=false",
		"--controllers=bootstrap-signer-controller,token-cleaner-controller",
	}
}

// awaitReady waits for /readyz, which anybody may ask (RBAC's role
// system:public-info-viewer).
func (c *ControlPlane) awaitReady(ctx context.Context) error {
	client, err := c.anonymous()
	if err != nil {
		return err
	}
	for {
		if err := c.exited(); err != nil {
			return err
		}
		if ready(ctx, client, c.Server+"/readyz") {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for kube-apiserver: %w\n%s", context.Cause(ctx), c.processes[len(c.processes)-1].Tail())
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func ready(ctx context.Context, client *http.Client, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	response, err := client.Do(request)
	if err != nil {
		return false
	}
	return response.Body.Close() == nil && response.StatusCode == http.StatusOK
}

// Kubectl runs kubectl as the administrator.
func (c *ControlPlane) Kubectl(ctx context.Context, stdin string, args ...string) (string, error) {
	return command.Run(ctx, command.Command{
		Name:  c.binaries["kubectl"],
		Args:  append([]string{"--kubeconfig", c.Path("admin.conf")}, args...),
		Stdin: stdin,
	})
}

// Calicoctl runs calicoctl as the administrator.
func (c *ControlPlane) Calicoctl(ctx context.Context, args ...string) (string, error) {
	return command.Run(ctx, command.Command{
		Name: c.binaries["calicoctl"],
		Args: append([]string{"--allow-version-mismatch"}, args...),
		Env:  []string{"DATASTORE_TYPE=kubernetes", "KUBECONFIG=" + c.Path("admin.conf")},
	})
}

// The ports from which ours are drawn, below those that the kernel gives to
// whoever names none, for a connection as well (ip(7), ip_local_port_range): one of
// those would often be taken until the program that it was found for listens.
const firstPort, lastPort = 20000, 29999

// freePorts returns TCP ports of the loopback interface that nobody uses. All
// are held until the last is found, so that no two are the same.
func freePorts(n int) ([]string, error) {
	var ports []string
	for len(ports) < n {
		port := strconv.Itoa(firstPort + rand.IntN(lastPort-firstPort+1))
		l, err := net.Listen("tcp4", "127.0.0.1:"+port)
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			return nil, err
		}
		defer l.Close()
		ports = append(ports, port)
	}
	return ports, nil
}
