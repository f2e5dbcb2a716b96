// SPDX-License-Identifier: Apache-2.0

package kubeadm

import (
	"context"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/nodeprep/nodeprep/pkg/command"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

const seeMore = "\nTo see the stack trace of this error execute with --v=5 or higher\n"

// The first is what kubeadm 1.37 printed in the lab; the others are what its
// sources make of such errors.
func TestWhatAnAPIServerDidNotAnswer(t *testing.T) {
	const get = `Get "https://192.168.9.193:6443/api/v1/namespaces/kube-system/configmaps/kubeadm-config?timeout=10s": `
	const fetch = "error execution phase preflight: unable to fetch the kubeadm-config ConfigMap: failed to get config map: "
	for name, tc := range map[string]struct {
		output string
		want   bool
	}{
		"no answer in ten seconds": {fetch + get + "net/http: request canceled (Client.Timeout exceeded while awaiting headers)", true},
		"refused":                  {fetch + get + "dial tcp 192.168.9.193:6443: connect: connection refused", true},
		"cut off":                  {fetch + get + "EOF", true},
		"handshake":                {fetch + get + "net/http: TLS handshake timeout", true},
		"etcd is slow":             {fetch + "etcdserver: request timed out", true},
		"too busy":                 {fetch + "the server has received too many requests and has asked us to try again later", true},
		"server's own time-out":    {`error execution phase kubelet-start: cannot get Node "k8c1s1": Timeout: request did not complete within requested timeout`, true},
		"nobody signs": {"W1129 22:00:00.000000    1234 wait.go:1] tried again\n" +
			"error execution phase kubelet-wait-bootstrap: failed while waiting for TLS bootstrap: context deadline exceeded", true},
		"on several lines": {"error execution phase preflight: couldn't validate the identity of the API Server: failed to request the cluster-info ConfigMap: " + get + "\n\tcontext deadline exceeded", true},

		"nobody signs for the token": {"error execution phase preflight: couldn't validate the identity of the API Server: could not find a JWS signature in the cluster-info ConfigMap for token ID \"abcdef\"", true},

		"the runtime does not answer": {"error execution phase preflight: [preflight] Some fatal errors occurred:\n\t[ERROR ContainerRuntimeVersion]: could not connect to the container runtime: failed to create new CRI runtime service: " +
			"validate service connection: validate CRI v1 runtime API for endpoint \"unix:///run/containerd/containerd.sock\": rpc error: code = Unavailable desc = connection error: " +
			"desc = \"transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: connection refused\"\n[preflight] If you know what you are doing", false},
		"the kubelet does not start": {"error execution phase kubelet-wait-bootstrap: failed while waiting for the kubelet to start: " +
			"The HTTP call equal to 'curl -sSL http://127.0.0.1:10248/healthz' returned error: Get \"http://127.0.0.1:10248/healthz\": dial tcp 127.0.0.1:10248: connect: connection refused\n", false},
		"another's CA":            {"error execution phase preflight: couldn't validate the identity of the API Server: cluster CA found in cluster-info ConfigMap is invalid: none of the public keys \"sha256:00\" are pinned", false},
		"the name is taken":       {`error execution phase kubelet-start: a Node with name "k8c1s1" and status "Ready" already exists in the cluster. You must delete the existing Node or change the name of this new joining Node`, false},
		"preflight":               {"error execution phase preflight: [preflight] Some fatal errors occurred:\n\t[ERROR Port-10250]: Port 10250 is in use\n[preflight] If you know what you are doing", false},
		"only a warning before":   {"W1129 22:00:00.000000    1234 token.go:1] " + get + "connection refused\nerror execution phase preflight: no such file or directory", false},
		"advice is no reason":     {"error execution phase preflight: malformed" + seeMore + "context deadline exceeded", false},
		"no error of kubeadm's":   {"context deadline exceeded", false},
		"nothing was said":        {"", false},
		"an argument is mistaken": {"error: unknown flag: --Timeout: ", false},
	} {
		failed := &command.Error{Command: command.New("kubeadm", "join"), Output: "[preflight] Running pre-flight checks\n" + tc.output + seeMore, Err: errors.New("exit status 1")}
		h := newHost(t, func(command.Command) (string, error) { return "", failed })
		err := h.node.Execute(t.Context(), joinapi.KubeadmOrder{Action: joinapi.ActionJoin, Config: "join"})
		var got *UnansweredError
		if errors.As(err, &got) != tc.want || !errors.Is(err, failed.Err) {
			t.Errorf("%s: %v", name, err)
		}
		if tc.want && (strings.ContainsAny(err.Error(), "\n\t") || strings.Contains(err.Error(), "stack trace") || !strings.Contains(err.Error(), "error execution phase ")) {
			t.Errorf("%s: it says %q", name, err)
		}
		// An init that has failed in these phases is made anew, and the error says all
		// that kubeadm did.
		err = h.node.Execute(t.Context(), joinapi.KubeadmOrder{Action: joinapi.ActionInit, Config: "init"})
		if init := new(UnansweredError); errors.As(err, &init) || !errors.Is(err, failed.Err) {
			t.Errorf("%s: an init: %v", name, err)
		}
	}
}

// An init whose control plane answers loses nothing: its last phases are tried
// again, by the run that began them and by the next one.
func TestInitGoesOnWhereItWasNotAnswered(t *testing.T) {
	const (
		begin  = "kubeadm init --skip-token-print --config " + config
		goOn   = "kubeadm init --skip-token-print --skip-phases=preflight,certs,kubeconfig,etcd,control-plane,kubelet-start,wait-control-plane --config " + config
		reset  = "kubeadm reset --force --cri-socket unix:///run/containerd/containerd.sock"
		slow   = "error execution phase addon/coredns: couldn't retrieve DNS addon deployments: Get \"https://a:6443/apis\": net/http: request canceled (Client.Timeout exceeded while awaiting headers)"
		early  = "error execution phase wait-control-plane: could not initialize a Kubernetes cluster: context deadline exceeded"
		broken = "error execution phase addon/coredns: the file is damaged"
	)
	init := joinapi.KubeadmOrder{Action: joinapi.ActionInit, Config: "init"}
	for name, tc := range map[string]struct {
		said  string
		stage Stage
		again bool   // it is an *UnansweredError
		next  string // what the next run begins with
	}{
		"not answered late":  {slow, Serving, true, goOn},
		"not answered early": {early, Partial, false, reset},
		"failed late":        {broken, Partial, false, reset},
	} {
		t.Run(name, func(t *testing.T) {
			said := tc.said
			var h *host
			h = newHost(t, func(c command.Command) (string, error) {
				if c.Args[0] == "reset" {
					return "", h.node.Root.RemoveAll("/etc/kubernetes")
				}
				h.put(t, caKey, caCert, kubeletConf)
				if said != "" {
					return "", &command.Error{Command: c, Output: said, Err: errors.New("exit status 1")}
				}
				return "", nil
			})
			var none *UnansweredError
			if err := h.node.Execute(t.Context(), init); err == nil || errors.As(err, &none) != tc.again {
				t.Errorf("it ended with %v", err)
			}
			if got := h.stage(t); got != tc.stage {
				t.Errorf("it left the stage %q, want %q", got, tc.stage)
			}
			// Killed in the next attempt, it is where it was.
			_ = h.node.Execute(t.Context(), init)
			if got := h.stage(t); got != tc.stage {
				t.Errorf("the next left the stage %q, want %q", got, tc.stage)
			}
			said = ""
			if err := h.node.Execute(t.Context(), init); err != nil || h.stage(t) != Initialized {
				t.Errorf("in the end %q, %v", h.stage(t), err)
			}
			if h.ran[0] != begin || h.ran[1] != tc.next {
				t.Errorf("it ran %q", h.ran)
			}
		})
	}
}

// says has kubeadm fail with these words, after it has made a control plane.
func says(t *testing.T, h *host, words string) {
	h.answer = func(c command.Command) (string, error) {
		h.put(t, caKey, caCert, kubeletConf)
		return "", &command.Error{Command: c, Output: words, Err: errors.New("exit status 1")}
	}
}

// An init does not go on with other documents than its control plane was made by:
// its certificates and static pods would be of the old ones. Nor does one that has
// gone on and failed for a reason of its own, or was given up.
func TestInitThatCannotGoOn(t *testing.T) {
	const slow = "error execution phase addon/coredns: Get \"https://a:6443/apis\": net/http: request canceled"
	const reset = "kubeadm reset --force --cri-socket unix:///run/containerd/containerd.sock"
	init := joinapi.KubeadmOrder{Action: joinapi.ActionInit, Config: "init", Patches: map[string]string{"etcd.yaml": "a", "kubelet.yaml": "b"}}
	fails := func(h *host) {
		says(t, h, "error execution phase addon/coredns: the file is damaged")
		_ = h.node.Execute(t.Context(), init)
	}
	other, patched := init, init
	other.Config = "pace: slow"
	patched.Patches = map[string]string{"etcd.yaml": "a", "kubelet.yaml": "c"}
	for name, tc := range map[string]struct {
		between func(h *host)
		next    joinapi.KubeadmOrder
		reset   bool
	}{
		"the same":       {nil, init, false},
		"other":          {nil, other, true},
		"another patch":  {nil, patched, true},
		"failed in turn": {fails, init, true},
		"given up":       {func(h *host) { _ = h.node.Forsake() }, init, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, nil)
			says(t, h, slow)
			if err := h.node.Execute(t.Context(), init); err == nil || h.stage(t) != Serving {
				t.Fatalf("the first left %q, %v", h.stage(t), err)
			}
			if tc.between != nil {
				tc.between(h)
			}
			h.answer, h.ran = nil, nil
			if err := h.node.Execute(t.Context(), tc.next); err != nil {
				t.Fatal(err)
			}
			if got := h.ran[0] == reset; got != tc.reset {
				t.Errorf("it ran %q", h.ran)
			}
			if err := h.node.Finish(); err != nil || h.node.Root.Exists(documents) {
				t.Errorf("what kubeadm was told is still there: %v", err)
			}
		})
	}
}

