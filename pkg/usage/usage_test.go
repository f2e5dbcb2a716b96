// SPDX-License-Identifier: Apache-2.0

package usage_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/nodeprep/nodeprep/pkg/usage"
)

// program has one command by itself, one in a group, and one that fails.
func program(ran *string) *cobra.Command {
	root := &cobra.Command{Use: "prog", SilenceErrors: true, SilenceUsage: true}
	command := func(use string, err error) *cobra.Command {
		return &cobra.Command{Use: use, Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
			*ran = use
			return err
		}}
	}
	group := &cobra.Command{Use: "group", Short: "Of commands"}
	group.AddCommand(command("inner", nil))
	root.AddCommand(command("single", nil), command("fails", errors.New("no disk")), group)
	usage.Refuse(root)
	root.SetOut(io.Discard)
	usage.Complete(root)
	return root
}

func TestWrongCalls(t *testing.T) {
	for call, says := range map[string]string{
		"frob":            `"frob" is no command of prog`,
		"group frob":      `"frob" is no command of prog group`,
		"single now":      "the call is: prog single",
		"group inner now": "the call is: prog group inner",
		"single --frob":   "unknown flag: --frob",
		"group --frob":    "unknown flag: --frob",
		"help frob":       `"frob" is no command of prog`,
		"completion tcsh": `"tcsh" is no command of prog completion`,
	} {
		var ran string
		root := program(&ran)
		root.SetArgs(strings.Fields(call))
		err := root.Execute()
		var wrong *usage.Error
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), says) || ran != "" {
			t.Errorf("%s: %v, and %q ran; want %q", call, err, ran, says)
		}
	}
}

func TestRightCalls(t *testing.T) {
	for call, want := range map[string]string{
		"": "", "single": "single", "group": "", "group inner": "inner", "help group": "", "completion bash": "",
	} {
		var ran string
		root := program(&ran)
		root.SetArgs(strings.Fields(call))
		if err := root.Execute(); err != nil || ran != want {
			t.Errorf("%q: %v, and %q ran, want %q", call, err, ran, want)
		}
	}
}

// What fails is no wrong call.
func TestFailure(t *testing.T) {
	var ran string
	root := program(&ran)
	root.SetArgs([]string{"fails"})
	var wrong *usage.Error
	if err := root.Execute(); err == nil || errors.As(err, &wrong) {
		t.Errorf("got %v", err)
	}
}
