// SPDX-License-Identifier: Apache-2.0

// Package kubeadm runs kubeadm on the host that it is for, and answers how far
// this host got and whose cluster it carries. The documents come from joinsvc
// (package document there).
package kubeadm

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/command"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/phase"
	"github.com/nodeprep/nodeprep/pkg/rooted"
)

// Where kubeadm keeps its things (cmd/kubeadm/app/constants), and we ours.
const (
	adminConf     = "/etc/kubernetes/admin.conf"
	kubeletConf   = "/etc/kubernetes/kubelet.conf"
	bootstrapConf = "/etc/kubernetes/bootstrap-kubelet.conf"
	caCert        = "/etc/kubernetes/pki/ca.crt"
	caKey         = "/etc/kubernetes/pki/ca.key"
	manifests     = "/etc/kubernetes/manifests"
	kubeletCert   = "/var/lib/kubelet/pki/kubelet-client-current.pem" // with its key (kubelet, certificate store)
	etcdData      = "/var/lib/etcd"
	fresh         = "lost+found" // a disk of etcd's own has it from mkfs.ext4, and kubeadm takes it for data

	config = "/run/nodeprep/kubeadm.yaml"
	marker = "/var/lib/nodeprep/kubeadm.step"
)

// Stage is how far a host got.
type Stage string

// The stages in order. A worker goes from Partial to Done, and Serving is only for
// an init that an API server has not answered in time.
const (
	NotStarted  Stage = "not started"
	Partial     Stage = "partial"     // kubeadm was begun here and did not finish
	Serving     Stage = "serving"     // kubeadm init did not finish, and has made a control plane that answers
	Initialized Stage = "initialized" // kubeadm init has finished, what follows it has not
	Done        Stage = "done"
)

// ErrForeign says that kubeadm has been at work here, did not finish, and was
// not started by nodeprep, so that cleaning up is not nodeprep's to do.
var ErrForeign = errors.New("kubeadm left files here in a run that nodeprep did not start")

// ErrEtcdData says that kubeadm init would begin on top of somebody's data.
var ErrEtcdData = errors.New(etcdData + " is not empty, and its files are not of an unfinished init of nodeprep's; " +
	"if it is this cluster's etcd, put its /etc/kubernetes and /var/lib/kubelet back, else move its files away, and start nodeprep again")

// Node is the host that kubeadm works on.
type Node struct {
	Root rooted.Root
	Run  command.Runner
	// CRISocket is the runtime's, "unix:///run/containerd/containerd.sock".
	// Without it `kubeadm reset` stops at a second one on the host.
	CRISocket string
}

// Observe tells how far this host got. It only reads files: the API server
// need not answer, as it does not after a boot for a while.
//
// kubeadm's last phases of an init leave no file, so files alone cannot tell
// a finished run from one that was cut off. A marker of ours, written before
// kubeadm starts and removed when all is done, does. A marker without any file
// is of a run that kubeadm refused before it made one, for what others have on
// this host, or somebody has reset the host since: nothing is left to clear.
func (n Node) Observe() (Stage, error) {
	step, begun, err := n.step()
	if err != nil {
		return "", err
	}
	found, err := n.found()
	switch {
	case err != nil:
		return "", err
	case len(found) == 0:
		return NotStarted, nil
	case begun:
		return step, nil
	case found[kubeletConf] && found[caCert] && !found[bootstrapConf]:
		return Done, nil
	}
	return "", fmt.Errorf("%w: %s; look at them, and run `kubeadm %s` if they can go, with all that kubelet and etcd have here",
		ErrForeign, strings.Join(slices.Sorted(maps.Keys(found)), ", "), strings.Join(n.resetting(), " "))
}

// step reads the marker.
func (n Node) step() (step Stage, begun bool, err error) {
	text, begun, err := n.Root.ReadOptional(marker)
	if err != nil {
		return "", false, fmt.Errorf("reading how far kubeadm got: %w", err)
	}
	if begun {
		step, err = stageOf(text)
	}
	return step, begun, err
}

func stageOf(step string) (Stage, error) {
	switch s := Stage(step); s {
	case Partial, Serving, Initialized:
		return s, nil
	default:
		return "", fmt.Errorf("%s holds %q, want %q, %q or %q", marker, step, Partial, Serving, Initialized)
	}
}

