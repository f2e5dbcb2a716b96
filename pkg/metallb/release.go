// SPDX-License-Identifier: Apache-2.0

package metallb

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
)

// release is major, minor and patch.
type release [3]int

var version = regexp.MustCompile(`^v?(\d{1,4})\.(\d{1,4})\.(\d{1,4})$`)

func parseRelease(text string) (release, error) {
	m := version.FindStringSubmatch(text)
	if m == nil {
		return release{}, fmt.Errorf("%q is no release; want one such as 0.16.1", text)
	}
	var r release
	for i := range r {
		r[i], _ = strconv.Atoi(m[i+1]) // four digits at most
	}
	return r, nil
}

func (r release) before(other release) bool {
	return cmp.Or(cmp.Compare(r[0], other[0]), cmp.Compare(r[1], other[1]), cmp.Compare(r[2], other[2])) < 0
}
