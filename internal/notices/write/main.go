// SPDX-License-Identifier: Apache-2.0

// Write prints the licences and notices of what is linked into a program:
//
//	go run ./internal/notices/write ./cmd/nodeprep
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/nodeprep/nodeprep/internal/notices"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "notices:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return errors.New("want one argument, a program as for go build")
	}
	modules, err := notices.Linked(ctx, ".", args[0])
	if err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	if err := notices.Write(out, modules); err != nil {
		return err
	}
	return out.Flush()
}
