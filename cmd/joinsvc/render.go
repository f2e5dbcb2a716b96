// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/usage"
)

func renderCommand(load func() (config, error)) *cobra.Command {
	var of part
	by := holders{load: load}
	cmd := &cobra.Command{
		Use:   "render KIND PLAN.yaml",
		Short: "Print what a plan means to a leaf switch, Calico, MetalLB, kubeadm or a kickstart file",
		Long: `render prints what the plan means to one of those that have to agree with it:

` + renderHelp() + `
The result is on standard output, and is printed only when the plan is valid;
else every error is on standard error and the exit status is 1. Warnings are on
standard error and change nothing. render touches nothing.

A node that has enrolled is printed with the AS number and the address that it
holds, which may be others than the plan prefers, as after a node before it was
removed. They are asked of the joinsvc that runs here, or are in the file of
--status; render says when neither tells.`,
		Example: `  joinsvc render apic plan.yaml --lldp reports >k8c1.json
  joinsvc render frr plan.yaml --leaf leaf201 >frr.conf
  joinsvc render frr plan.yaml --status status.json >frr.conf
  joinsvc render calico plan.yaml | calicoctl apply -f -
  joinsvc render manifest plan.yaml | kubectl apply --server-side --force-conflicts -f -
  joinsvc render metallb plan.yaml | kubectl apply -f -
  joinsvc render kubeadm plan.yaml --node k8c1m0
  joinsvc render kickstart plan.yaml >>ks.cfg`,
		Args:              renderArgs,
		ValidArgsFunction: completeRender,
		RunE: func(cmd *cobra.Command, args []string) error {
			kind, err := findKind(args[0])
			if err != nil {
				return err
			}
			if err := kind.takes(cmd.Flags()); err != nil {
				return err
			}
			return kind.print(cmd, args[1], of, by)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&of.leaf, flagLeaf, "", "only this leaf (default all, in one output)")
	flags.StringVar(&of.node, flagNode, "", "only this node (default all, in one output)")
	flags.StringVar(&of.lldp, flagLLDP, "", "folder of what lldpctl -f json printed on the hosts, NODE.json each: stands for spec.nodes[].ports")
	by.register(cmd)
	_ = cmd.MarkFlagDirname(flagLLDP) // fails only for a flag that is not there
	return cmd
}

// renderHelp is a line for each kind with its own flag, far enough in for a
// manual page to leave them lines.
func renderHelp() string {
	var b strings.Builder
	for _, k := range renderKinds() {
		line := fmt.Sprintf("    %-9s  %s", k.name, k.doc)
		if k.flag != "" {
			line += " [--" + k.flag + "]"
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

func kindNames() []string {
	var names []string
	for _, k := range renderKinds() {
		names = append(names, k.name)
	}
	return names
}

func renderArgs(_ *cobra.Command, args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("want a kind and a plan, got %d argument(s); the kinds are %s", len(args), strings.Join(kindNames(), ", "))
	}
	return nil
}

func findKind(name string) (renderKind, error) {
	for _, k := range renderKinds() {
		if k.name == name {
			return k, nil
		}
	}
	return renderKind{}, usage.Errorf("render: %q is no kind; the kinds are %s", name, strings.Join(kindNames(), ", "))
}

// takes refuses a flag that would have no effect. One without a value has none:
// an unset variable of a script, which means one leaf and would get all.
func (k renderKind) takes(flags *pflag.FlagSet) error {
	for _, name := range []string{flagLeaf, flagNode, flagLLDP, flagStatus} {
		switch {
		case !flags.Changed(name):
		case name != k.flag && (name != flagStatus || !k.nodes):
			return usage.Errorf("render: %s takes no --%s", k.name, name)
		case flags.Lookup(name).Value.String() == "":
			return usage.Errorf("render: --%s is empty; give it a value, or leave it out", name)
		}
	}
	return nil
}

// print renders the plan in file, or says on stderr what is wrong with it.
func (k renderKind) print(cmd *cobra.Command, file string, of part, by holders) error {
	stdout, stderr := cmd.OutOrStdout(), cmd.ErrOrStderr()
	p, report, err := plan.Load(file)
	if err != nil {
		return err
	}
	for _, w := range report.Warnings() {
		fmt.Fprintln(stderr, w)
	}
	if err := report.Err(); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if k.nodes {
		if p, err = by.say(cmd.Context(), p, stderr); err != nil {
			return err
		}
	}
	text, err := k.render(p, of)
	if err != nil {
		return fmt.Errorf("rendering %s of %s: %w", k.name, file, err)
	}
	if k.note != "" {
		fmt.Fprintf(stderr, "note: %s\n", k.note)
	}
	_, err = stdout.Write(text)
	return err
}

// completeRender completes a kind, then a file.
func completeRender(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	switch len(args) {
	case 0:
		var kinds []cobra.Completion
		for _, k := range renderKinds() {
			kinds = append(kinds, cobra.CompletionWithDesc(k.name, k.doc))
		}
		return kinds, cobra.ShellCompDirectiveNoFileComp
	case 1:
		return []cobra.Completion{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}
