// SPDX-License-Identifier: Apache-2.0

package leaves

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nodeprep/nodeprep/lab/images"
	"github.com/nodeprep/nodeprep/lab/nettest"
	"github.com/nodeprep/nodeprep/pkg/calico"
	"github.com/nodeprep/nodeprep/pkg/command"
)

// A node is what calico-node runs of BGP on a host: confd and BIRD.
type node struct {
	calico.Node
	bird
	nettest.Namespace
	block netip.Prefix // of its pods
}

// startNode begins as calico-node does (node/filesystem): confd once, so that
// BIRD has a configuration, then both for good.
func startNode(t *testing.T, c *cluster, n node) node {
	t.Helper()
	folder := t.TempDir()
	confdFolder(t, c.module, folder)
	once := c.confd(n.Name, folder, "-confd-run-once")
	if _, err := command.Run(t.Context(), once); err != nil {
		t.Fatal(err)
	}
	n.bird = startBIRD(t, n.Namespace, folder, filepath.Join(folder, "config/bird.cfg"), "-R")
	forever := c.confd(n.Name, folder)
	cmd := exec.Command(forever.Name, forever.Args...)
	cmd.Env = append(os.Environ(), forever.Env...)
	nettest.Start(t, "confd", folder, cmd)
	return n
}

// confd is calico-node as confd for a node. It needs no namespace: it talks to
// the API server, and to BIRD by its socket.
func (c *cluster) confd(node, folder string, more ...string) command.Command {
	return command.Command{
		Name: c.binaries["calico-node"],
		Args: append([]string{"-confd", "-confd-confdir", folder}, more...),
		Env:  []string{"DATASTORE_TYPE=kubernetes", "KUBECONFIG=" + c.Path("admin.conf"), "NODENAME=" + node},
	}
}

// confdFolder is Calico's own, of IPv4, and with what names a place in a
// container naming this folder.
func confdFolder(t *testing.T, module, folder string) {
	t.Helper()
	here := strings.NewReplacer(
		"/etc/calico/confd/", folder+"/",
		"sv hup bird", "birdc -s "+filepath.Join(folder, "bird.ctl")+" configure",
	)
	for _, dir := range []string{"config", "conf.d", "templates"} {
		if err := os.Mkdir(filepath.Join(folder, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"bird", "bird_aggr", "bird_ipam"} {
		for file, edit := range map[string]func(string) string{
			"conf.d/" + name + ".toml":            here.Replace,
			"templates/" + name + ".cfg.template": images.WithoutTunnels,
		} {
			text, err := os.ReadFile(filepath.Join(module, "confd/etc/calico/confd", file))
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(folder, file), edit(string(text)))
		}
	}
}
