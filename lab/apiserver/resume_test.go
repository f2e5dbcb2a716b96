// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"strings"
	"testing"

	"github.com/nodeprep/nodeprep/pkg/command"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/kubeadm"
	"github.com/nodeprep/nodeprep/pkg/kubeadm/document"
	"github.com/nodeprep/nodeprep/pkg/rooted"
)

// kubeadm of the release knows the phases that an init which goes on leaves out,
// and has no others but those that are tried again. It does nothing here: those
// are left out too, and a name that it does not know ends it.
func (f *fixture) testResume(t *testing.T) {
	host, err := f.plan.HostPlan("k8c1m0")
	if err != nil {
		t.Fatal(err)
	}
	config, err := document.Init(f.plan, host)
	if err != nil {
		t.Fatal(err)
	}
	for also, fails := range map[string]bool{
		",upload-config,upload-certs,mark-control-plane,bootstrap-token,kubelet-finalize,addon,show-join-command":       false,
		",upload-config,upload-certs,mark-control-plane,bootstrap-token,kubelet-finalize,addon,show-join-command,other": true,
	} {
		root := rooted.Root(t.TempDir())
		for file, text := range map[string]string{"/var/lib/nodeprep/kubeadm.step": string(kubeadm.Serving), "/etc/kubernetes/pki/ca.crt": ""} {
			if err := root.Write(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var said string
		n := kubeadm.Node{Root: root, Run: func(ctx context.Context, c command.Command) (string, error) {
			for i, arg := range c.Args {
				if strings.HasPrefix(arg, "--skip-phases=") {
					c.Args[i] += also
				}
			}
			out, err := command.Run(ctx, command.New(f.binaries["kubeadm"], c.Args...))
			said = out
			return out, err
		}}
		err := n.Execute(t.Context(), joinapi.KubeadmOrder{Action: joinapi.ActionInit, Config: config})
		if (err != nil) != fails || fails && !strings.Contains(err.Error(), "other") || strings.Contains(said, "[preflight]") {
			t.Errorf("with %s: %v\n%s", also, err, said)
		}
	}
}
