// SPDX-License-Identifier: Apache-2.0

package joinapi

import (
	"encoding/json"
	"math"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ProblemMediaType is the content type of every answer that is no result
// (RFC 9457 section 3).
const ProblemMediaType = "application/problem+json"

// ProblemTypes begins the type of every problem; a code follows. The URIs are
// names that do not change. docs/problems.md says what each means, and no
// program needs to fetch them.
const ProblemTypes = "https://nodeprep.dev/problems/"

// Problem is an Error as it travels: a problem document (RFC 9457) with three
// members more, code, retryAfter and problems.
type Problem struct {
	Type     string `json:"type"` // ProblemTypes with the code
	Title    string `json:"title"`
	Status   int    `json:"status"`             // the HTTP status
	Detail   string `json:"detail"`             // Error.Message
	Instance string `json:"instance,omitempty"` // a URI that names this one occurrence
	Code     Code   `json:"code"`
	// RetryAfter is in seconds, rounded up; the same as the header Retry-After
	// (RFC 9110 section 10.2.3).
	RetryAfter int            `json:"retryAfter,omitempty"`
	Problems   []FieldProblem `json:"problems,omitempty"`
}

// Problem is the error as it travels.
func (e *Error) Problem() Problem {
	return Problem{
		Type:       ProblemTypes + string(e.Code),
		Title:      e.Code.Title(),
		Status:     e.Code.Status(),
		Detail:     e.Message,
		Instance:   e.Instance,
		Code:       e.Code,
		RetryAfter: int(math.Ceil(e.RetryAfter.Seconds())),
		Problems:   e.Problems,
	}
}

// refusal turns an answer that is no result into an error: *Error when it is a
// problem document of joinsvc, *UnexpectedAnswerError when anybody else gave it.
func refusal(resp *http.Response, body []byte) error {
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	var p Problem
	if kind != ProblemMediaType || json.Unmarshal(body, &p) != nil || !strings.HasPrefix(p.Type, ProblemTypes) || p.Code == "" {
		return newUnexpected(resp, kind, body)
	}
	return &Error{
		Code: p.Code, Message: p.Detail, Problems: p.Problems, Instance: p.Instance,
		RetryAfter: max(retryAfter(resp.Header), time.Duration(max(p.RetryAfter, 0))*time.Second),
	}
}

// maxRetryAfter bounds what anybody may make a host wait for one attempt.
const maxRetryAfter = time.Hour

// retryAfter reads the header in both its forms (RFC 9110 section 10.2.3).
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	wait := time.Duration(0)
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = time.Until(at)
	}
	return min(max(wait, 0), maxRetryAfter)
}
