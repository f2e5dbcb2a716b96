// SPDX-License-Identifier: Apache-2.0

package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/kubeadm"
	"github.com/nodeprep/nodeprep/pkg/phase"
	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/retry"
)

// membership is this host's way into the cluster: kubeadm with the documents
// that joinsvc hands out, and what joinsvc gets back.
type membership struct {
	host        plan.HostPlan
	coordinator Coordinator
	node        kubeadm.Node
	now         func() time.Time
}

func (m membership) phase() phase.Phase {
	return phase.Phase{
		Name: "kubeadm",
		Doc:  fmt.Sprintf("join cluster %s as its %s %s", m.host.Cluster, m.host.Role, m.host.Name),
		// All of the host: what kubeadm starts lives on it.
		Needs: []string{
			"name", "modules", "network", "lacp", "firewall", "sysctl", "selinux", "swap", "packages", "runtime", "kubelet",
		},
		Plan: m.plan,
	}
}

// plan compares both sides: what kubeadm left on this host, and what joinsvc
// has been told of it. A run that was cut off between the two goes on there.
func (m membership) plan(ctx context.Context) ([]phase.Change, error) {
	stage, err := m.node.Observe()
	if err != nil {
		return nil, err
	}
	view, err := persist(ctx, m.coordinator.Node)
	if err != nil {
		return nil, fmt.Errorf("asking joinsvc how far this node is: %w", err)
	}
	if err := m.ours(stage, view); err != nil {
		return nil, err
	}
	if err := m.admitted(stage); err != nil {
		return nil, err
	}
	var changes []phase.Change
	if stage.Unfinished() {
		changes = append(changes, phase.Change{What: "kubeadm", From: string(stage), To: string(m.host.Role), Do: func(ctx context.Context) error {
			return m.execute(ctx, view)
		}})
	}
	if stage != kubeadm.Done && m.host.Role == plan.ControlPlane {
		changes = append(changes,
			phase.Change{What: "cluster access", From: "none", To: "certified for joinsvc", Do: m.handOver},
			phase.Change{What: "add-ons", From: "none", To: "applied", Do: m.applyAddOns})
	}
	if stage == kubeadm.Done && view.Renew != nil && m.node.MayHandOver() {
		changes = append(changes, phase.Change{
			What: "cluster access", From: "in the second half of its time", To: "certified for joinsvc anew",
			Do: func(ctx context.Context) error { return m.certify(ctx, *view.Renew) },
		})
	}
	if view.Phase != joinapi.PhaseJoined && view.Phase != joinapi.PhaseRouted {
		changes = append(changes, phase.Change{What: "node", From: string(view.Phase), To: string(joinapi.PhaseJoined), Do: m.reportJoined})
	}
	return changes, nil
}

// ours refuses a host that carries another cluster, which would count as done.
// What an unfinished run of ours left is reset anyway, and an init that has not
// handed over yet has nobody to compare with.
func (m membership) ours(stage kubeadm.Stage, view joinapi.NodeView) error {
	if !stage.Made() || stage != kubeadm.Done && view.ClusterCA == "" {
		return nil
	}
	carried, err := m.node.Carried()
	if err != nil {
		return err
	}
	const advice = "if this host is to leave that cluster, run `kubeadm reset --force --cri-socket %s` on it and start nodeprep again"
	for _, c := range carried {
		switch {
		case view.ClusterCA == "":
			return fmt.Errorf("this host carries a cluster (%s, CA %s), and joinsvc has no access to cluster %s yet: either it is another, or joinsvc's records "+
				"of it are lost, which a backup of joinsvc brings back; "+
				advice, c.File, strings.Join(c.Hashes, " "), m.host.Cluster, m.node.CRISocket)
		case !c.Is(view.ClusterCA):
			return fmt.Errorf("this host carries another cluster: %s is of the CA %s, cluster %s has %s; "+
				advice, c.File, strings.Join(c.Hashes, " "), m.host.Cluster, view.ClusterCA, m.node.CRISocket)
		}
	}
	return nil
}

// admitted refuses a host that is done and that the cluster does not let in, or
// lets in as another node: no session of its own would ever come.
func (m membership) admitted(stage kubeadm.Stage) error {
	if stage != kubeadm.Done {
		return nil
	}
	const renew = "kubeadm's troubleshooting has how to give kubelet another (Kubelet client certificate rotation fails)"
	switch err := m.node.Admitted(m.now()); {
	case err == nil:
		return m.itself()
	case m.host.Role == plan.ControlPlane: // a reset would be the end of the cluster
		return fmt.Errorf("%w; %s", err, renew)
	default:
		return fmt.Errorf("%w; %s; or have it join anew: `kubeadm reset --force --cri-socket %s`, remove its /var/lib/nodeprep and "+
			"give it a token of `joinsvc token create --reinstalled --node %s`", err, renew, m.node.CRISocket, m.host.Name)
	}
}

// itself refuses a host that is another node of the cluster than joinsvc takes it
// for, as from a disk's copy, or enrolled under another name and not installed
// anew.
func (m membership) itself() error {
	name, file, err := m.node.Named()
	if err != nil || name == "" || name == m.host.Name {
		return err
	}
	return fmt.Errorf("this host carries another node: kubelet's certificate in %s is of %s, and to joinsvc this host is %s; a node cannot be renamed: "+
		"if %[2]s is to leave the cluster, run `kubeadm reset --force --cri-socket %[4]s` on this host and start nodeprep again", file, name, m.host.Name, m.node.CRISocket)
}

