// SPDX-License-Identifier: Apache-2.0

// Package leafconf has FRR's and BIRD's own parsers read what pkg/fabric/leaf
// prints for them. It has tests only: the programs are not for `make unit`.
package leafconf