func (n Node) found() (map[string]bool, error) {
	found := map[string]bool{}
	// kubeadm init writes the CA's key first of all.
	for _, name := range []string{adminConf, kubeletConf, bootstrapConf, caCert, caKey} {
		switch _, err := n.Root.Stat(name); {
		case err == nil:
			found[name] = true
		case !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("looking for what kubeadm made: %w", err)
		}
	}
	// The packages bring an empty folder of manifests; kubeadm fills it. kubelet
	// takes all but hidden files for pods, whatever they are called.
	pods, err := n.Root.Names(manifests)
	if err != nil {
		return nil, fmt.Errorf("looking for static pods: %w", err)
	}
	if slices.ContainsFunc(pods, func(name string) bool { return !strings.HasPrefix(name, ".") }) {
		found[manifests] = true
	}
	return found, nil
}

// Execute follows an order: `kubeadm init` or `kubeadm join` with its
// documents. What an earlier run of ours left half done is reset first, which
// removes what kubeadm made. Where an earlier run made nothing there is no reset:
// it also removes containers, kubelet's folder and etcd's data of others, for
// which kubeadm may have refused that run. Nor is there one where a control plane
// of ours is Serving that these documents made. Afterwards a control plane is
// Initialized and a worker Done. A command's error is a *command.Error, within an
// *UnansweredError when it is worth another attempt.
func (n Node) Execute(ctx context.Context, order joinapi.KubeadmOrder) error {
	args, after, err := arguments(order.Action)
	if err != nil {
		return err
	}
	stage, err := n.Observe()
	if err != nil {
		return err
	}
	if !stage.Unfinished() {
		return fmt.Errorf("kubeadm %s: this host is %s already", order.Action, stage)
	}
	if stage, err = n.clear(ctx, stage, order); err != nil {
		return err
	}
	if stage == Serving {
		args = append(args, resumed())
	}
	err = n.kubeadm(ctx, stage, args, order)
	switch {
	case err != nil:
		return n.failed(ctx, stage, order, err)
	case after == Done:
		return n.Finish()
	}
	return n.mark(after)
}

// Unfinished tells whether kubeadm has to run.
func (s Stage) Unfinished() bool { return s == NotStarted || s == Partial || s == Serving }

// Made tells whether kubeadm has made a node here, be it that it did not finish.
func (s Stage) Made() bool { return s == Serving || s == Initialized || s == Done }

// clear resets what may not stay, and returns the stage that is begun: Serving
// where an init goes on.
func (n Node) clear(ctx context.Context, stage Stage, order joinapi.KubeadmOrder) (Stage, error) {
	init := order.Action == joinapi.ActionInit
	switch {
	case init && stage == Serving:
		if same, err := n.sameDocuments(order); same || err != nil {
			return Serving, err
		}
	case init && stage == NotStarted:
		var err error
		if stage, err = n.etcdLeft(); err != nil {
			return "", err
		}
	}
	if stage == NotStarted {
		return Partial, nil
	}
	return Partial, n.reset(ctx)
}

// failed says what is left of a command that failed. A join that was not answered
// is cleared at once; an init whose control plane serves goes on there. One that
// went on and failed for a reason of its own is made anew by the next run, as any
// that fails, but for one that was stopped.
func (n Node) failed(ctx context.Context, begun Stage, order joinapi.KubeadmOrder, err error) error {
	none := unanswered(order.Action, err)
	switch {
	case none == nil && begun == Serving && ctx.Err() == nil:
		return errors.Join(err, n.mark(Partial))
	case none == nil:
		return err
	case order.Action == joinapi.ActionJoin:
		return n.quiet(ctx, none)
	case !none.late():
		return err
	}
	if marked := n.serve(order); marked != nil {
		return errors.Join(err, marked)
	}
	return none
}

// quiet clears what a join left that was not answered, while this node waits for
// its next turn: its kubelet would go on asking an API server that has too much to
// do, and once it is let in kubeadm refuses the join beside a Node that is ready.
func (n Node) quiet(ctx context.Context, none *UnansweredError) error {
	stage, err := n.Observe()
	if err == nil && stage == Partial {
		err = n.reset(ctx)
	}
	if err != nil { // the next attempt begins with it
		return fmt.Errorf("%w; %w", none, err)
	}
	return none
}

