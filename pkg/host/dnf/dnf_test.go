// SPDX-License-Identifier: Apache-2.0

package dnf

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/command"
	"github.com/nodeprep/nodeprep/pkg/phase"
	"github.com/nodeprep/nodeprep/pkg/rooted"
)

func show(changes []phase.Change) string {
	var b strings.Builder
	for _, c := range changes {
		b.WriteString(c.String() + "\n")
	}
	return b.String()
}

func wantText(t *testing.T, what, want, got string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestPackagesPlan(t *testing.T) {
	want := []Package{{"kubelet", "1.37.2"}, {"kubeadm", "1.37.2-150500.1.1"}, {"containerd.io", ""}}
	tests := []struct{ name, rpm, want string }{
		{"nothing there", "", "packages: kubelet absent, kubeadm absent, containerd.io absent -> kubelet 1.37.2, kubeadm 1.37.2-150500.1.1, containerd.io\n"},
		{"all there", "kubelet\t1.37.2\t9\nkubeadm\t1.37.2\t150500.1.1\ncontainerd.io\t2.4.2\t1\n", ""},
		{"older, newer", "kubelet\t1.36.0\t9\nkubeadm\t1.38.0\t150500.1.1\ncontainerd.io\t1.7.0\t1\n", "packages: kubelet 1.36.0, kubeadm 1.38.0 -> kubelet 1.37.2, kubeadm 1.37.2-150500.1.1\n"},
		{"other release", "kubelet\t1.37.2\t9\nkubeadm\t1.37.2\t2\ncontainerd.io\t2\t1\n", "packages: kubeadm 1.37.2 -> kubeadm 1.37.2-150500.1.1\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := Packages{Want: want, Run: func(_ context.Context, c command.Command) (string, error) {
				wantText(t, "command", `LC_ALL=C rpm -qa --qf '%{NAME}\t%{VERSION}\t%{RELEASE}\n' kubelet kubeadm containerd.io`, c.String())
				return tt.rpm, nil
			}}
			changes, err := p.Plan(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			wantText(t, "changes", tt.want, show(changes))
		})
	}
}

func TestOneTransactionThenReload(t *testing.T) {
	var log []string
	p := Packages{
		Want: []Package{{"kubelet", "1.37.2"}, {"containerd.io", ""}}, Unpin: []string{"nodeprep"},
		Run: func(_ context.Context, c command.Command) (string, error) {
			log = append(log, c.String())
			return "", nil
		},
		Reload: func(context.Context) error { log = append(log, "reload"); return nil },
	}
	changes, err := p.Plan(t.Context())
	if err != nil || len(changes) != 1 {
		t.Fatal(changes, err)
	}
	if err := changes[0].Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantText(t, "what ran", "LC_ALL=C dnf -y --setopt=disable_excludes=nodeprep install kubelet-1.37.2 containerd.io\nreload", strings.Join(log[1:], "\n"))
}

// What goes wrong stops there: no reload after a transaction that failed, and no
// transaction on what rpm did not say.
func TestFailuresStop(t *testing.T) {
	refused := errors.New("no such package")
	reloaded := false
	p := Packages{
		Want: []Package{{"kubelet", "1.37.2"}},
		Run: func(_ context.Context, c command.Command) (string, error) {
			if c.Name == "dnf" {
				return "", refused
			}
			return "", nil
		},
		Reload: func(context.Context) error { reloaded = true; return nil },
	}
	changes, err := p.Plan(t.Context())
	if err != nil || len(changes) != 1 {
		t.Fatal(changes, err)
	}
	if err := changes[0].Do(t.Context()); !errors.Is(err, refused) || reloaded {
		t.Errorf("error is %v, reloaded %v", err, reloaded)
	}
	p.Run = func(context.Context, command.Command) (string, error) { return "", refused }
	if _, err := p.Plan(t.Context()); !errors.Is(err, refused) {
		t.Errorf("rpm's failure: %v", err)
	}
	p.Run = func(context.Context, command.Command) (string, error) { return "warning: a lock\n", nil }
	if _, err := p.Plan(t.Context()); err == nil || !strings.Contains(err.Error(), "rpm printed") {
		t.Errorf("rpm's chatter: %v", err)
	}
	noBus := errors.New("no bus")
	p.Run = func(context.Context, command.Command) (string, error) { return "", nil }
	p.Reload = func(context.Context) error { return noBus }
	if err := p.install(t.Context(), p.Want); !errors.Is(err, noBus) {
		t.Errorf("the reload's failure: %v", err)
	}
}

// Both programs work on the same tree.
func TestInstallroot(t *testing.T) {
	var log []string
	p := Packages{
		Want: []Package{{"kubelet", ""}}, Installroot: "/mnt/sysimage",
		Run: func(_ context.Context, c command.Command) (string, error) {
			log = append(log, c.String())
			return "", nil
		},
		Reload: func(context.Context) error { return nil },
	}
	changes, err := p.Plan(t.Context())
	if err != nil || len(changes) != 1 {
		t.Fatal(changes, err)
	}
	if err := changes[0].Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantText(t, "what ran", `LC_ALL=C rpm --root /mnt/sysimage -qa --qf '%{NAME}\t%{VERSION}\t%{RELEASE}\n' kubelet
LC_ALL=C dnf -y --installroot=/mnt/sysimage install kubelet`, strings.Join(log, "\n"))
}

func TestRepo(t *testing.T) {
	root := rooted.Root(t.TempDir())
	r := Repo{Root: root, ID: "nodeprep", Folder: "/srv/packages", Pinned: []string{"kubelet", "kubeadm"}}
	if _, err := r.Plan(t.Context()); err == nil || !strings.Contains(err.Error(), "createrepo_c /srv/packages") {
		t.Errorf("a folder without metadata: %v", err)
	}
	if err := root.Write("/srv/packages/repodata/repomd.xml", "", 0o644); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"/etc/yum.repos.d/nodeprep.repo: absent -> as planned\n", ""} {
		changes, err := r.Plan(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		wantText(t, "changes", want, show(changes))
		for _, c := range changes {
			if err := c.Do(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := os.ReadFile(root.Path("/etc/yum.repos.d/nodeprep.repo"))
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, "file", `# Written by nodeprep, see dnf.conf(5).
[nodeprep]
name=Package folder of the cluster's plan
baseurl=file:///srv/packages
enabled=1
gpgcheck=0
repo_gpgcheck=0
skip_if_unavailable=0
metadata_expire=1
excludepkgs=kubelet,kubeadm
`, string(got))
}

// Without pins no package is hidden, and an empty list would hide nothing but
// reads as if one were forgotten.
func TestRepoWithoutPins(t *testing.T) {
	if got := (Repo{ID: "nodeprep", Folder: "/srv/packages"}).content(); strings.Contains(got, "excludepkgs") {
		t.Error(got)
	}
}