func (m membership) execute(ctx context.Context, view joinapi.NodeView) error {
	if err := m.report(ctx, joinapi.ReportPrepared); err != nil {
		return err
	}
	order, err := m.order(ctx)
	if err != nil {
		return err
	}
	if order.Action == joinapi.ActionInit && view.ClusterCA != "" {
		// joinsvc would refuse the access to it, half an hour later on slow hosts.
		return fmt.Errorf("kubeadm init would make a second cluster: joinsvc has access to the one with the CA %s that was made here; "+
			"put this host's /etc/kubernetes, /var/lib/kubelet and /var/lib/etcd back, or, if that cluster is gone for good, run `joinsvc init reopen %s`",
			view.ClusterCA, m.host.Name)
	}
	return m.follow(ctx, order)
}

// follow does what was ordered. A join, or the end of an init, that fails because
// the API server does not answer is tried again here: all else is done. Each
// attempt has documents of its own, for which a node that joins queues like all
// others.
func (m membership) follow(ctx context.Context, order joinapi.KubeadmOrder) error {
	attempts := 0
	policy := retry.Policy{Limit: joinTimeout, Whole: true, Judge: unanswered, Waiting: phase.Waiting(ctx)}
	_, err := retry.Do(ctx, policy, func(ctx context.Context) (_ struct{}, err error) {
		if attempts++; attempts > 1 {
			order, err = m.order(ctx)
		}
		if err == nil {
			err = m.node.Execute(ctx, order)
		}
		if none := new(kubeadm.UnansweredError); errors.As(err, &none) {
			err = errors.Join(err, m.giveWay(ctx, none))
		}
		return struct{}{}, err
	})
	if unanswered(err).Again && ctx.Err() == nil {
		err = errors.Join(err, m.node.Forsake())
	}
	return err
}

// giveWay has another node join meanwhile, and joinsvc know why this one does not:
// in kubeadm's own words, which are short. What else went wrong, such as a reset of
// many containers, would be more than a report may have.
func (m membership) giveWay(ctx context.Context, reason error) error {
	return m.tell(ctx, joinapi.Report{Phase: joinapi.ReportKubeadm, Outcome: joinapi.OutcomeFailed, Message: reason.Error()})
}

// handOver asks for the order again: the init node gets the same one each time.
func (m membership) handOver(ctx context.Context) error {
	order, err := m.order(ctx)
	if err != nil {
		return err
	}
	if order.Access == nil {
		return errors.New("joinsvc's order names no cluster access to hand over; see its log: journalctl -u joinsvc")
	}
	return m.certify(ctx, *order.Access)
}

// certify lets joinsvc into the cluster that this node has made.
func (m membership) certify(ctx context.Context, r joinapi.AccessRequest) error {
	access, err := m.node.HandOver(ctx, r, "https://"+m.host.Kubernetes.APIEndpoint.String())
	if err != nil {
		return err
	}
	_, err = persist(ctx, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, m.coordinator.ClusterAccess(ctx, access)
	})
	if err != nil {
		return fmt.Errorf("handing joinsvc its cluster access: %w", err)
	}
	return nil
}

// applyAddOns comes after the hand-over: from then on the workers join, and
// meanwhile the CNI's manifest, the longest of all, is applied.
func (m membership) applyAddOns(ctx context.Context) error {
	order, err := m.order(ctx)
	if err != nil {
		return err
	}
	if order.AddOns == "" {
		return errors.New("joinsvc's order has no add-ons, and without a CNI no node is ever ready; see its log: journalctl -u joinsvc")
	}
	m.succeed(ctx)
	if err := m.node.Apply(ctx, order.AddOns); err != nil {
		return fmt.Errorf("applying the cluster's add-ons: %w", err)
	}
	m.succeed(ctx)
	return m.node.Finish()
}

// succeed spares the cluster a wait that ends by itself: what keeps it from that
// is worth a note.
func (m membership) succeed(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := m.node.Succeed(ctx, m.host.Name); err != nil {
		phase.Notef(ctx, "%v; it ends by itself", err)
	}
}

func (m membership) order(ctx context.Context) (joinapi.KubeadmOrder, error) {
	order, err := persist(ctx, m.coordinator.Kubeadm)
	if err != nil {
		return order, fmt.Errorf("asking joinsvc for kubeadm's documents: %w", err)
	}
	return order, nil
}

func (m membership) reportJoined(ctx context.Context) error {
	return m.report(ctx, joinapi.ReportKubeadm)
}

func (m membership) report(ctx context.Context, what string) error {
	return m.tell(ctx, joinapi.Report{Phase: what, Outcome: joinapi.OutcomeDone})
}

func (m membership) tell(ctx context.Context, r joinapi.Report) error {
	r.Time = m.now()
	_, err := persist(ctx, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, m.coordinator.Report(ctx, r)
	})
	if err != nil {
		return fmt.Errorf("reporting %s: %w", r.Phase, err)
	}
	return nil
}
