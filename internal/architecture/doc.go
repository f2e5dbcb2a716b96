// SPDX-License-Identifier: Apache-2.0

// Package architecture holds no code, only tests of what the repository
// promises as a whole: how small nodeprep stays, what it never links, and that
// the documentation names what exists.
package architecture