// What serves is of no use to a host that is to be a worker now.
func TestWorkerOnWhatServes(t *testing.T) {
	h := newHost(t, nil)
	h.put(t, caCert)
	if err := h.node.mark(Serving); err != nil {
		t.Fatal(err)
	}
	if err := h.node.Execute(t.Context(), joinapi.KubeadmOrder{Action: joinapi.ActionJoin, Config: "join"}); err != nil {
		t.Fatal(err)
	}
	h.wantRan(t, "kubeadm reset --force --cri-socket unix:///run/containerd/containerd.sock", "kubeadm join --config "+config)
}

// While a node waits for its next turn nothing of its last attempt asks the API
// server. What a join that this host is in the way of has left is looked at by people.
func TestWhatWasNotAnsweredIsQuiet(t *testing.T) {
	const join, reset = "kubeadm join --config " + config, "kubeadm reset --force --cri-socket unix:///run/containerd/containerd.sock"
	const slow = "error execution phase kubelet-wait-bootstrap: failed while waiting for TLS bootstrap: context deadline exceeded"
	for name, tc := range map[string]struct {
		output string
		left   []string
		reset  error
		want   []string
	}{
		"a kubelet that runs":     {slow, []string{caCert}, nil, []string{join, reset}},
		"nothing":                 {slow, nil, nil, []string{join}},
		"a reset that fails":      {slow, []string{caCert}, errors.New("no"), []string{join, reset}},
		"this host is in the way": {"error execution phase kubelet-start: disk full", []string{caCert}, nil, []string{join}},
	} {
		var h *host
		h = newHost(t, func(c command.Command) (string, error) {
			if c.Args[0] == "reset" {
				return "", tc.reset
			}
			h.put(t, tc.left...)
			return "", &command.Error{Command: c, Output: tc.output, Err: errors.New("exit status 1")}
		})
		err := h.node.Execute(t.Context(), joinapi.KubeadmOrder{Action: joinapi.ActionJoin, Config: "join"})
		var got *UnansweredError
		if errors.As(err, &got) != (tc.output == slow) || tc.reset != nil && !errors.Is(err, tc.reset) {
			t.Errorf("%s: %v", name, err)
		}
		h.wantRan(t, tc.want...)
	}
}

// What is told to people and to joinsvc is bounded.
func TestALongReasonIsCut(t *testing.T) {
	output := "error execution phase preflight: context deadline exceeded" + strings.Repeat(" ü", 5000)
	err := unanswered(joinapi.ActionJoin, &command.Error{Output: output, Err: context.Canceled})
	if text := err.Error(); len(text) > 1000 || !utf8.ValidString(text) {
		t.Errorf("%d bytes", len(text))
	}
}
