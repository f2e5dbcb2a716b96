// SPDX-License-Identifier: Apache-2.0

//go:build root

package atomicfile

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

const someLabel = "system_u:object_r:var_lib_t:s0"

// labelled is a folder that a policy has labelled once.
func labelled(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Setxattr(dir, selinuxLabel, []byte(someLabel), 0); err != nil {
		t.Fatalf("labelling a folder takes root and a file system with labels: %v", err)
	}
	return dir
}

func TestANewFileHasItsFoldersLabel(t *testing.T) {
	path := filepath.Join(labelled(t), "file")
	if err := Write(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := labelOf(path); err != nil || string(got) != someLabel {
		t.Errorf("its label is %q, %v; want %s", got, err, someLabel)
	}
}

// joinsvc writes its secrets without any capability.
func TestWhoMayNotLabelWritesAllTheSame(t *testing.T) {
	dir := labelled(t)
	runtime.LockOSThread() // never unlocked: the thread ends with the test
	dropCapabilities(t)
	path := filepath.Join(dir, "secret")
	if err := Write(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "x" {
		t.Errorf("it holds %q, %v", got, err)
	}
}

func dropCapabilities(t *testing.T) {
	t.Helper()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&header, &none[0]); err != nil {
		t.Fatal(err)
	}
}
