// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/atomicfile"
)

// A token on the kernel command line is taken once. Every user of the host can
// read it there (proc(5), cmdline), and a boot loader may repeat it at every
// boot, long after it was used up: the first run moves it to a file of root's,
// and from then on what an operator writes into the configuration wins.

// tokenFile keeps the token that came by the kernel command line.
func (c config) tokenFile() string { return filepath.Join(c.StateDir, "kernel-token") }

// takenToken is the one that was taken before; none is "".
func (c config) takenToken() (string, error) {
	data, err := os.ReadFile(c.tokenFile())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("reading the token that came by the kernel command line: %w", err)
	}
	return strings.TrimSpace(string(data)), nil
}

// chooseToken sets Token and TokenFrom, which are the configuration's so far: one
// that is new on the kernel command line wins, one that was taken before comes last.
func (c *config) chooseToken(kernel string) error {
	taken, err := c.takenToken()
	switch {
	case err != nil:
		return err
	case kernel != "" && kernel != taken:
		c.Token, c.TokenFrom = kernel, "the kernel command line"
	case c.Token == "":
		c.Token, c.TokenFrom = taken, c.tokenFile()
	}
	return nil
}

// takeToken moves a new token of the kernel command line into its file, and
// returns what there is to say about it.
func (c config) takeToken(cmdline string) (note string, err error) {
	kernel, err := kernelSettings(cmdline)
	if err != nil {
		return "", err
	}
	taken, err := c.takenToken()
	token := kernel["token"]
	if err != nil || token == "" || token == taken {
		return "", err
	}
	if err := os.MkdirAll(c.StateDir, 0o700); err != nil {
		return "", fmt.Errorf("making the state folder: %w", err)
	}
	if err := atomicfile.Write(c.tokenFile(), []byte(token+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keeping the token of the kernel command line: %w", err)
	}
	return "the token of the kernel command line is in " + c.tokenFile() + " now; every user of this host can read the command line, so let the token have one use and a short life", nil
}
