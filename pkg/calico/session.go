// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

func (p *pass) statuses() dynamic.ResourceInterface {
	return p.Client.Resource(p.api.resource(nodeStatuses))
}

// sessions asks the nodes whose peers are applied for their sessions, and
// tells what is new.
func (p *pass) sessions(ctx context.Context, leased []Node) error {
	now := time.Now()
	var errs []error
	var asked []string
	for _, n := range leased {
		is, err := p.registered(n)
		_, done := p.applied[n.Name]
		switch {
		case err != nil: // said by node
		case is == nil:
			errs = append(errs, p.absent(ctx, n.Name))
		case done:
			asked = append(asked, n.Name)
		}
	}
	for _, node := range p.due(asked, now) {
		errs = append(errs, p.inquire(ctx, node, now))
	}
	othersWait := len(p.waiting(asked, now)) > 0
	for node := range p.open {
		errs = append(errs, p.read(ctx, node, othersWait, now))
	}
	return errors.Join(errs...)
}

// absent is for a node that is not in the cluster, or not any more: it has no
// session, whatever was reported of it.
func (p *pass) absent(ctx context.Context, node string) error {
	rack, _ := p.rack(node)
	return errors.Join(p.forget(ctx, node), p.tell(ctx, node, planned(rack)))
}

// forget ends a node's inquiry and has it asked again at once.
func (p *pass) forget(ctx context.Context, node string) error {
	var dropped error
	if _, open := p.open[node]; open {
		dropped = p.drop(ctx, node, time.Time{})
	}
	delete(p.next, node)
	return dropped
}

// inquire makes the object anew, because calico-node rewrites one only when
// something differs: an empty status forces a report.
func (p *pass) inquire(ctx context.Context, node string, now time.Time) error {
	if err := p.remove(ctx, node); err != nil {
		return err
	}
	options := metav1.CreateOptions{FieldManager: fieldManager}
	made, err := p.statuses().Create(ctx, statusRequest(p.api, node), options)
	if err != nil {
		return fmt.Errorf("asking %s for its sessions: %w", node, err)
	}
	p.opened(node, made.GetUID(), now)
	return nil
}

func (p *pass) remove(ctx context.Context, node string) error {
	err := p.statuses().Delete(ctx, statusName(node), metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("removing CalicoNodeStatus %s: %w", statusName(node), err)
	}
	return nil
}

// drop ends the inquiry of a node.
func (p *pass) drop(ctx context.Context, node string, next time.Time) error {
	if err := p.remove(ctx, node); err != nil {
		return err
	}
	p.closed(node, next)
	return nil
}

// read looks for a node's answer.
func (p *pass) read(ctx context.Context, node string, othersWait bool, now time.Time) error {
	status, err := p.statuses().Get(ctx, statusName(node), metav1.GetOptions{})
	inquiry := p.open[node]
	switch {
	case apierrors.IsNotFound(err) || err == nil && status.GetUID() != inquiry.uid:
		p.closed(node, now) // somebody removed it: ask again
		return nil
	case err != nil:
		return fmt.Errorf("reading CalicoNodeStatus %s: %w", statusName(node), err)
	}
	settled, err := p.judge(ctx, node, status, now)
	if err != nil {
		return err
	}
	if next, over := p.over(node, settled, othersWait, now); over {
		return p.drop(ctx, node, next)
	}
	return nil
}

// judge tells what a status says; settled means that every planned session is
// Established.
func (p *pass) judge(ctx context.Context, node string, status *unstructured.Unstructured, now time.Time) (settled bool, err error) {
	rack, _ := p.rack(node)
	sessions := planned(rack)
	if !reported(status) {
		if now.Sub(p.open[node].since) < reportTimeout {
			return false, nil
		}
		return false, p.tell(ctx, node, sessions)
	}
	sessions = observe(sessions, status, now)
	return established(sessions), p.tell(ctx, node, sessions)
}

func (p *pass) tell(ctx context.Context, node string, sessions []joinapi.Session) error {
	if told, before := p.told[node]; before && sameStates(told, sessions) {
		return nil
	}
	if err := p.Sessions(ctx, node, sessions); err != nil {
		return fmt.Errorf("telling the sessions of %s: %w", node, err)
	}
	p.told[node] = sessions
	return nil
}
