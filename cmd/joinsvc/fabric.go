// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/nodeprep/nodeprep/pkg/fabric/aci"
	"github.com/nodeprep/nodeprep/pkg/fabric/apic"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// logoutTimeout is how long the end of a session at the APIC may take.
const logoutTimeout = 5 * time.Second

func fabricCommand(load func() (config, error)) *cobra.Command {
	parent := &cobra.Command{
		Use:   "fabric",
		Short: "Compare, push and delete a plan's leaf side in a Cisco ACI fabric",
		Long: `fabric works on the APIC of a Cisco ACI fabric: the access policies of the
hosts' ports, and the tenant with its L3Outs, external EPGs and contracts.

Everything that push makes carries the annotation orchestrator:joinsvc-CLUSTER.
What carries it is ours: push changes it to what the plan says, and deletes it
when the plan no longer has it. What carries another annotation, or none, is
somebody else's. It is used as it is when that agrees with the plan; when it
does not, diff names it as a conflict and push refuses to begin. It is never
changed and never deleted.

The password is in JOINSVC_APIC_PASSWORD, or in a file of mode 0600 that
--password-file names. Nothing is sent before the APIC has shown a certificate
of the CA in --ca or with the key of --pin; with neither, the system's CAs
decide. This prints an APIC's pin; compare it with one read at the APIC itself:

    openssl s_client -connect apic1:443 </dev/null | openssl x509 -noout -pubkey |
      openssl pkey -pubin -outform der | sha256sum`,
		Example: `  export JOINSVC_APIC_PASSWORD
  read -rs JOINSVC_APIC_PASSWORD
  joinsvc fabric diff --apic https://apic1 --ca apic-ca.pem plan.yaml
  joinsvc fabric push --apic https://apic1 --ca apic-ca.pem plan.yaml
  joinsvc fabric delete --apic https://apic1 --ca apic-ca.pem plan.yaml`,
	}
	parent.AddCommand(fabricDiffCommand(load), fabricPushCommand(load), fabricDeleteCommand())
	return parent
}

func fabricDiffCommand(load func() (config, error)) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "diff PLAN",
		Short: "Show what push would change, and change nothing",
		Long: `diff compares the plan's leaf side with what the APIC has. A line each:

    + CLASS NAME   push would make it
    ~ CLASS NAME   push would change the attributes below it
    - CLASS NAME   ours, no longer in the plan: push would delete it with all below
    ! CLASS NAME   somebody else's and not as planned: push refuses
    = NAME         somebody else's and as planned: used as it is
    # CLASS NAME   ours, no longer in the plan, kept: somebody else's is below it

Nodes are compared by what they hold, which render says more of. Only attributes
that the plan sets are compared; a password that the APIC never shows is not.

The exit status is that of diff(1): 0 when there is nothing to do, 1 when there
is, 2 when that could not be found out.`,
		Example: `  joinsvc fabric diff --apic https://apic1 --ca apic-ca.pem plan.yaml
  joinsvc fabric diff --apic https://apic1 --pin sha256:6b86b2… --lldp reports/ plan.yaml
  joinsvc fabric diff --apic https://apic1 -o json plan.yaml | jq '.conflicts'`,
		Args: cobra.ExactArgs(1),
	}
	f := apicFlags{by: holders{load: load}}
	f.register(cmd)
	f.registerTree(cmd)
	format := output(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		equal, err := f.diff(cmd, args[0], *format)
		switch {
		case err != nil:
			return &statusError{err, 2}
		case !equal:
			return errSaid
		}
		return nil
	}
	return cmd
}

// diff prints what push would do, and says whether that is nothing.
func (f apicFlags) diff(cmd *cobra.Command, file, format string) (equal bool, err error) {
	asJSON, err := wantsJSON(format)
	if err != nil {
		return false, err
	}
	p, root, err := f.tree(cmd, file)
	if err != nil {
		return false, err
	}
	c, err := f.client(p)
	if err != nil {
		return false, err
	}
	defer logout(cmd.Context(), c)
	changes, err := c.Diff(cmd.Context(), root)
	if err != nil {
		return false, err
	}
	if asJSON {
		return changes.Empty(), printJSON(cmd.OutOrStdout(), changes)
	}
	return changes.Empty(), printFabricChanges(cmd.OutOrStdout(), changes)
}

