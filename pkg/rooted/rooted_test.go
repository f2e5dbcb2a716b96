// SPDX-License-Identifier: Apache-2.0

package rooted

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/nodeprep/nodeprep/internal/fault"
)

// machine is a root inside a folder that has an etc/secret of its own, which
// nothing may reach.
func machine(t *testing.T, files map[string]string) Root {
	t.Helper()
	outside := t.TempDir()
	put(t, Root(outside), "/etc/secret", "outside")
	root := Root(filepath.Join(outside, "root"))
	for name, content := range files {
		put(t, root, name, content)
	}
	t.Cleanup(func() {
		if got, err := os.ReadFile(filepath.Join(outside, "etc/secret")); err != nil || string(got) != "outside" {
			t.Errorf("outside of the root: %q, %v", got, err)
		}
	})
	return root
}

func put(t *testing.T, root Root, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(root.Path(name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(root.Path(name), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, root Root, target, name string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(root.Path(name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, root.Path(name)); err != nil {
		t.Fatal(err)
	}
}

// must ends the test on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantContent(t *testing.T, root Root, name, want string) {
	t.Helper()
	got, err := os.ReadFile(root.Path(name))
	if err != nil || string(got) != want {
		t.Errorf("%s holds %q, %v; want %q", name, got, err, want)
	}
}

func wantMode(t *testing.T, root Root, name string, want fs.FileMode) {
	t.Helper()
	info, err := root.Stat(name)
	must(t, err)
	if info.Mode().Perm() != want {
		t.Errorf("%s has mode %#o, want %#o", name, info.Mode().Perm(), want)
	}
}

func wantLink(t *testing.T, root Root, name, want string) {
	t.Helper()
	if got, err := os.Readlink(root.Path(name)); err != nil || got != want {
		t.Errorf("%s links to %q, %v; want %q", name, got, err, want)
	}
}

func wantError(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}

func TestTheHostItselfIsTheEmptyRoot(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	must(t, Root("").Write(name, "text", 0o644))
	if got, err := Root("").Read(name); err != nil || got != "text" {
		t.Errorf("%q, %v", got, err)
	}
	if got := Root("").Path("/etc/hosts"); got != "/etc/hosts" {
		t.Errorf("the path is %s", got)
	}
}

func TestWrite(t *testing.T) {
	root := machine(t, nil)
	for _, text := range []string{"one", "two"} {
		must(t, root.Write("/etc/new/file.conf", text, 0o640))
		wantContent(t, root, "/etc/new/file.conf", text)
	}
	wantMode(t, root, "/etc/new/file.conf", 0o640)
	names, err := root.Names("/etc/new")
	if err != nil || !slices.Equal(names, []string{"file.conf"}) {
		t.Errorf("left behind: %v, %v", names, err)
	}
}

// Every verb sees the same file through the same link, and none leaves the root.
func TestLinksStayInTheRoot(t *testing.T) {
	for name, path := range map[string][3]string{ // target, link, name that leads through it
		"relative":               {"../selinux/config", "/etc/sysconfig/selinux", "/etc/sysconfig/selinux"},
		"absolute":               {"/etc/selinux/config", "/etc/sysconfig/selinux", "/etc/sysconfig/selinux"},
		"climbing":               {"../../../../../../../../etc/selinux/config", "/etc/sysconfig/selinux", "/etc/sysconfig/selinux"},
		"folder":                 {"selinux", "/etc/policy", "/etc/policy/config"},
		"absolute folder":        {"/etc", "/usr/etc", "/usr/etc/selinux/config"},
		"climbing folder":        {"../../../../../../../../../etc", "/usr/etc", "/usr/etc/selinux/config"},
		"climbing without links": {"/nowhere", "/unused", "/../../etc/selinux/config"},
	} {
		t.Run(name, func(t *testing.T) {
			root := machine(t, map[string]string{"/etc/selinux/config": "old"})
			link(t, root, path[0], path[1])
			if got, err := root.Read(path[2]); err != nil || got != "old" {
				t.Errorf("read %q, %v", got, err)
			}
			must(t, root.Set(path[2], "set"))
			wantContent(t, root, "/etc/selinux/config", "set")
			must(t, root.Write(path[2], "written", 0o600))
			wantContent(t, root, "/etc/selinux/config", "written")
			must(t, root.Edit(path[2], "edited", 0o644))
			wantContent(t, root, "/etc/selinux/config", "edited")
			wantMode(t, root, "/etc/selinux/config", 0o600)
			wantLink(t, root, path[1], path[0])
		})
	}
}

// A root that is not resolved would have read, listed and removed outside.
func TestNoVerbLeavesTheRoot(t *testing.T) {
	root := machine(t, map[string]string{"/etc/hosts": ""})
	link(t, root, "../../etc", "/out")
	link(t, root, filepath.Dir(string(root))+"/etc", "/absolute")
	for _, dir := range []string{"/out", "/absolute"} {
		if _, err := root.Read(dir + "/secret"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("reading %s: %v", dir, err)
		}
		if root.Exists(dir + "/secret") {
			t.Errorf("%s/secret is there", dir)
		}
		if names, err := root.Names(dir); err != nil || slices.Contains(names, "secret") {
			t.Errorf("%s lists %v, %v", dir, names, err)
		}
		must(t, root.Remove(dir+"/secret"))
		must(t, root.RemoveAll(dir+"/secret"))
		must(t, root.Replace(dir+"/secret", "inside", 0o644))
		if err := root.Set(dir+"/absent", "1"); err == nil {
			t.Error("Set made a file")
		}
	}
	wantContent(t, root, "/etc/secret", "inside")
}

func TestLinkLoopIsAnError(t *testing.T) {
	root := machine(t, map[string]string{"/a": ""})
	link(t, root, "loop", "/loop")
	for verb, err := range map[string]error{
		"Write":     root.Write("/loop", "x", 0o644),
		"Edit":      root.Edit("/loop", "x", 0o644),
		"Replace":   root.Replace("/loop/x", "x", 0o644),
		"Set":       root.Set("/loop", "x"),
		"Remove":    root.Remove("/loop/x"),
		"RemoveAll": root.RemoveAll("/loop/x"),
		"Stat":      second(root.Stat("/loop")),
		"Names":     second(root.Names("/loop")),
	} {
		if !errors.Is(err, unix.ELOOP) {
			t.Errorf("%s: %v, want ELOOP", verb, err)
		}
	}
	if _, err := root.Read("/loop"); !errors.Is(err, unix.ELOOP) {
		t.Errorf("Read: %v, want ELOOP", err)
	}
	if root.Exists("/loop") {
		t.Error("a loop exists")
	}
}

func second[T any](_ T, err error) error { return err }

// What the disk refuses is told by whichever verb wrote.
func TestWhatCannotBeWritten(t *testing.T) {
	root := machine(t, map[string]string{"/etc/f": "x", "/etc/d/f": "x"})
	file := func(inPlace bool) func() error {
		return func() error {
			changes, err := File{Root: root, Name: "/etc/f", Content: "new", Mode: 0o644, InPlace: inPlace}.Plan(t.Context())
			if err == nil && len(changes) == 1 {
				err = changes[0].Do(t.Context())
			}
			return err
		}
	}
	for _, folder := range []string{"/etc", "/etc/d"} {
		must(t, os.Chmod(root.Path(folder), 0o555))
	}
	for verb, do := range map[string]func() error{
		"Write":              func() error { return root.Write("/etc/f", "new", 0o644) },
		"Edit":               func() error { return root.Edit("/etc/f", "new", 0o644) },
		"Replace":            func() error { return root.Replace("/etc/f", "new", 0o644) },
		"Remove":             func() error { return root.Remove("/etc/f") },
		"RemoveAll":          func() error { return root.RemoveAll("/etc/d") },
		"a file's":           file(false),
		"a file's, in place": file(true),
	} {
		if err := fault.OnThread(t, fault.Powerless, do); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s: error is %v, want EACCES", verb, err)
		}
	}
	for _, folder := range []string{"/etc", "/etc/d"} {
		must(t, os.Chmod(root.Path(folder), 0o755))
	}
	wantContent(t, root, "/etc/f", "x")
}

func TestReadOptional(t *testing.T) {
	root := machine(t, map[string]string{"/there": "text", "/folder/file": ""})
	for name, want := range map[string]struct {
		content string
		present bool
	}{"/there": {"text", true}, "/absent": {}, "/absent/too": {}} {
		if got, present, err := root.ReadOptional(name); got != want.content || present != want.present || err != nil {
			t.Errorf("%s: %q, %v, %v", name, got, present, err)
		}
	}
	if _, present, err := root.ReadOptional("/folder"); err == nil || present {
		t.Error("a folder was read")
	}
}

func TestNames(t *testing.T) {
	root := machine(t, map[string]string{"/d/b": "", "/d/a": "", "/file": ""})
	if got, err := root.Names("/d"); err != nil || !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := root.Names("/absent"); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := root.Names("/file"); err == nil {
		t.Error("a file was listed")
	}
}

func TestEditKeepsTheMode(t *testing.T) {
	root := machine(t, map[string]string{"/etc/fstab": "old"})
	must(t, os.Chmod(root.Path("/etc/fstab"), 0o640))
	must(t, root.Edit("/etc/fstab", "new", 0o644))
	wantContent(t, root, "/etc/fstab", "new")
	wantMode(t, root, "/etc/fstab", 0o640)
	must(t, root.Edit("/etc/new", "new", 0o600))
	wantMode(t, root, "/etc/new", 0o600)
}

func TestReplaceTakesTheLinksPlace(t *testing.T) {
	root := machine(t, map[string]string{"/run/stub": "theirs"})
	link(t, root, "/run/stub", "/etc/resolv.conf")
	must(t, root.Replace("/etc/resolv.conf", "ours", 0o644))
	wantContent(t, root, "/etc/resolv.conf", "ours")
	wantContent(t, root, "/run/stub", "theirs")
	must(t, root.Replace("/etc/resolv.conf", "again", 0o644))
	wantContent(t, root, "/etc/resolv.conf", "again")
}

// A link to /dev/null masks a drop-in. Written through, it would become a file
// in the place of the device.
func TestWhatIsNoRegularFileIsNotWritten(t *testing.T) {
	root := machine(t, map[string]string{"/etc/f": "", "/folder/file": ""})
	must(t, os.MkdirAll(root.Path("/dev"), 0o755))
	must(t, unix.Mkfifo(root.Path("/dev/null"), 0o666))
	link(t, root, "/dev/null", "/etc/masked")
	for verb, err := range map[string]error{
		"Write":   root.Write("/etc/masked", "x", 0o644),
		"Edit":    root.Edit("/etc/masked", "x", 0o644),
		"Replace": root.Replace("/dev/null", "x", 0o644),
	} {
		if err == nil || !strings.Contains(err.Error(), "no regular file") {
			t.Errorf("%s: %v", verb, err)
		}
	}
	wantError(t, root.Write("/etc/masked", "x", 0o644), "/etc/masked", root.Path("/dev/null"), "remove it")
	for name, inPlace := range map[string]bool{"/etc/masked": false, "/dev/null": true, "/folder": false} {
		_, err := File{Root: root, Name: name, InPlace: inPlace}.Plan(t.Context())
		wantError(t, err, "looking at "+name, "no regular file")
	}
	if info, err := os.Lstat(root.Path("/dev/null")); err != nil || info.Mode().Type() != fs.ModeNamedPipe {
		t.Errorf("/dev/null is %v, %v", info, err)
	}
}

func TestRemove(t *testing.T) {
	root := machine(t, map[string]string{"/etc/f": "x", "/etc/d/f": "x"})
	link(t, root, "f", "/etc/link")
	must(t, root.Remove("/etc/link"))
	wantContent(t, root, "/etc/f", "x")
	for range 2 {
		must(t, root.Remove("/etc/f"))
		if root.Exists("/etc/f") {
			t.Error("it is still there")
		}
	}
	if err := root.Remove("/etc/d"); err == nil {
		t.Error("a folder that is not empty was removed")
	}
	link(t, root, "d", "/etc/dlink")
	must(t, root.RemoveAll("/etc/dlink"))
	wantContent(t, root, "/etc/d/f", "x")
	must(t, root.RemoveAll("/etc/d"))
	if root.Exists("/etc/d") {
		t.Error("it is still there")
	}
}

func TestControlFiles(t *testing.T) {
	root := machine(t, map[string]string{"/proc/sys/net/ipv4/tcp_rmem": "4096\t131072  6291456\n"})
	got, err := root.Get("/proc/sys/net/ipv4/tcp_rmem")
	if diff := cmp.Diff("4096 131072 6291456", got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	must(t, root.Set("/proc/sys/net/ipv4/tcp_rmem", "1"))
	wantContent(t, root, "/proc/sys/net/ipv4/tcp_rmem", "1")
	if err := root.Set("/proc/sys/absent", "1"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("setting what the kernel does not have: %v", err)
	}
	if _, err := root.Get("/proc/sys/absent"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("getting what the kernel does not have: %v", err)
	}
}

// A marker that is gone must not be back after a power cut.
func TestRemovingIsMadeLast(t *testing.T) {
	root := machine(t, map[string]string{"/etc/f": "x"})
	err := fault.OnThread(t, fault.Refuse(unix.SYS_FSYNC), func() error { return root.Remove("/etc/f") })
	if !errors.Is(err, unix.EIO) {
		t.Errorf("error is %v, want EIO from syncing the folder", err)
	}
}

// The kernel refuses a value when it is written, not when the file is closed.
func TestAControlFileThatRefuses(t *testing.T) {
	root := machine(t, map[string]string{"/proc/sys/net": ""})
	err := fault.OnThread(t, fault.Refuse(unix.SYS_WRITE), func() error { return root.Set("/proc/sys/net", "1") })
	if !errors.Is(err, unix.EIO) {
		t.Errorf("error is %v, want EIO from writing", err)
	}
}

// What cannot be looked at is not taken for absent.
func TestWhatCannotBeRead(t *testing.T) {
	root := machine(t, map[string]string{"/etc/f": "x", "/dir/f": "x"})
	for _, mode := range []struct{ name, file string }{{"/etc", "/etc/f"}, {"/dir/f", "/dir/f"}} {
		must(t, os.Chmod(root.Path(mode.name), 0))
		for verb, do := range map[string]func() error{
			"Read":         func() error { _, err := root.Read(mode.file); return err },
			"ReadOptional": func() error { _, _, err := root.ReadOptional(mode.file); return err },
			"Plan": func() error {
				_, err := File{Root: root, Name: mode.file, Content: "x", Mode: 0o644}.Plan(t.Context())
				return err
			},
		} {
			if err := fault.OnThread(t, fault.Powerless, do); !errors.Is(err, fs.ErrPermission) {
				t.Errorf("%s of %s: error is %v, want EACCES", verb, mode.file, err)
			}
		}
		must(t, os.Chmod(root.Path(mode.name), 0o755))
	}
}
