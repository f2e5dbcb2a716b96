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

// joinsvc writes its secrets without any capability. The attribute is that of a
// module which no kernel has, as SELinux's is where SELinux is off.
func TestWhoMayNotLabelWritesAllTheSame(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "secret"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	runtime.LockOSThread() // never unlocked: the thread ends with the test
	dropCapabilities(t)
	if err := setAttribute(f, "security.nodeprep-test", []byte(someLabel)); err != nil {
		t.Error(err)
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
