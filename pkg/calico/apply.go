// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	// callTimeout bounds one request.
	callTimeout = 15 * time.Second
	// truce is between two writes of one object that somebody changes back.
	truce = 10 * time.Second
)

// A record is what is remembered of what was written.
type record struct {
	mu      sync.Mutex
	unknown map[string]bool // "IPPool.assignmentMode": this release has no such field
	written map[string]written
}

type written struct {
	at   time.Time
	seen bool // the watch has brought what was written, or later
}

func newRecord() *record {
	return &record{unknown: map[string]bool{}, written: map[string]written{}}
}

// locked is what keeps everything from being written.
func (e *era) locked() error {
	info := e.get(clusterInformation, "default")
	if info == nil {
		return nil // calico-node makes it at its first start
	}
	if ready, found, err := unstructured.NestedBool(info.Object, "spec", "datastoreReady"); err == nil && found && !ready {
		return errors.New("ClusterInformation default: datastoreReady is false; Calico's datastore is locked, by a migration perhaps, and what is written now would be lost; waiting for it")
	}
	return nil
}

// write is the one door to the API server for all that changes something. It is
// shut while Calico's datastore is being migrated
// (kube-controllers/pkg/controllers/migration).
func (e *era) write(ctx context.Context, what string, do func(context.Context) error) error {
	if err := e.locked(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err := do(ctx)
	e.heard(err)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// heard keeps whether the API server answers joinsvc, and looks again which
// group is served when a kind has gone.
func (e *era) heard(err error) {
	switch {
	case err == nil || apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) || apierrors.IsInvalid(err) || apierrors.IsBadRequest(err):
		e.ledger.answers("")
	case apierrors.IsNotFound(err):
		e.ledger.answers("")
		e.reconsider()
	case errors.Is(err, context.Canceled):
	default:
		e.ledger.answers("the API server does not answer joinsvc: " + err.Error())
	}
}

// apply writes an object if it is not as it should be.
func (e *era) apply(ctx context.Context, plural string, base *unstructured.Unstructured) error {
	want := settled(base, e.record.fields())
	name := want.GetKind() + " " + want.GetName()
	is := e.get(plural, want.GetName())
	if is != nil && len(drift(is, want)) == 0 {
		return nil
	}
	if wait, err := e.record.again(name, is); wait || err != nil {
		return err
	}
	if is != nil {
		fields := drift(is, want)
		e.Log.Info("calico: putting right", "object", name, "fields", strings.Join(fields, ", "), "also written by", strings.Join(others(is), ", "))
	}
	e.record.wrote(name)
	err := e.send(ctx, plural, want)
	if fields := undeclared(err, want.GetKind()); len(fields) > 0 {
		e.record.lacks(want.GetKind(), fields)
		e.Log.Info("calico: this release has no such fields", "kind", want.GetKind(), "fields", strings.Join(fields, ", "))
		err = e.send(ctx, plural, settled(base, e.record.fields()))
	}
	if err != nil {
		e.record.failed(name)
	}
	return err
}

// send applies with force: whoever else owns one of these fields loses it.
func (e *era) send(ctx context.Context, plural string, o *unstructured.Unstructured) error {
	return e.write(ctx, fmt.Sprintf("applying %s %s", o.GetKind(), o.GetName()), func(ctx context.Context) error {
		options := metav1.ApplyOptions{FieldManager: fieldManager, Force: true}
		_, err := e.Client.Resource(e.api.resource(plural)).Apply(ctx, o.GetName(), o, options)
		return err
	})
}

func others(o *unstructured.Unstructured) []string {
	owners := managers(o)
	delete(owners, fieldManager)
	return slices.Sorted(maps.Keys(owners))
}

var noSuchField = regexp.MustCompile(`\.spec\.(\w+): field not declared in schema`)

// undeclared are the fields of explicit that the API server's schema has not.
// One that the plan itself needs is an error that stays.
func undeclared(err error, kind string) []string {
	if err == nil {
		return nil
	}
	var fields []string
	for _, m := range noSuchField.FindAllStringSubmatch(err.Error(), -1) {
		if _, optional := explicit(kind)[m[1]]; optional {
			fields = append(fields, m[1])
		}
	}
	return fields
}

func (r *record) fields() map[string]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.unknown)
}

func (r *record) lacks(kind string, fields []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range fields {
		r.unknown[kind+"."+f] = true
	}
}

func (r *record) wrote(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.written[name] = written{at: time.Now()}
}

func (r *record) failed(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.written, name)
}

// saw takes that the watch has brought news of an object.
func (r *record) saw(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w, ok := r.written[name]; ok {
		w.seen = true
		r.written[name] = w
	}
}

// again says whether an object that is not as it should be is to be written
// now: not while the watch has not brought what was written last, and not at
// once when somebody has changed it back. The watch's news come back to it.
func (r *record) again(name string, is *unstructured.Unstructured) (wait bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w, ok := r.written[name]
	switch {
	case !ok || time.Since(w.at) >= truce:
		return false, nil
	case !w.seen:
		return true, nil
	case is == nil: // removed since
		return false, nil
	}
	return false, fmt.Errorf("%s was put right and has been changed again, by %s; it has two owners: take it away from one", name, strings.Join(others(is), ", "))
}

// lag is how long after a write the watch has brought it for sure.
const lag = 5 * time.Second

// settledAt is when an object was written last, if the watch has brought that.
func (r *record) settledAt(name string, now time.Time) (time.Time, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w, ok := r.written[name]
	return w.at, ok && w.seen && now.Sub(w.at) >= lag
}

// remove deletes an object as it was seen, and no other under its name.
func (e *era) remove(ctx context.Context, plural string, o *unstructured.Unstructured) error {
	uid := o.GetUID()
	options := metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}}
	return e.write(ctx, fmt.Sprintf("removing %s %s", o.GetKind(), o.GetName()), func(ctx context.Context) error {
		err := e.Client.Resource(e.api.resource(plural)).Delete(ctx, o.GetName(), options)
		if apierrors.IsNotFound(err) {
			return nil
		}
		return err
	})
}
