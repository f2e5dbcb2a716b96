// SPDX-License-Identifier: Apache-2.0

package joinapi

import (
	"fmt"
	"net/http"
	"time"
)

// Code is what went wrong, for programs.
type Code string

// The codes, each with one HTTP status in Status.
const (
	CodeInvalid      Code = "invalid"      // the request itself is wrong
	CodeUnauthorized Code = "unauthorized" // token or certificate is not accepted
	CodeForbidden    Code = "forbidden"    // known, but not allowed this
	CodeNotFound     Code = "not-found"
	CodeConflict     Code = "conflict" // somebody else holds it
	CodeNotYet       Code = "not-yet"  // ask again after RetryAfter
	CodeTooMany      Code = "too-many" // rate limit
	CodeInternal     Code = "internal"
)

// Error is what joinsvc answers instead of a result: a code for programs, a
// sentence for people that says which side is to act.
type Error struct {
	Code       Code          `json:"code"`
	Message    string        `json:"message"`
	RetryAfter time.Duration `json:"-"` // with CodeNotYet and CodeTooMany; travels as Retry-After
}

// Error returns "message (code)".
func (e *Error) Error() string { return fmt.Sprintf("%s (%s)", e.Message, e.Code) }

// Errorf makes an Error.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Status is the one place that maps a code to an HTTP status (RFC 9110).
func (c Code) Status() int {
	switch c {
	case CodeInvalid:
		return http.StatusBadRequest
	case CodeUnauthorized:
		return http.StatusUnauthorized
	case CodeForbidden:
		return http.StatusForbidden
	case CodeNotFound:
		return http.StatusNotFound
	case CodeConflict:
		return http.StatusConflict
	case CodeNotYet:
		return http.StatusServiceUnavailable
	case CodeTooMany:
		return http.StatusTooManyRequests
	default:
		return http.StatusInternalServerError
	}
}
