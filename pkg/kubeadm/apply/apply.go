// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/nodeprep/nodeprep/pkg/retry"
)

// patience is how long one object is tried without success. An API server that
// its own liveness probe ends comes back within some minutes, on a slow and
// busy machine too; what is applied stays applied, and the next run goes on.
const patience = 15 * time.Minute

// FieldManager owns the fields of what is applied.
const FieldManager = "nodeprep"

// Waiting is told what is waited for, and since when.
type Waiting func(reason error, since time.Duration)

// Apply puts every object of manifest (YAML) into the cluster and makes its
// fields nodeprep's own; it returns when the definitions among them are
// established. What the server cannot do now is waited for. An error names the
// object; those before it are applied, and Apply may be repeated: what is there
// already stays as it is.
func (c *Client) Apply(ctx context.Context, manifest string, waiting Waiting) error {
	objects, err := parse(manifest)
	if err != nil {
		return err
	}
	r := run{Client: c, waiting: waiting}
	for _, o := range objects {
		if err := r.apply(ctx, o); err != nil {
			return err
		}
	}
	return r.awaitDefinitions(ctx, func(object) bool { return true })
}

// run is one manifest on its way.
type run struct {
	*Client
	waiting Waiting
	// pending are the definitions that have been applied and not yet been seen
	// established; defined are all that have been applied.
	pending, defined []object
}

func (r *run) apply(ctx context.Context, o object) error {
	if err := r.awaitDefinitions(ctx, func(d object) bool { return d.defines(o) }); err != nil {
		return err
	}
	if err := r.persist(ctx, "applying "+o.String(), func(ctx context.Context) error { return r.patch(ctx, o) }); err != nil {
		return err
	}
	if o.definition() {
		r.pending, r.defined = append(r.pending, o), append(r.defined, o)
	}
	return nil
}

// persist tries one step until it succeeds or cannot.
func (r *run) persist(ctx context.Context, what string, step func(context.Context) error) error {
	j := judge{client: r.Client}
	policy := retry.Policy{
		Limit:   patience,
		Judge:   func(err error) retry.Verdict { return j.verdict(ctx, err) },
		Waiting: func(reason error, since time.Duration) { r.waiting(fmt.Errorf("%s: %w", what, reason), since) },
	}
	_, err := retry.Do(ctx, policy, func(ctx context.Context) (struct{}, error) { return struct{}{}, step(ctx) })
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// patch sends one object.
func (r *run) patch(ctx context.Context, o object) error {
	query := url.Values{
		"fieldManager": {FieldManager}, "force": {"true"},
		// The server's own check, since 1.25; older ones do not know the word.
		"fieldValidation": {"Strict"},
	}
	path, err := r.path(ctx, o)
	if err == nil {
		err = r.call(ctx, http.MethodPatch, path+"?"+query.Encode(), o.text, nil)
	}
	if missing(err) && slices.ContainsFunc(r.defined, func(d object) bool { return d.defines(o) }) {
		// Established comes some moments before it is served.
		return notYetError{err}
	}
	return err
}

// path is where o lives, by the discovery of its API version.
func (r *run) path(ctx context.Context, o object) (string, error) {
	found, err := r.find(ctx, o.APIVersion, o.Kind)
	if err != nil {
		return "", err
	}
	path := root(o.APIVersion)
	if found.Namespaced {
		path += "/namespaces/" + url.PathEscape(cmp.Or(o.Metadata.Namespace, "default"))
	}
	return path + "/" + found.Name + "/" + url.PathEscape(o.Metadata.Name), nil
}

// awaitDefinitions returns when those of the definitions that are pending are
// established: only then does the server serve what they define.
func (r *run) awaitDefinitions(ctx context.Context, which func(object) bool) error {
	var left []object
	for _, d := range r.pending {
		if !which(d) {
			left = append(left, d)
			continue
		}
		if err := r.persist(ctx, "waiting for "+d.String(), func(ctx context.Context) error { return r.established(ctx, d) }); err != nil {
			return err
		}
	}
	r.pending = left
	return nil
}

// established asks for a definition's condition of that name
// (apiextensions.k8s.io/v1, CustomResourceDefinitionCondition).
func (r *run) established(ctx context.Context, d object) error {
	path, err := r.path(ctx, d)
	if err != nil {
		return err
	}
	var is struct {
		Status struct {
			Conditions []struct{ Type, Status, Message string }
		}
	}
	if err := r.call(ctx, http.MethodGet, path, nil, &is); err != nil {
		return err
	}
	reason := "the API server has not looked at it yet"
	for _, c := range is.Status.Conditions {
		if c.Type == "Established" && c.Status == "True" {
			return nil
		}
		if c.Status == "False" {
			reason = c.Type + " is false: " + c.Message
		}
	}
	return notYetError{errors.New("not established: " + reason)}
}
