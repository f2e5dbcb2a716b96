// SPDX-License-Identifier: Apache-2.0

package etcd

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
)

// What a disk does is told with what to do about it. A folder that the unit keeps
// joinsvc from has no broken disk.
func TestADisksErrorsAreExplained(t *testing.T) {
	dir := t.TempDir()
	for cause, want := range map[syscall.Errno][]string{
		syscall.ENOSPC: {"the disk is full", "Make room on "},
		syscall.EDQUOT: {"the disk is full"},
		syscall.EIO:    {"does not read or write", "journalctl -k"},
		syscall.EROFS:  {"is mounted read-only", "journalctl -k", "`systemctl edit joinsvc`, [Service], ReadWritePaths=" + dir},
		syscall.EPERM:  {"making the data folder: operation not permitted"},
	} {
		said := Explain(dir, fmt.Errorf("making the data folder: %w", cause)).Error()
		for _, words := range want {
			if !strings.Contains(said, words) {
				t.Errorf("%v: %q is not in %q", cause, words, said)
			}
		}
	}
	if Explain(dir, nil) != nil {
		t.Error("nothing is explained")
	}
}
