// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

const nodes = "nodes"

// byNode is the index of objects by the node that their spec names, and nobody
// the place in it of those that name none.
const (
	byNode = "node"
	nobody = ""
)

// A kind is what is followed of one kind of object.
type kind struct {
	store    cache.Indexer
	synced   func() bool
	run      func(context.Context)
	required bool // nothing is written before it is known
}

// follow lists and watches a kind; wake gets what came, went (nil for is) or
// changed.
func (e *era) follow(plural string, required bool, wake func(was, is *unstructured.Unstructured)) {
	resource := e.api.resource(plural)
	if plural == nodes {
		resource = schema.GroupVersionResource{Version: "v1", Resource: nodes}
	}
	client := e.Client.Resource(resource)
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			list, err := client.List(ctx, o)
			return list, e.watching(plural, err)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			w, err := client.Watch(ctx, o)
			return w, e.watching(plural, err)
		},
	}
	store, informer := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: cache.ToListWatcherWithWatchListSemantics(lw, e.Client),
		ObjectType:    &unstructured.Unstructured{},
		Transform:     trim,
		Indexers:      cache.Indexers{byNode: nodeOf},
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    func(is any) { e.came(nil, object(is), wake) },
			UpdateFunc: func(was, is any) { e.came(object(was), object(is), wake) },
			DeleteFunc: func(was any) { e.came(object(was), nil, wake) },
		},
	})
	indexer, _ := store.(cache.Indexer) // with Indexers it is one
	e.kinds[plural] = &kind{store: indexer, synced: informer.HasSynced, run: informer.RunWithContext, required: required}
}

// came is the watch's news of an object.
func (e *era) came(was, is *unstructured.Unstructured, wake func(was, is *unstructured.Unstructured)) {
	o := either(was, is)
	if o == nil {
		return
	}
	e.record.saw(o.GetKind() + " " + o.GetName())
	wake(was, is)
}

// watching keeps what stands between joinsvc and a kind.
func (e *era) watching(plural string, err error) error {
	e.heard(err)
	if err != nil {
		e.board.put("watch "+plural, fmt.Sprintf("cannot watch %s: %v", plural, err))
		return err
	}
	e.board.put("watch "+plural, "")
	return nil
}

func object(o any) *unstructured.Unstructured {
	if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = gone.Obj
	}
	u, _ := o.(*unstructured.Unstructured)
	return u
}

// trim drops of a Node what nobody here reads: all but its name, its identity
// and Calico's annotations.
func trim(o any) (any, error) {
	u, ok := o.(*unstructured.Unstructured)
	if !ok || u.GetKind() != "Node" {
		return o, nil
	}
	delete(u.Object, "spec")
	delete(u.Object, "status")
	u.SetManagedFields(nil)
	u.SetLabels(nil)
	return u, nil
}

func nodeOf(o any) ([]string, error) { return []string{nodeName(object(o))}, nil }

func nodeName(o *unstructured.Unstructured) string {
	if o == nil {
		return ""
	}
	name, _, _ := unstructured.NestedString(o.Object, "spec", "node")
	return name
}

// get returns an object as it was last seen, nil for none.
func (e *era) get(plural, name string) *unstructured.Unstructured {
	k := e.kinds[plural]
	if k == nil {
		return nil
	}
	o, there, err := k.store.GetByKey(name)
	if err != nil || !there {
		return nil
	}
	return object(o)
}

// of returns a kind's objects whose spec names that node.
func (e *era) of(plural, node string) []*unstructured.Unstructured {
	k := e.kinds[plural]
	if k == nil {
		return nil
	}
	found, err := k.store.ByIndex(byNode, node)
	if err != nil {
		return nil // there is such an index
	}
	return unwrapped(found)
}

func (e *era) all(plural string) []*unstructured.Unstructured {
	if k := e.kinds[plural]; k != nil {
		return unwrapped(k.store.List())
	}
	return nil
}

func unwrapped(all []any) []*unstructured.Unstructured {
	out := make([]*unstructured.Unstructured, 0, len(all))
	for _, o := range all {
		if u := object(o); u != nil {
			out = append(out, u)
		}
	}
	return out
}
