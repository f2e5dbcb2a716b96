// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxAnswer bounds what is read of an answer, in bytes. The largest is a
// definition with its schema and its managed fields.
const maxAnswer = 16 << 20

// resource is one entry of a discovery document (metav1.APIResource).
type resource struct {
	Name       string `json:"name"` // "daemonsets"; "daemonsets/status" is part of one
	Kind       string `json:"kind"`
	Namespaced bool   `json:"namespaced"`
}

var errUnserved = errors.New("the API server serves no such kind")

// root is where an API version lives: the core group's is "v1".
func root(apiVersion string) string {
	if strings.Contains(apiVersion, "/") {
		return "/apis/" + apiVersion
	}
	return "/api/" + apiVersion
}

// find asks for the resources of one API version, once unless the kind is not
// among them: a definition may have brought it since.
func (c *Client) find(ctx context.Context, apiVersion, kind string) (resource, error) {
	for fresh := false; ; fresh = true {
		list, known := c.resources[apiVersion]
		if fresh || !known {
			var answer struct{ Resources []resource }
			if err := c.call(ctx, http.MethodGet, root(apiVersion), nil, &answer); err != nil {
				return resource{}, unserved(err, apiVersion, kind)
			}
			list, fresh = answer.Resources, true
			c.resources[apiVersion] = list
		}
		for _, r := range list {
			if r.Kind == kind && !strings.Contains(r.Name, "/") {
				return r, nil
			}
		}
		if fresh {
			return resource{}, fmt.Errorf("%w: %s of %s", errUnserved, kind, apiVersion)
		}
	}
}

// unserved says of a group or version that is not there what it means.
func unserved(err error, apiVersion, kind string) error {
	var refused *StatusError
	if errors.As(err, &refused) && refused.Code == http.StatusNotFound {
		return fmt.Errorf("%w: %s of %s: %w", errUnserved, kind, apiVersion, err)
	}
	return fmt.Errorf("asking what %s has: %w", apiVersion, err)
}

// StatusError is what the API server answers instead of a result (metav1.Status).
type StatusError struct {
	Code       int // HTTP status
	Reason     string
	Message    string
	Causes     []string      // reasons of the details, such as "NamespaceTerminating"
	RetryAfter time.Duration // 0 when the server names none
}

// Error is the server's own sentence and its HTTP status.
func (e *StatusError) Error() string { return fmt.Sprintf("%s (%d)", e.Message, e.Code) }

// call sends one request and decodes the answer into into, if not nil.
func (c *Client) call(ctx context.Context, method, path string, body []byte, into any) error {
	at, err := c.base.Parse(path)
	if err != nil {
		return fmt.Errorf("asking the API server for %s: %w", path, err)
	}
	request, err := http.NewRequestWithContext(ctx, method, at.String(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("asking the API server for %s: %w", path, err)
	}
	request.Header.Set("Accept", "application/json")
	switch method {
	case http.MethodPatch:
		// The server takes YAML under this name (KEP 555).
		request.Header.Set("Content-Type", "application/apply-patch+yaml")
	case http.MethodPut:
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(request)
	if err != nil {
		var long *url.Error
		if errors.As(err, &long) {
			long.URL = at.Path
		}
		return fmt.Errorf("asking the API server: %w", err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return fmt.Errorf("reading the API server's answer: %w", err)
	case len(data) > maxAnswer:
		return fmt.Errorf("the API server's answer to %s %s is larger than %d bytes", method, at.Path, maxAnswer)
	case response.StatusCode/100 != 2:
		return refusal(response, data)
	case into == nil:
		return nil
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("reading the API server's answer: %w", err)
	}
	return nil
}

func refusal(response *http.Response, data []byte) error {
	var status struct {
		Reason, Message string
		Details         struct {
			Causes            []struct{ Reason string }
			RetryAfterSeconds int
		}
	}
	e := &StatusError{Code: response.StatusCode}
	if err := json.Unmarshal(data, &status); err != nil || status.Message == "" {
		status.Message = fmt.Sprintf("the API server answered %s: %s", response.Status, bytes.TrimSpace(data[:min(len(data), 200)]))
	}
	e.Reason, e.Message = status.Reason, status.Message
	for _, c := range status.Details.Causes {
		e.Causes = append(e.Causes, c.Reason)
	}
	seconds, err := strconv.Atoi(response.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		seconds = status.Details.RetryAfterSeconds
	}
	e.RetryAfter = time.Duration(seconds) * time.Second
	return e
}
