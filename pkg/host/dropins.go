// SPDX-License-Identifier: Apache-2.0

package host

import (
	"maps"
	"os"
	"path"
	"slices"
	"strings"
)

// dropIns lists the files of one ".d" family in the order in which systemd and
// kmod read them: sorted by name whatever the folder, and a file hides those
// of its name in folders of lesser rank (sysctl.d(5), modprobe.d(5)).
func dropIns(root Root, family string) []string {
	byName := map[string]string{}
	for _, dir := range []string{"/usr/lib/", "/usr/local/lib/", "/run/", "/etc/"} { // rising rank
		entries, err := os.ReadDir(root.Path(dir + family))
		if err != nil {
			continue // no such folder
		}
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), ".conf") {
				byName[e.Name()] = path.Join(dir+family, e.Name())
			}
		}
	}
	files := make([]string, 0, len(byName))
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		files = append(files, byName[name])
	}
	return files
}
