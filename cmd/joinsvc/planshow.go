// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/nodeprep/nodeprep/pkg/draft"
	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/plan/summary"
	"github.com/nodeprep/nodeprep/pkg/usage"
)

func planShowCommand(load func() (config, error)) *cobra.Command {
	by := holders{load: load}
	cmd := &cobra.Command{
		Use:   "show PLAN",
		Short: "Show what a plan means once everything is derived, and what is left of its ranges",
		Long: `show prints the plan with its defaults filled in, its pools as nodes, and the AS
number and the BGP sessions of every node; and for each rack and the cluster how
many hosts, AS numbers and pod blocks still fit. AS number and address are those
that a node holds, as render has them, and else those that the plan prefers:
joinsvc decides when the node enrols.

With -o json or yaml, "plan" is that plan, and a plan again: save it to have
everything written out. "racks", "nodes" and "capacity" are the derived facts.

A plan with errors means nothing: they are printed and the exit status is 1.`,
		Example: `  joinsvc plan show plan.yaml
  joinsvc plan show -o json plan.yaml | jq '.racks[] | select(.addressesLeft < 2) | .name'
  joinsvc plan show -o json plan.yaml | jq .plan > resolved.yaml
  joinsvc plan show --status status.json plan.yaml`,
		Args: cobra.ExactArgs(1),
	}
	by.register(cmd)
	format := cmd.Flags().StringP("output", "o", "text", "text, json or yaml")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		show, err := shower(*format)
		if err != nil {
			return err
		}
		p, err := loadValid(args[0])
		if err != nil {
			return err
		}
		if p, err = by.say(cmd.Context(), p, cmd.ErrOrStderr()); err != nil {
			return err
		}
		return show(cmd.OutOrStdout(), summary.Of(p))
	}
	return cmd
}

func shower(format string) (func(io.Writer, summary.Summary) error, error) {
	switch format {
	case "text":
		return printSummary, nil
	case "json":
		return func(w io.Writer, s summary.Summary) error { return printShown(w, s, printJSON) }, nil
	case "yaml":
		return func(w io.Writer, s summary.Summary) error { return printShown(w, s, printYAML) }, nil
	}
	return nil, usage.Errorf("--output: %q is none of text, json and yaml", format)
}

// shown is what `plan show -o json` prints.
type shown struct {
	Plan map[string]any `json:"plan"`
	summary.Summary
}

func printShown(w io.Writer, s summary.Summary, write func(io.Writer, any) error) error {
	values, err := draft.Values(s.Plan)
	if err != nil {
		return err
	}
	return write(w, shown{values, s})
}

func printYAML(w io.Writer, value any) error {
	text, err := yaml.Marshal(value)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

func printSummary(w io.Writer, s summary.Summary) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, line := range headline(s.Plan) {
		fmt.Fprintf(t, "%s\t%s\n", line[0], line[1])
	}
	fmt.Fprintln(t, "\nRACK\tVLAN\tSUBNET\tGATEWAY\tLEAVES\tLEAF AS\tHOSTS\tROOM FOR")
	for _, r := range s.Racks {
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%d\t%d\t%s\n",
			cmp.Or(r.Name, "-"), r.VLAN, r.Subnet, r.Gateway, leafNames(r.Leaves), r.LeafASN, r.Nodes, room(r))
	}
	fmt.Fprintln(t, "\nNODE\tROLE\tRACK\tADDRESS\tAS\tSESSIONS\tPORTS")
	for _, n := range s.Nodes {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%s\t%s\n",
			n.Name, n.Role, cmp.Or(n.Rack, "-"), n.Address, n.ASN, sessionNames(n.Sessions), orDash(n.Ports))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return printCapacity(w, s)
}

// headline is what holds for the whole cluster, a word and its value each.
func headline(p plan.Plan) [][2]string {
	s := p.Spec
	return [][2]string{
		{"cluster", p.Metadata.Name + " in " + s.Domain},
		{"kubernetes", fmt.Sprintf("%s on %s, API server %s", s.Kubernetes.Version, s.Runtime.Name, s.Kubernetes.APIEndpoint)},
		{"bond", fmt.Sprintf("%s over %s, %s, MTU %d", s.Bond.Name, strings.Join(s.Bond.Legs, ", "), s.Bond.Mode, s.Bond.MTU)},
		{"AS numbers", numbering(s)},
		{"pods", fmt.Sprintf("%s in blocks of /%d", s.Pods.Subnet, s.Pods.BlockSize)},
		{"services", s.Services.Subnet.String()},
		{"load balancers", balancers(s.LoadBalancers)},
	}
}

func numbering(s plan.Spec) string {
	if s.ASN.Model == plan.PerCluster {
		return fmt.Sprintf("%d for all nodes", s.ASN.First)
	}
	return fmt.Sprintf("one for each node, %d–%d", s.ASN.First, s.ASN.Last)
}

func balancers(l plan.LoadBalancers) string {
	switch {
	case !l.Subnet.IsValid():
		return "none"
	case l.MetalLB.Version != "":
		return fmt.Sprintf("%s, given out by MetalLB %s", l.Subnet, l.MetalLB.Version)
	}
	return l.Subnet.String()
}

func leafNames(leaves []plan.Leaf) string {
	words := make([]string, len(leaves))
	for i, l := range leaves {
		words[i] = l.Name + " " + l.Address.String()
	}
	return strings.Join(words, ", ")
}

func sessionNames(sessions []summary.Session) string {
	words := make([]string, len(sessions))
	for i, s := range sessions {
		words[i] = s.Leaf
	}
	return strings.Join(words, ", ")
}

func orDash(ports []plan.Port) string {
	words := make([]string, len(ports))
	for i, p := range ports {
		words[i] = p.String()
	}
	return cmp.Or(strings.Join(words, ", "), "-")
}

func room(r summary.Rack) string {
	if r.ASNsLeft != nil {
		return fmt.Sprintf("%d hosts (%d AS numbers)", r.AddressesLeft, *r.ASNsLeft)
	}
	return fmt.Sprintf("%d hosts", r.AddressesLeft)
}

func printCapacity(w io.Writer, s summary.Summary) error {
	c := s.Capacity
	asns := fmt.Sprintf("%d of %d AS numbers", c.ASNsLeft, c.ASNs)
	if s.Plan.Spec.ASN.Model == plan.PerCluster {
		asns = "AS numbers for any number of nodes"
	}
	_, err := fmt.Fprintf(w, "\nleft: %s; %d of %d pod blocks when every node has one\n", asns, c.PodBlocksLeft, c.PodBlocks)
	return err
}
