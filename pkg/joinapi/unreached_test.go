// SPDX-License-Identifier: Apache-2.0

package joinapi

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Who cannot be asked is named, and what to do about it, on either side.
func TestUnreachedSaysWhatToDo(t *testing.T) {
	_, err := NewAdmin(filepath.Join(t.TempDir(), "admin.sock")).Status(t.Context())
	for _, part := range []string{"admin.sock", "no such file", "systemctl status joinsvc", "adminSocket"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("no %q in %v", part, err)
		}
	}
	refused := &net.OpError{Op: "dial", Net: "unix", Err: os.NewSyscallError("connect", syscall.EACCES)}
	if err := NewAdmin("x").caller.unreached(refused); !strings.Contains(err.Error(), "as root") || !errors.Is(err, syscall.EACCES) {
		t.Error(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	token := EnrolToken{CA: strings.Repeat("a", 64), ID: "id", Secret: "secret"}.String()
	_, err = Enrol(t.Context(), "https://"+closed.Addr().String(), token, key, Identity{})
	if !errors.Is(err, syscall.ECONNREFUSED) || !strings.Contains(err.Error(), "firewalls") {
		t.Errorf("enrolling: %v", err)
	}
	if err := (caller{hint: networkHint}).unreached(io.EOF); strings.Contains(err.Error(), "firewalls") {
		t.Errorf("a connection that broke was there: %v", err)
	}
}

// The status of a large site is as large as its hosts' reports: a run of a
// fresh one leaves 3 kB, and 16 kB are its budget.
func TestStatusOfALargeSite(t *testing.T) {
	message := strings.Repeat("x", 700)
	var status Status
	for i := range 5000 {
		n := NodeStatus{Name: fmt.Sprintf("n%04d", i)}
		for range 4 {
			n.Reports = append(n.Reports, Report{Phase: "packages", Outcome: OutcomeNoted, Message: message})
		}
		status.Nodes = append(status.Nodes, n)
	}
	socket := filepath.Join(t.TempDir(), "admin.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(status) // the client says what it lacks
	})}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	got, err := NewAdmin(socket).Status(t.Context())
	if err != nil || len(got.Nodes) != len(status.Nodes) {
		t.Errorf("%d nodes, %v", len(got.Nodes), err)
	}
}
