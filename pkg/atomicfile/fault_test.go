// SPDX-License-Identifier: Apache-2.0

package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nodeprep/nodeprep/internal/fault"
)

// existing is a file that Write is to replace.
func existing(t *testing.T, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func wantContent(t *testing.T, path, want string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s holds %q, %v; want %q", path, got, err, want)
	}
}

// The content is on the disk before the name leads to it.
func TestADiskThatDoesNotSyncLeavesTheOldContent(t *testing.T) {
	path := existing(t, 0o644)
	err := fault.OnThread(t, fault.Refuse(unix.SYS_FSYNC), func() error { return Write(path, []byte("new"), 0o644) })
	if !errors.Is(err, unix.EIO) {
		t.Errorf("error is %v, want EIO", err)
	}
	wantContent(t, path, "old")
	onlyFile(t, filepath.Dir(path), "file")
}

// Whatever the kernel refuses on the way, the old content stays, nothing is left
// beside it, and the refusal is told.
func TestWhatTheKernelRefusesLeavesTheOldContent(t *testing.T) {
	for name, call := range map[string]uint32{
		"opening": unix.SYS_OPENAT, "writing": unix.SYS_WRITE, "label": unix.SYS_LGETXATTR, "renaming": unix.SYS_RENAMEAT,
	} {
		t.Run(name, func(t *testing.T) {
			path := existing(t, 0o644)
			err := fault.OnThread(t, fault.Refuse(call), func() error { return Write(path, []byte("new"), 0o644) })
			if !errors.Is(err, unix.EIO) {
				t.Errorf("error is %v, want EIO", err)
			}
			wantContent(t, path, "old")
			onlyFile(t, filepath.Dir(path), "file")
		})
	}
}

// A folder that cannot be made is not taken for one that somebody else has made.
func TestAFolderThatCannotBeMade(t *testing.T) {
	dir := t.TempDir()
	err := fault.OnThread(t, fault.Refuse(unix.SYS_MKDIRAT), func() error { return Write(filepath.Join(dir, "a", "b", "file"), nil, 0o644) })
	if !errors.Is(err, unix.EIO) || !strings.HasSuffix(err.Error(), "mkdir "+filepath.Join(dir, "a")+": input/output error") {
		t.Errorf("error is %v, want EIO of the first folder", err)
	}
}

func TestSyncDirSyncs(t *testing.T) {
	dir := t.TempDir()
	if err := SyncDir(dir); err != nil {
		t.Error(err)
	}
	if err := fault.OnThread(t, fault.Refuse(unix.SYS_FSYNC), func() error { return SyncDir(dir) }); !errors.Is(err, unix.EIO) {
		t.Errorf("error is %v, want EIO", err)
	}
}

// A folder that may be written and not read takes the file, and cannot be
// synced: an error though the content is there says that it was to be.
func TestTheFolderIsSyncedToo(t *testing.T) {
	for name, missing := range map[string]string{"the file's": "file", "that of a new folder": "new/file"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "blind")
			if err := os.Mkdir(dir, 0o300); err != nil {
				t.Fatal(err)
			}
			err := fault.OnThread(t, fault.Powerless, func() error { return Write(filepath.Join(dir, missing), nil, 0o600) })
			if !errors.Is(err, unix.EACCES) {
				t.Errorf("error is %v, want EACCES from opening the folder", err)
			}
			if err := os.Chmod(dir, 0o700); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// With root, whose file it is can be told; without, that the owner is set before
// the name leads to the content.
func TestTheOwnerIsKept(t *testing.T) {
	path := existing(t, 0o640)
	if os.Getuid() == 0 {
		if err := os.Chown(path, 4711, 4712); err != nil {
			t.Fatal(err)
		}
	}
	var before, after unix.Stat_t
	if err := unix.Stat(path, &before); err != nil {
		t.Fatal(err)
	}
	err := fault.OnThread(t, fault.Refuse(unix.SYS_FCHOWN), func() error { return Write(path, []byte("new"), 0o640) })
	if !errors.Is(err, unix.EIO) {
		t.Errorf("error is %v, want EIO from fchown", err)
	}
	wantContent(t, path, "old")
	if err := Write(path, []byte("new"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := unix.Stat(path, &after); err != nil {
		t.Fatal(err)
	}
	if after.Uid != before.Uid || after.Gid != before.Gid {
		t.Errorf("the owner is %d:%d, was %d:%d", after.Uid, after.Gid, before.Uid, before.Gid)
	}
	wantContent(t, path, "new")
}

// The umask is not asked, for secrets are 0600 and configuration 0644 by name.
func TestModes(t *testing.T) {
	path := existing(t, 0o600)
	for _, mode := range []os.FileMode{0o644, 0o600, 0o666} {
		if err := Write(path, nil, mode); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("mode %v, %v; want %v", info.Mode(), err, mode)
		}
	}
	defer unix.Umask(unix.Umask(0o022)) // of all threads; folders are made as it says
	folder := filepath.Join(filepath.Dir(path), "a")
	if err := Write(filepath.Join(folder, "b", "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(folder); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("a new folder: %v, %v", info.Mode(), err)
	}
}

// A rename does not cross file systems, and /tmp is one of its own on many hosts.
func TestTheTemporaryFileIsBesideItsTarget(t *testing.T) {
	path := existing(t, 0o644)
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "absent"))
	if err := Write(path, []byte("new"), 0o644); err != nil {
		t.Fatal(err)
	}
	wantContent(t, path, "new")
}

func TestAFileInAFoldersPlace(t *testing.T) {
	path := existing(t, 0o644)
	if err := Write(filepath.Join(path, "below"), nil, 0o644); !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("error is %v, want ENOTDIR", err)
	}
}
