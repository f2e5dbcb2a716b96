// SPDX-License-Identifier: Apache-2.0

package host

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/rooted"
)

// dropIns lists the files of one ".d" family in the order in which systemd and
// kmod read them: sorted by name whatever the folder, and a file hides those
// of its name in folders of lesser rank (sysctl.d(5), modprobe.d(5)).
func dropIns(root rooted.Root, family string) []string {
	byName := map[string]string{}
	for _, dir := range []string{"/usr/lib/", "/usr/local/lib/", "/run/", "/etc/"} { // rising rank
		names, err := root.Names(dir + family)
		if err != nil {
			continue // what cannot be listed is no drop-in folder
		}
		for _, name := range names {
			if strings.HasSuffix(name, ".conf") {
				byName[name] = path.Join(dir+family, name)
			}
		}
	}
	files := make([]string, 0, len(byName))
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		files = append(files, byName[name])
	}
	return files
}
