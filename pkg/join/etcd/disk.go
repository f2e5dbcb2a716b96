// SPDX-License-Identifier: Apache-2.0

package etcd

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// A disk is what a folder lies on.
type disk struct {
	device, mount string
	free, size    uint64 // bytes; both 0 when they are not known
	crowded       bool   // no inode is free, whatever room there is
}

// String is "/dev/vda3 on /var, 0 of 40960 kB free".
func (d disk) String() string {
	s := fmt.Sprintf("%s on %s, %d of %d kB free", d.device, d.mount, d.free/1024, d.size/1024)
	if d.crowded {
		s += " and no inode for another file"
	}
	return s
}

// room is how to make some.
func (d disk) room() string {
	if d.crowded {
		return fmt.Sprintf("Remove files on %s, of which each takes an inode (`df -i`)", d.mount)
	}
	return fmt.Sprintf("Make room on %s (etcd wants 64 MB at a time)", d.mount)
}

// diskOf never fails: it serves a message about something else that did.
func diskOf(dir string) disk {
	d := disk{device: "the disk", mount: dir}
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err == nil {
		d.free, d.size = fs.Bavail*uint64(fs.Bsize), fs.Blocks*uint64(fs.Bsize)
		d.crowded = fs.Files > 0 && fs.Ffree == 0 // some file systems count none (statfs(2))
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return d
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	longest := ""
	for line := range strings.Lines(string(mounts)) {
		// proc_pid_mountinfo(5): field 5 is the mount point; the source is the
		// second after the separator "-".
		before, after, _ := strings.Cut(line, " - ")
		f, source := strings.Fields(before), strings.Fields(after)
		if len(f) > 4 && len(source) > 1 && len(f[4]) >= len(longest) && below(dir, f[4]) {
			longest, d.mount, d.device = f[4], f[4], source[1]
		}
	}
	return d
}

func below(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, strings.TrimSuffix(folder, "/")+"/")
}