// etcdLeft looks for etcd's data where an init is to begin. kubeadm refuses it,
// and its reset removes it whosever it is. It is ours to remove when an init of
// ours was cut off, which never begins on top of any: its reset was cut off, too.
// An init that had finished may have made a cluster that others have joined.
func (n Node) etcdLeft() (Stage, error) {
	data, err := n.Root.Names(etcdData)
	if err != nil {
		return "", fmt.Errorf("looking for etcd's data: %w", err)
	}
	if slices.Equal(data, []string{fresh}) {
		return NotStarted, n.Root.Remove(filepath.Join(etcdData, fresh)) // an error when it holds anything
	}
	if len(data) == 0 {
		return NotStarted, nil
	}
	step, _, err := n.step()
	if err == nil && step != Partial {
		err = ErrEtcdData
	}
	return Partial, err
}

func arguments(action joinapi.Action) (args []string, after Stage, err error) {
	switch action {
	case joinapi.ActionInit:
		// The token that kubeadm would print is of no use, and logs are read by many.
		return []string{"init", "--skip-token-print"}, Initialized, nil
	case joinapi.ActionJoin:
		return []string{"join"}, Done, nil
	}
	return nil, "", fmt.Errorf("joinsvc ordered kubeadm %q; this version knows %s and %s", action, joinapi.ActionInit, joinapi.ActionJoin)
}

func (n Node) reset(ctx context.Context) error {
	_, err := n.Run(ctx, command.New("kubeadm", n.resetting()...))
	if err != nil {
		return fmt.Errorf("clearing what an unfinished kubeadm left: %w", err)
	}
	return nil
}

// resetting is how kubeadm takes back what it has made here.
func (n Node) resetting() []string {
	args := []string{"reset", "--force"}
	if n.CRISocket != "" {
		args = append(args, "--cri-socket", n.CRISocket)
	}
	return args
}

// kubeadm runs with its documents in a file that only root can read, and that
// is gone afterwards: a join's holds a bootstrap token.
func (n Node) kubeadm(ctx context.Context, begun Stage, args []string, order joinapi.KubeadmOrder) (err error) {
	if err := n.mark(begun); err != nil {
		return err
	}
	if err := n.storePatches(order.Patches); err != nil {
		return err
	}
	if err := n.Root.Write(config, order.Config, 0o600); err != nil {
		return fmt.Errorf("storing kubeadm's documents: %w", err)
	}
	defer func() { err = errors.Join(err, n.Root.Remove(config)) }()
	run := command.New("kubeadm", append(args, "--config", n.Root.Path(config))...)
	run.Said = func(line string) { phase.Aside(ctx, line) } // an init takes up to half an hour
	_, err = n.Run(ctx, run)
	return err
}

// storePatches fills the folder that the documents name with these files and no
// others, by plain name only: joinsvc says what goes in there, not where.
func (n Node) storePatches(patches map[string]string) error {
	if err := n.Root.RemoveAll(joinapi.PatchesDir); err != nil {
		return fmt.Errorf("removing an earlier run's kubeadm patches: %w", err)
	}
	for name, patch := range patches {
		if name != filepath.Base(name) || !filepath.IsLocal(name) || name == "." {
			return fmt.Errorf("joinsvc ordered a kubeadm patch called %q: want a plain file name", name)
		}
		if err := n.Root.Write(filepath.Join(joinapi.PatchesDir, name), patch, 0o600); err != nil {
			return fmt.Errorf("storing kubeadm's patch %s: %w", name, err)
		}
	}
	return nil
}

func (n Node) mark(s Stage) error {
	if err := n.Root.Write(marker, string(s), 0o644); err != nil {
		return fmt.Errorf("noting that kubeadm is %s: %w", s, err)
	}
	return nil
}

// Finish notes that nothing is left to do here. For a control plane that is
// when joinsvc has accepted what HandOver returned and the add-ons are applied.
func (n Node) Finish() error {
	if err := errors.Join(n.Root.Remove(documents), n.Root.Remove(marker)); err != nil {
		return fmt.Errorf("noting that kubeadm is done: %w", err)
	}
	return nil
}
