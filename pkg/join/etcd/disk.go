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
}

// String is "/dev/vda3 on /var, 0 of 40960 kB free".
func (d disk) String() string {
	return fmt.Sprintf("%s on %s, %d of %d kB free", d.device, d.mount, d.free/1024, d.size/1024)
}

// diskOf never fails: it serves a message about something else that did.
func diskOf(dir string) disk {
	d := disk{device: "the disk", mount: dir}
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err == nil {
		d.free, d.size = fs.Bavail*uint64(fs.Bsize), fs.Blocks*uint64(fs.Bsize)
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
