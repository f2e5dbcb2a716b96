// SPDX-License-Identifier: Apache-2.0

package joinapi

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Code is what went wrong, for programs.
type Code string

// The codes. Each has one HTTP status, one title and one problem type; what a
// caller does about each is in docs/problems.md.
const (
	CodeInvalid          Code = "invalid"      // the request itself is wrong
	CodeTooLarge         Code = "too-large"    // its body is
	CodeUnauthorized     Code = "unauthorized" // token or certificate is not accepted
	CodeForbidden        Code = "forbidden"    // known, but not allowed this
	CodeNotFound         Code = "not-found"
	CodeMethodNotAllowed Code = "method-not-allowed"
	CodeConflict         Code = "conflict"    // somebody else holds it
	CodeNotYet           Code = "not-yet"     // another has to go first; ask again after RetryAfter
	CodeUnavailable      Code = "unavailable" // contention, a store that does not answer; ask again after RetryAfter
	CodeTooMany          Code = "too-many"    // too many requests, or refusals of them; ask again after RetryAfter
	CodeInternal         Code = "internal"
)

// Codes are all of them, in the order of their HTTP statuses.
func Codes() []Code {
	return []Code{
		CodeInvalid, CodeUnauthorized, CodeForbidden, CodeNotFound, CodeMethodNotAllowed, CodeConflict,
		CodeTooLarge, CodeTooMany, CodeInternal, CodeNotYet, CodeUnavailable,
	}
}

// Status is the one place that maps a code to an HTTP status (RFC 9110 section
// 15, RFC 6585 section 4). A code that is not known is an internal error.
func (c Code) Status() int {
	status, _ := c.is()
	return status
}

// Title is the code as a phrase that does not change from one occurrence to
// the next (RFC 9457 section 3.1.3).
func (c Code) Title() string {
	_, title := c.is()
	return title
}

func (c Code) is() (status int, title string) {
	switch c {
	case CodeInvalid:
		return http.StatusBadRequest, "The request is invalid"
	case CodeTooLarge:
		return http.StatusRequestEntityTooLarge, "The request is too large"
	case CodeUnauthorized:
		return http.StatusUnauthorized, "Token or certificate is not accepted"
	case CodeForbidden:
		return http.StatusForbidden, "This host may not do that"
	case CodeNotFound:
		return http.StatusNotFound, "There is no such thing"
	case CodeMethodNotAllowed:
		return http.StatusMethodNotAllowed, "Another method is wanted"
	case CodeConflict:
		return http.StatusConflict, "Somebody else holds it"
	case CodeNotYet:
		return http.StatusServiceUnavailable, "It is not this host's turn yet"
	case CodeUnavailable:
		return http.StatusServiceUnavailable, "joinsvc cannot do it at this moment"
	case CodeTooMany:
		return http.StatusTooManyRequests, "Too many requests"
	default:
		return http.StatusInternalServerError, "joinsvc had an internal error"
	}
}

// Error is what joinsvc answers instead of a result: a code for programs, a
// sentence for people that says which side is to act. It travels as a Problem.
type Error struct {
	Code    Code
	Message string
	// RetryAfter is the shortest time until it is worth asking again; it
	// travels in whole seconds.
	RetryAfter time.Duration
	// Problems are all that is wrong with a request, each at its place.
	Problems []FieldProblem
	// Instance names the one occurrence; joinsvc's log has it too.
	Instance string
}

// FieldProblem is one thing that is wrong with a request.
type FieldProblem struct {
	Path   string `json:"path"`   // "identity.macs[3]"
	Detail string `json:"detail"` // what is wrong, and what would be right
}

// Error returns "message (code)".
func (e *Error) Error() string { return fmt.Sprintf("%s (%s)", e.Message, e.Code) }

// Errorf makes an Error.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Invalid makes an Error of everything that is wrong with a request.
func Invalid(problems ...FieldProblem) *Error {
	words := make([]string, len(problems))
	for i, p := range problems {
		words[i] = p.Path + ": " + p.Detail
	}
	return &Error{Code: CodeInvalid, Message: strings.Join(words, "; "), Problems: problems}
}

// Unavailable makes an Error for what may pass by itself: contention, a store
// or an API server that does not answer in time.
func Unavailable(after time.Duration, format string, args ...any) *Error {
	e := Errorf(CodeUnavailable, format, args...)
	e.RetryAfter = after
	return e
}

// Temporary says whether the same request may succeed later, unchanged. An
// internal error may: joinsvc restarts, or its neighbour recovers.
func (e *Error) Temporary() bool {
	switch e.Code {
	case CodeNotYet, CodeUnavailable, CodeTooMany, CodeInternal:
		return true
	default:
		return false
	}
}

// CodeOf returns the code of the *Error in err's chain; empty when there is
// none, as when joinsvc could not be reached or somebody else answered.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
