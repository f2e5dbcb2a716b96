// SPDX-License-Identifier: Apache-2.0

package join

import "strconv"

// asTrans is no speaker's number (RFC 6793).
const asTrans = 23456

func formatASN(asn uint32) string { return strconv.FormatUint(uint64(asn), 10) }

func parseASN(s string) (uint32, bool) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil
}

func asnKey(asn uint32) string { return asnPrefix + formatASN(asn) }
