// SPDX-License-Identifier: Apache-2.0

// Package cache keeps what is slow to build, one folder per result, found again
// by a key over everything that the result was made from.
//
// An entry is built once, however many processes and goroutines ask for it, and
// is either whole or absent: it is made in a folder of its own, written through
// to the disk and then renamed into place.
package cache