func fabricPushCommand(load func() (config, error)) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "push PLAN",
		Short: "Bring the APIC to what the plan says",
		Long: `push shows what it will do, as diff does, asks, and does it: a line for each
transaction. What it makes comes after what that stands on, and each transaction
is taken whole or not at all. The first refusal ends it and names the object;
what was made stays, and the next push goes on from there. A push with nothing
to do sends nothing.

It needs a terminal to ask on, or --yes.`,
		Example: `  joinsvc fabric push --apic https://apic1 --ca apic-ca.pem plan.yaml
  joinsvc fabric push --apic https://apic1 --ca apic-ca.pem --password-file apic.pass --yes plan.yaml`,
		Args: cobra.ExactArgs(1),
	}
	f := apicFlags{by: holders{load: load}}
	f.register(cmd)
	f.registerTree(cmd)
	yes := cmd.Flags().Bool("yes", false, "do not ask")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		p, root, err := f.tree(cmd, args[0])
		if err != nil {
			return err
		}
		return f.bring(cmd, p, root, *yes)
	}
	return cmd
}

func fabricDeleteCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "delete PLAN",
		Short: "Delete what push has made for the plan's cluster, and only that",
		Long: `delete removes the objects with the annotation of the plan's cluster, wherever
they are, so that the APIC is as it was before. Of the plan it reads the name of
the cluster alone.

An APIC deletes an object with all that is below it. One of ours that somebody
else has put something below is therefore kept and named; delete that, or move
it, and run delete again. Policies of others that only refer to ours, as an EPG
that consumes our contract does, hold nothing: the APIC raises a fault there.`,
		Example: "  joinsvc fabric delete --apic https://apic1 --ca apic-ca.pem plan.yaml",
		Args:    cobra.ExactArgs(1),
	}
	var f apicFlags
	f.register(cmd)
	yes := cmd.Flags().Bool("yes", false, "do not ask")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		p, err := loadValid(args[0])
		if err != nil {
			return err
		}
		return f.bring(cmd, p, nil, *yes)
	}
	return cmd
}

// bring shows the changes to a tree, asks, and makes them.
func (f apicFlags) bring(cmd *cobra.Command, p plan.Plan, root *aci.Object, yes bool) error {
	ctx, w := cmd.Context(), cmd.OutOrStdout()
	c, err := f.client(p)
	if err != nil {
		return err
	}
	defer logout(ctx, c)
	changes, err := c.Diff(ctx, root)
	if err != nil {
		return err
	}
	if err := printFabricChanges(w, changes); err != nil || changes.Empty() {
		return err
	}
	if !yes && len(changes.Conflicts) == 0 {
		if err := confirm(ctx, cmd.InOrStdin(), w); err != nil {
			return err
		}
	}
	if err := c.Push(ctx, changes, func(line string) { fmt.Fprintln(w, line) }); err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, "done")
	return err
}

// logout ends the session also when the command was interrupted.
func logout(ctx context.Context, c *apic.Client) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), logoutTimeout)
	defer cancel()
	c.Close(ctx)
}

// tree is a plan with its objects in the APIC.
func (f apicFlags) tree(cmd *cobra.Command, file string) (plan.Plan, *aci.Object, error) {
	p, err := loadValid(file)
	if err != nil {
		return plan.Plan{}, nil, err
	}
	if p.Spec.Fabric.ACI == nil {
		return plan.Plan{}, nil, errors.New("spec.fabric.aci: is missing; want at least tenant, vrf and l3out for an APIC")
	}
	if p, err = f.by.say(cmd.Context(), p, cmd.ErrOrStderr()); err != nil {
		return plan.Plan{}, nil, err
	}
	cabling, err := readCabling(f.lldp)
	if err != nil {
		return plan.Plan{}, nil, err
	}
	root, err := aci.Tree(p, cabling)
	if err != nil {
		return plan.Plan{}, nil, fmt.Errorf("%s: %w", file, err)
	}
	return p, root, nil
}
