// SPDX-License-Identifier: Apache-2.0

package apic

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// An Error is a refusal by the APIC.
type Error struct {
	Method string // of the request: POST
	DN     string // what the request was about, or its path
	Status int    // of HTTP
	Code   string // the APIC's own, "103"; empty when the answer had none
	Text   string // the APIC's own words
}

// Error says what was refused, and the APIC's words for why.
func (e *Error) Error() string {
	code := ""
	if e.Code != "" {
		code = " (code " + e.Code + ")"
	}
	return fmt.Sprintf("the APIC refuses %s %s: %s%s", e.Method, e.DN, e.Text, code)
}

// tokenRefused says whether the session is over. An APIC answers 403 also to a
// user who lacks a privilege, for whom another login is of no use.
func tokenRefused(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusForbidden && strings.Contains(strings.ToLower(e.Text), "token")
}

// unknownClass says whether the APIC's release has no such class to be asked
// for (code 12).
func unknownClass(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == "12"
}

// undeletable says whether the object goes with its parent only: the APIC
// makes it by itself and refuses to delete it (codes 107 and 120).
func undeletable(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Code == "107" || e.Code == "120")
}

// An answer is the envelope of everything that an APIC says.
type answer struct {
	TotalCount string   `json:"totalCount"`
	Imdata     []record `json:"imdata"`
}

// A record is one object: its class is the only key.
type record map[string]struct {
	Attributes map[string]string `json:"attributes"`
}

// readAnswer reads the envelope. An APIC says errors with status 4xx or 5xx,
// and its web server says some in HTML.
func readAnswer(r request, resp *http.Response, data []byte) (answer, error) {
	about := r.dn
	if about == "" {
		about = r.path
	}
	var a answer
	err := json.Unmarshal(data, &a)
	if err == nil {
		err = a.err(r.method, about, resp.StatusCode)
	}
	var refused *Error
	switch {
	case errors.As(err, &refused):
		return answer{}, refused
	case resp.StatusCode/100 != 2:
		text := resp.Status + ": " + string(bytes.TrimSpace(data[:min(len(data), 200)]))
		return answer{}, &Error{Method: r.method, DN: about, Status: resp.StatusCode, Text: text}
	case err != nil:
		return answer{}, fmt.Errorf("reading the APIC's answer to %s %s: %w", r.method, about, err)
	}
	return a, nil
}

// err is the error that an envelope holds.
func (a answer) err(method, about string, status int) error {
	for _, r := range a.Imdata {
		if e, ok := r["error"]; ok {
			return &Error{Method: method, DN: about, Status: status, Code: e.Attributes["code"], Text: e.Attributes["text"]}
		}
	}
	return nil
}

// An object is what the APIC has at a distinguished name.
type object struct {
	class      string
	dn         string
	attributes map[string]string
}

// targets are the attributes by which a relation points at something.
func (o object) targets() []string {
	var all []string
	for name, value := range o.attributes {
		if class, _ := target(name); class != "" && value != "" {
			all = append(all, name)
		}
	}
	return all
}

// objects are an answer's, each with a name.
func (a answer) objects() ([]object, error) {
	all := make([]object, 0, len(a.Imdata))
	for _, r := range a.Imdata {
		if len(r) != 1 {
			return nil, fmt.Errorf("the APIC's answer has an object of %d classes, want 1", len(r))
		}
		for class, body := range r {
			dn := body.Attributes["dn"]
			if dn == "" {
				return nil, fmt.Errorf("the APIC's answer has an object of class %s without a dn", class)
			}
			all = append(all, object{class, dn, body.Attributes})
		}
	}
	return all, nil
}

// total is how many objects a query has found, on all its pages.
func (a answer) total() (int, error) {
	n, err := strconv.Atoi(a.TotalCount)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("the APIC's answer has the totalCount %q, want a number", a.TotalCount)
	}
	return n, nil
}
