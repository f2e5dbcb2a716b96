// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/fabric/apic"
)

// printFabricChanges is a line for each object, with what is different in it, and a
// last line that counts.
func printFabricChanges(w io.Writer, c apic.Changes) error {
	b := bufio.NewWriter(w)
	for _, dn := range c.Used {
		fmt.Fprintf(b, "= %s\n", dn)
	}
	for _, o := range c.Create {
		fmt.Fprintf(b, "+ %s %s\n", o.Class, o.DN)
	}
	for _, o := range c.Change {
		fmt.Fprintf(b, "~ %s %s\n", o.Class, o.DN)
		printDifferences(b, o.Attributes)
	}
	for _, o := range c.Delete {
		fmt.Fprintf(b, "- %s %s\n", o.Class, o.DN)
	}
	for _, o := range c.Kept {
		fmt.Fprintf(b, "# %s %s\n    kept, it holds %s\n", o.Class, o.DN, o.Holds)
	}
	for _, o := range c.Conflicts {
		fmt.Fprintf(b, "! %s %s\n    annotation %q\n", o.Class, o.DN, o.Owner)
		printDifferences(b, o.Attributes)
	}
	fmt.Fprintf(b, "%d to make, %d to change, %d to delete, %d kept, %d conflict(s)\n",
		len(c.Create), len(c.Change), len(c.Delete), len(c.Kept), len(c.Conflicts))
	return b.Flush()
}

func printDifferences(w io.Writer, all []apic.Difference) {
	for _, d := range all {
		fmt.Fprintf(w, "    %s %q -> %q\n", d.Name, d.From, d.To)
	}
}

// confirm asks on a terminal, and is nil for a yes.
func confirm(ctx context.Context, in io.Reader, w io.Writer) error {
	file, ok := in.(*os.File)
	if !ok || !isTerminal(file) {
		return errors.New("nobody is there to ask; say --yes to go on without")
	}
	if _, err := fmt.Fprint(w, "Go on? Only yes will: "); err != nil {
		return err
	}
	return readYes(ctx, file)
}

// readYes reads a line. The terminal's interrupt ends ctx and not the reading,
// which is left alone then: the process ends with it.
func readYes(ctx context.Context, in io.Reader) error {
	line := make(chan string, 1)
	go func() {
		text, _ := bufio.NewReader(in).ReadString('\n')
		line <- text
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case text := <-line:
		if strings.TrimSpace(text) != "yes" {
			return errors.New("nothing was changed")
		}
	}
	return nil
}
