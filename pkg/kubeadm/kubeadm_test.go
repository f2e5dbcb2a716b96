// SPDX-License-Identifier: Apache-2.0

package kubeadm

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/atomicfile"
	"github.com/nodeprep/nodeprep/pkg/command"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/rooted"
)

// A host answers commands and records them, without the root's folder.
type host struct {
	node   Node
	ran    []string
	answer func(c command.Command) (string, error)
}

func newHost(t *testing.T, answer func(c command.Command) (string, error)) *host {
	t.Helper()
	h := &host{answer: answer}
	h.node = Node{Root: rooted.Root(t.TempDir()), Run: h.run, CRISocket: "unix:///run/containerd/containerd.sock"}
	return h
}

func (h *host) run(_ context.Context, c command.Command) (string, error) {
	words := strings.Join(append([]string{c.Name}, c.Args...), " ")
	h.ran = append(h.ran, strings.ReplaceAll(words, string(h.node.Root), ""))
	if h.answer == nil {
		return "", nil
	}
	return h.answer(c)
}

func (h *host) put(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := atomicfile.Write(h.node.Root.Path(name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func (h *host) stage(t *testing.T) Stage {
	t.Helper()
	s, err := h.node.Observe()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (h *host) wantRan(t *testing.T, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, h.ran); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
}

func TestObserve(t *testing.T) {
	for _, tc := range []struct {
		name  string
		files []string
		step  string
		want  Stage
		err   bool
	}{
		{name: "fresh", want: NotStarted},
		{name: "joined", files: []string{kubeletConf, caCert}, want: Done},
		{name: "control plane", files: []string{adminConf, kubeletConf, caCert, manifests + "/etcd.yaml"}, want: Done},
		{name: "ours, cut off", files: []string{caCert}, step: "partial", want: Partial},
		{name: "ours, cut off with every file there", files: []string{adminConf, kubeletConf, caCert}, step: "partial", want: Partial},
		{name: "ours, before the hand-over", files: []string{adminConf, kubeletConf, caCert}, step: "initialized", want: Initialized},
		{name: "somebody else's, cut off", files: []string{caCert, manifests + "/etcd.yaml"}, err: true},
		{name: "somebody else's join, cut off", files: []string{caCert, kubeletConf, bootstrapConf}, err: true},
		{name: "marker of another version", step: "half", err: true},
		{name: "ours, refused before it made anything", step: "partial", want: NotStarted},
		{name: "ours, reset by somebody since", step: "initialized", want: NotStarted},
		{name: "ours, cut off at its first file", files: []string{caKey}, step: "partial", want: Partial},
		{name: "ours, cut off with pods alone", files: []string{manifests + "/etcd.yaml"}, step: "partial", want: Partial},
		{name: "the packages' folder of pods", files: []string{manifests + "/.kubelet-keep"}, want: NotStarted},
		{name: "somebody's pod", files: []string{manifests + "/haproxy.yml"}, err: true},
		{name: "somebody's external etcd", files: []string{etcdData + "/member/snap/db"}, want: NotStarted},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHost(t, nil)
			h.put(t, tc.files...)
			if tc.step != "" {
				if err := h.node.mark(Stage(tc.step)); err != nil {
					t.Fatal(err)
				}
			}
			got, err := h.node.Observe()
			if got != tc.want || (err != nil) != tc.err {
				t.Errorf("Observe() = %q, %v; want %q, error %v", got, err, tc.want, tc.err)
			}
			h.wantRan(t)
		})
	}
}

func TestInitWithPatches(t *testing.T) {
	var got []byte
	h := newHost(t, nil)
	h.put(t, joinapi.PatchesDir+"/kube-apiserver.yaml")
	h.answer = func(command.Command) (string, error) {
		var err error
		got, err = os.ReadFile(h.node.Root.Path(joinapi.PatchesDir + "/etcd.yaml"))
		return "", err
	}
	order := joinapi.KubeadmOrder{Action: joinapi.ActionInit, Patches: map[string]string{"etcd.yaml": "kind: Pod\n"}}
	if err := h.node.Execute(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	if string(got) != "kind: Pod\n" {
		t.Errorf("kubeadm found the patch %q", got)
	}
	if _, err := os.Stat(h.node.Root.Path(joinapi.PatchesDir + "/kube-apiserver.yaml")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a patch that was not ordered is still there: %v", err)
	}
}

func TestPatchesStayInTheirFolder(t *testing.T) {
	for _, name := range []string{"../etcd.yaml", "/etc/passwd", "a/b.yaml", "..", "."} {
		h := newHost(t, nil)
		order := joinapi.KubeadmOrder{Action: joinapi.ActionInit, Patches: map[string]string{name: "x"}}
		if err := h.node.Execute(t.Context(), order); err == nil {
			t.Errorf("a patch called %q was stored", name)
		}
		h.wantRan(t)
	}
}

func TestJoin(t *testing.T) {
	var documents string
	var mode fs.FileMode
	h := newHost(t, nil)
	h.answer = func(c command.Command) (string, error) {
		data, err := os.ReadFile(c.Args[2])
		if err != nil {
			return "", err
		}
		info, err := os.Stat(c.Args[2])
		documents, mode = string(data), info.Mode()
		h.put(t, kubeletConf, caCert)
		return "", err
	}
	order := joinapi.KubeadmOrder{Action: joinapi.ActionJoin, Config: "kind: JoinConfiguration\n"}
	if err := h.node.Execute(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	h.wantRan(t, "kubeadm join --config "+config)
	if documents != order.Config || mode != 0o600 {
		t.Errorf("kubeadm read %q of mode %v", documents, mode)
	}
	if _, err := os.Stat(h.node.Root.Path(config)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the token is still on disk: %v", err)
	}
	if got := h.stage(t); got != Done {
		t.Errorf("stage %q after the join, want %q", got, Done)
	}
	if err := h.node.Execute(t.Context(), order); err == nil {
		t.Error("a second join on a finished host was not refused")
	}
	h.wantRan(t, "kubeadm join --config "+config)
}

func TestPartialRunIsResetFirst(t *testing.T) {
	failure := errors.New("exit status 1")
	h := newHost(t, nil)
	h.answer = func(command.Command) (string, error) {
		h.put(t, caKey)
		return "", failure
	}
	order := joinapi.KubeadmOrder{Action: joinapi.ActionInit, Config: "x"}
	if err := h.node.Execute(t.Context(), order); !errors.Is(err, failure) {
		t.Fatalf("got %v, want %v", err, failure)
	}
	if got := h.stage(t); got != Partial {
		t.Fatalf("stage %q after a failed init, want %q", got, Partial)
	}
	h.ran, h.answer = nil, nil
	if err := h.node.Execute(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	h.wantRan(t, "kubeadm reset --force --cri-socket unix:///run/containerd/containerd.sock", "kubeadm init --skip-token-print --config "+config)
	if got := h.stage(t); got != Initialized {
		t.Errorf("stage %q after the init, want %q", got, Initialized)
	}
}

// `kubeadm reset` stops kubelet, removes every pod's containers and empties
// /var/lib/kubelet and /var/lib/etcd, whosever they are. What kubeadm refused to
// begin on is not cleared so by the next run.
func TestWhatKubeadmRefusesIsNotReset(t *testing.T) {
	for _, action := range []joinapi.Action{joinapi.ActionInit, joinapi.ActionJoin} {
		refused := errors.New("[ERROR Port-10250]: Port 10250 is in use")
		h := newHost(t, func(command.Command) (string, error) { return "", refused })
		order := joinapi.KubeadmOrder{Action: action, Config: "x"}
		for range 3 {
			if err := h.node.Execute(t.Context(), order); !errors.Is(err, refused) {
				t.Fatalf("%s: %v", action, err)
			}
		}
		if ran := strings.Join(h.ran, "\n"); strings.Contains(ran, "reset") {
			t.Errorf("%s: ran\n%s", action, ran)
		}
	}
}

// etcd's data without /etc/kubernetes is the cluster itself, or another's.
func TestInitOnTopOfEtcdsData(t *testing.T) {
	data := etcdData + "/member/snap/db"
	order := joinapi.KubeadmOrder{Action: joinapi.ActionInit, Config: "x"}
	h := newHost(t, nil)
	h.put(t, data)
	for range 2 {
		if err := h.node.Execute(t.Context(), order); !errors.Is(err, ErrEtcdData) {
			t.Errorf("got %v, want ErrEtcdData", err)
		}
	}
	h.wantRan(t)

	// So is that of an init that had finished, whatever has become of its files.
	if err := h.node.mark(Initialized); err != nil {
		t.Fatal(err)
	}
	if err := h.node.Execute(t.Context(), order); !errors.Is(err, ErrEtcdData) {
		t.Errorf("got %v, want ErrEtcdData", err)
	}
	h.wantRan(t)

	// A reset of ours that was cut off has left it.
	if err := h.node.mark(Partial); err != nil {
		t.Fatal(err)
	}
	if err := h.node.Execute(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	h.wantRan(t, "kubeadm reset --force --cri-socket unix:///run/containerd/containerd.sock", "kubeadm init --skip-token-print --config "+config)

	// A disk for etcd that has just been made is empty but for one folder.
	h = newHost(t, nil)
	if err := os.MkdirAll(h.node.Root.Path(etcdData+"/lost+found"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := h.node.Execute(t.Context(), order); err != nil || h.node.Root.Exists(etcdData+"/lost+found") {
		t.Error("an empty disk:", err)
	}
	h.wantRan(t, "kubeadm init --skip-token-print --config "+config)

	// A worker may have an etcd that is none of the cluster's.
	h = newHost(t, nil)
	h.put(t, data)
	if err := h.node.Execute(t.Context(), joinapi.KubeadmOrder{Action: joinapi.ActionJoin, Config: "x"}); err != nil {
		t.Error(err)
	}
	h.wantRan(t, "kubeadm join --config "+config)
}

func TestForeignFilesAreLeftAlone(t *testing.T) {
	h := newHost(t, nil)
	h.put(t, caCert)
	err := h.node.Execute(t.Context(), joinapi.KubeadmOrder{Action: joinapi.ActionJoin})
	if !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), caCert) || !strings.Contains(err.Error(), "`kubeadm reset --force --cri-socket "+h.node.CRISocket+"`") {
		t.Errorf("got %v, want ErrForeign, the file, and a reset that no second runtime stops", err)
	}
	h.wantRan(t)
}

func TestUnknownOrder(t *testing.T) {
	h := newHost(t, nil)
	if err := h.node.Execute(t.Context(), joinapi.KubeadmOrder{Action: "upgrade"}); err == nil {
		t.Error("an unknown action was accepted")
	}
	h.wantRan(t)
}

// What joinsvc hands out is root's alone while kubeadm reads it: a join's
// documents hold a bootstrap token, and patches may hold an etcd's or a cloud's.
func TestFilesOfAnOrderAreRootsAlone(t *testing.T) {
	var h *host
	h = newHost(t, func(command.Command) (string, error) {
		for _, name := range []string{config, joinapi.PatchesDir + "/etcd+merge.yaml"} {
			if info, err := h.node.Root.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
				t.Error(name, info, err)
			}
		}
		return "", nil
	})
	order := joinapi.KubeadmOrder{Action: joinapi.ActionJoin, Config: "token", Patches: map[string]string{"etcd+merge.yaml": "{}"}}
	if err := h.node.Execute(t.Context(), order); err != nil || len(h.ran) != 1 {
		t.Errorf("ran %q: %v", h.ran, err)
	}
}

// What cannot be noted or stored is told before kubeadm is run, and what cannot be
// read is not taken for a host that is fresh.
func TestWhatCannotBeStored(t *testing.T) {
	for name, tc := range map[string]struct {
		file string // a folder is in its place, or it is one that cannot be looked into
		want string
	}{
		"the step":    {marker, "reading how far kubeadm got"},
		"the marks":   {"/var/lib/nodeprep", "reading how far kubeadm got"},
		"a document":  {config, "storing kubeadm's documents"},
		"a patch":     {joinapi.PatchesDir, "kubeadm"},
		"static pods": {manifests, "looking for static pods"},
		"the CA":      {"/etc/kubernetes/pki", "looking for what kubeadm made"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, nil)
			switch tc.file {
			case marker, config:
				h.put(t, tc.file+"/x")
			case joinapi.PatchesDir:
				h.put(t, filepath.Dir(tc.file))
			default:
				h.put(t, tc.file)
			}
			order := joinapi.KubeadmOrder{Action: joinapi.ActionJoin, Config: "x", Patches: map[string]string{"etcd.yaml": "{}"}}
			if err := h.node.Execute(t.Context(), order); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			h.wantRan(t)
		})
	}
}

// A reset that fails is told, and nothing is made upon what it left.
func TestResetThatFails(t *testing.T) {
	h := newHost(t, func(c command.Command) (string, error) { return "", errors.New(c.Args[0] + " refused") })
	if err := h.node.mark(Partial); err != nil {
		t.Fatal(err)
	}
	h.put(t, caCert) // without a file there is nothing to reset
	h.node.CRISocket = ""
	err := h.node.Execute(t.Context(), joinapi.KubeadmOrder{Action: joinapi.ActionJoin})
	if err == nil || err.Error() != "clearing what an unfinished kubeadm left: reset refused" {
		t.Errorf("got %v", err)
	}
	h.wantRan(t, "kubeadm reset --force")
	if got := h.stage(t); got != Partial {
		t.Errorf("stage %q", got)
	}
}

// The documents go whatever kubeadm says, for a join's hold a token.
func TestDocumentsGoAfterAFailure(t *testing.T) {
	h := newHost(t, func(command.Command) (string, error) { return "", errors.New("refused") })
	if err := h.node.Execute(t.Context(), joinapi.KubeadmOrder{Action: joinapi.ActionJoin, Config: "token"}); err == nil || err.Error() != "refused" {
		t.Errorf("got %v", err)
	}
	if h.node.Root.Exists(config) {
		t.Error("the token is still on disk")
	}
}

func TestSandboxImage(t *testing.T) {
	for out, want := range map[string]string{
		"registry.k8s.io/kube-proxy:v1.37.2\nregistry.k8s.io/pause:3.10.1\nregistry.k8s.io/etcd:3.6\n": "registry.k8s.io/pause:3.10.1",
		"registry.k8s.io/kube-proxy:v1.37.2\n":                                                         "",
	} {
		h := newHost(t, func(command.Command) (string, error) { return out, nil })
		got, err := h.node.SandboxImage(t.Context(), "1.37.2")
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
		h.wantRan(t, "kubeadm config images list --kubernetes-version v1.37.2")
	}
	h := newHost(t, func(command.Command) (string, error) { return "x/pause:1", errors.New("refused") })
	if got, err := h.node.SandboxImage(t.Context(), "1.37.2"); got != "" || err == nil || err.Error() != "asking kubeadm for its images: refused" {
		t.Errorf("%q, %v", got, err)
	}
}
