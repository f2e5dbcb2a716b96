// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nodeprep/nodeprep/pkg/draft/imported"
	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/usage"
	"github.com/nodeprep/nodeprep/pkg/yamldoc"
)

// importFlags are the hints as they are typed.
type importFlags struct {
	hints              imported.Hints
	endpoint, services string
	macs               []string
}

func planImportCommand() *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import FILE...",
		Short: "Make a plan of the files that a cluster was set up with by hand",
		Long: `import reads ifcfg files of the hosts (those in one folder are of one host) and
YAML for calicoctl and MetalLB: IPPool, BGPConfiguration, Node, BGPPeer,
IPAddressPool, and the ConfigMap of older MetalLBs. It prints one plan, in which
comments say what came from which file and line.

What contradicts itself is printed on standard error with file and line, and the
value that was met first is taken; but a node's address always gets the length of
the subnet. What no such file tells is given by flags; where it is not, the plan
has a line with "# TODO", and is incomplete.

The exit status is 0 for a plan that is whole and whose files agree. With
anything to look at it is 1: the plan is printed all the same.`,
		Example: `  joinsvc plan import k8c1m0/ifcfg-* calico/*.yaml
  joinsvc plan import --control-plane k8c1m0 --api-endpoint 192.168.9.193:6443 \
      --kubernetes-version 1.37.2 --services 172.28.0.0/16 \
      k8c1*/ifcfg-* calico/*.yaml metallb.yaml > plan.yaml`,
		Args: cobra.MinimumNArgs(1),
	}
	flags := cmd.Flags()
	flags.StringVar(&f.hints.Cluster, "cluster", "", "name of the cluster (default: what all nodes' names begin with)")
	flags.StringSliceVar(&f.hints.ControlPlanes, "control-plane", nil, "the node that is the control plane; all others are workers")
	flags.StringVar(&f.endpoint, "api-endpoint", "", "address and port of the API server")
	flags.StringVar(&f.hints.Release, "kubernetes-version", "", "release of Kubernetes")
	flags.StringVar(&f.services, "services", "", "range of the services, kubeadm's --service-cidr")
	flags.StringArrayVar(&f.macs, "mac", nil, "hardware addresses of a node, NODE=MAC[,MAC]; once for each node")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := f.parse(); err != nil {
			return &usage.Error{Err: err}
		}
		files, err := readFiles(args)
		if err != nil {
			return err
		}
		return printImported(cmd.OutOrStdout(), cmd.ErrOrStderr(), imported.Plan(files, f.hints))
	}
	return cmd
}

func (f *importFlags) parse() (err error) {
	if f.endpoint != "" {
		if f.hints.APIEndpoint, err = netip.ParseAddrPort(f.endpoint); err != nil {
			return fmt.Errorf("--api-endpoint: %q is no address and port such as 192.168.9.193:6443", f.endpoint)
		}
	}
	if f.services != "" {
		if f.hints.Services, err = netip.ParsePrefix(f.services); err != nil {
			return fmt.Errorf("--services: %q is no range such as 172.28.0.0/16", f.services)
		}
	}
	f.hints.MACs = map[string][]plan.MAC{}
	for _, text := range f.macs {
		node, list, _ := strings.Cut(text, "=")
		for word := range strings.SplitSeq(list, ",") {
			var mac plan.MAC
			if err := mac.UnmarshalText([]byte(word)); err != nil {
				return fmt.Errorf("--mac: %q: %w; want NODE=MAC[,MAC]", text, err)
			}
			f.hints.MACs[node] = append(f.hints.MACs[node], mac)
		}
	}
	return nil
}

func readFiles(names []string) ([]imported.File, error) {
	files := make([]imported.File, len(names))
	for i, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("reading what is to be imported: %w", err)
		}
		files[i] = imported.File{Name: name, Content: content}
	}
	return files, nil
}

// printImported prints the plan, and beside it what somebody has to look at.
func printImported(out, errs io.Writer, r imported.Result) error {
	text, err := r.Draft.YAML()
	if err != nil {
		return err
	}
	if _, err := io.WriteString(out, text); err != nil {
		return err
	}
	for _, p := range r.Problems {
		fmt.Fprintln(errs, p)
	}
	for _, g := range r.Gaps {
		fmt.Fprintf(errs, "%s: unknown: %s\n", g.Path, g.Want)
	}
	mistakes := unexplained(text, r.Gaps)
	for _, p := range mistakes {
		fmt.Fprintln(errs, p)
	}
	if len(r.Problems)+len(r.Gaps)+len(mistakes) == 0 {
		return nil
	}
	fmt.Fprintln(errs, verdict(r, len(mistakes)))
	return errSaid
}

func verdict(r imported.Result, mistakes int) string {
	if gaps := len(r.Gaps); gaps > 0 {
		return fmt.Sprintf("the plan is incomplete: %d gap(s), marked TODO, and %d problem(s) in the files", gaps, len(r.Problems))
	}
	return fmt.Sprintf("the plan is complete, but look at %d problem(s) in the files and %d error(s) in the plan", len(r.Problems), mistakes)
}

// unexplained are the plan's errors that do not come from a gap. While there
// are gaps, what follows from them cannot be told from a mistake.
func unexplained(text string, gaps []imported.Gap) []yamldoc.Problem {
	if len(gaps) > 0 {
		return nil
	}
	_, report := plan.Parse([]byte(text))
	var out []yamldoc.Problem
	for _, p := range report.Errors() {
		out = append(out, p.Problem)
	}
	return out
}
