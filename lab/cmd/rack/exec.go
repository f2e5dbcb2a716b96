// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/nodeprep/nodeprep/lab/rack"
)

// execute runs a command on a machine of a running rack and passes on what it
// prints.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) < 3 {
		return fmt.Errorf("%w: exec takes the rack's folder, a machine and a command", errUsage)
	}
	out, err := rack.Knock(ctx, args[0], args[1], args[2:]...)
	if err != nil {
		return err
	}
	_, errOut := stdout.Write(out.Stdout)
	_, errErr := stderr.Write(out.Stderr)
	if out.Code != 0 {
		err = fmt.Errorf("%s on %s: exit status %d", args[2], args[1], out.Code)
	}
	return errors.Join(err, errOut, errErr)
}
