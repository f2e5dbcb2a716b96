// SPDX-License-Identifier: Apache-2.0

package host

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Swapoff is swapoff(2), the verb for NoSwap on the host itself.
func Swapoff(path string) error {
	name, err := unix.BytePtrFromString(path)
	if err != nil {
		return err
	}
	// x/sys has the number but no wrapper.
	if _, _, errno := unix.Syscall(unix.SYS_SWAPOFF, uintptr(unsafe.Pointer(name)), 0, 0); errno != 0 {
		return errno
	}
	return nil
}
