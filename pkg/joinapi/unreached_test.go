// SPDX-License-Identifier: Apache-2.0

package joinapi

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"io"
	"net"
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
