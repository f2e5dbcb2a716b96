// SPDX-License-Identifier: Apache-2.0

package rack

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/nodeprep/nodeprep/lab/vm"
)

func TestKnock(t *testing.T) {
	dir := t.TempDir()
	d, err := openDoor(dir, func(_ context.Context, machine string, argv ...string) (vm.Output, error) {
		switch machine {
		case "leaf":
			return vm.Output{Stdout: []byte(strings.Join(argv, " "))}, nil
		case "svc":
			return vm.Output{Code: 3}, &vm.ExitError{Machine: machine, Argv: argv, Output: vm.Output{Code: 3}}
		}
		return vm.Output{}, errors.New("no such machine")
	})
	if err != nil {
		t.Fatal(err)
	}
	if out, err := Knock(t.Context(), dir, "leaf", "ip", "addr"); err != nil || string(out.Stdout) != "ip addr" {
		t.Errorf("leaf: %q, %v", out.Stdout, err)
	}
	if out, err := Knock(t.Context(), dir, "svc", "false"); err != nil || out.Code != 3 {
		t.Errorf("a status other than 0: %d, %v", out.Code, err)
	}
	if _, err := Knock(t.Context(), dir, "spine", "true"); err == nil || err.Error() != "no such machine" {
		t.Errorf("a machine that is not there: %v", err)
	}
	if _, err := Knock(t.Context(), dir, "leaf"); err == nil || !strings.Contains(err.Error(), "400 Bad Request") {
		t.Errorf("no command: %v", err)
	}
	if err := d.close(); err != nil {
		t.Error(err)
	}
}
