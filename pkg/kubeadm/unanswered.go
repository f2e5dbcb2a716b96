// SPDX-License-Identifier: Apache-2.0

package kubeadm

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/command"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// UnansweredError is a kubeadm that ended because the API server did not answer in
// time or had too much to do, and for nothing on this host: it is worth another
// attempt, with fresh documents. kubeadm gives each of its calls ten seconds
// whatever its documents' timeouts say, and many of them a single attempt
// (kubeadm 1.37, app/util/kubeconfig, ToClientSet; app/util/apiclient,
// GetConfigMapWithShortRetry; app/phases/addons/dns).
type UnansweredError struct {
	Action joinapi.Action
	Said   string // kubeadm's own last error, one line
	Err    error
}

func (e *UnansweredError) Error() string {
	return fmt.Sprintf("kubeadm %s got no answer of the API server's in time: %s", e.Action, e.Said)
}

// Unwrap is the command's error.
func (e *UnansweredError) Unwrap() error { return e.Err }

// unanswered makes an *UnansweredError of a command's error that is one.
func unanswered(action joinapi.Action, err error) *UnansweredError {
	var failed *command.Error
	if !errors.As(err, &failed) {
		return nil
	}
	said := lastError(failed.Output)
	contains := func(words string) bool { return strings.Contains(said, words) }
	if slices.ContainsFunc(ownFaults(), contains) || !slices.ContainsFunc(noAnswer(), contains) {
		return nil
	}
	return &UnansweredError{Action: action, Said: said, Err: err}
}

// failedPhase begins kubeadm's error, before the phase's name.
const failedPhase = "error execution phase "

// maxSaid is how much of an error is told, in bytes.
const maxSaid = 800

// lastError is the error with which kubeadm ended, on one line, without its advice
// how to see more of it. Warnings before it tell of calls that were tried again.
func lastError(output string) string {
	at := strings.LastIndex(output, failedPhase)
	if at < 0 {
		return ""
	}
	said, _, _ := strings.Cut(output[at:], "\nTo see the stack trace")
	said = strings.Join(strings.Fields(said), " ")
	return strings.ToValidUTF8(said[:min(len(said), maxSaid)], "")
}

// kubeadm ends with status 1 whatever happened, so its words have to do.

// ownFaults may have the words of noAnswer, too, and are of the host: the kubelet
// on it does not start, or what kubeadm looks at before it asks anybody, such as
// the container runtime's socket, is not as it should be.
func ownFaults() []string {
	return []string{"waiting for the kubelet to start", "[preflight] Some fatal errors occurred"}
}

func noAnswer() []string {
	return []string{
		// Go's net, net/http and x/net/http2.
		"request canceled", "Client.Timeout", "context deadline exceeded", "i/o timeout", "TLS handshake timeout",
		"connection refused", "connection reset by peer", "no route to host", "network is unreachable", "broken pipe",
		": EOF", "unexpected EOF", "client connection lost", "server sent GOAWAY",
		// The API server's own (apimachinery, api/errors; etcd, api/v3rpc/rpctypes).
		"the server is currently unable to handle the request", "the server was unable to return a response in the time allotted",
		"the server has received too many requests", "Too many requests", "Timeout: ", "could not be completed at this time",
		"has prevented the request from succeeding", "etcdserver: ",
		// kube-controller-manager has not signed for the token yet (kubeadm,
		// app/discovery/token, getClusterInfo).
		"could not find a JWS signature in the cluster-info ConfigMap",
	}
}
