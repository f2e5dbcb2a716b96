// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/nodeprep/nodeprep/pkg/identity"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/netcfg"
	"github.com/nodeprep/nodeprep/pkg/phase"
)

// statusTimeout bounds how long status waits for joinsvc.
const statusTimeout = 15 * time.Second

func (here edges) newStatus() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show how far this host is: its bond, its last run, its BGP sessions",
		Long: `status looks at the bond and its legs as they are now, repeats how the last run
ended and what it found worth saying, or where the one is that is at work and
what it waits for, and asks joinsvc for this node's phase and BGP sessions. A
joinsvc that does not answer is shown, and no error.`,
		Example: "  nodeprep status\n  nodeprep status --json | jq .bond",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadConfig(cmd.Flags(), here.commandLine())
			if err != nil {
				return err
			}
			s, err := here.gatherStatus(cmd.Context(), c)
			if err != nil {
				return err
			}
			if asJSON {
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				return enc.Encode(s)
			}
			return s.print(cmd.OutOrStdout())
		},
	}
	addConfigFlags(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// status is what this host knows of itself and what joinsvc says of it.
type status struct {
	Node     string            `json:"node,omitempty"`
	Phase    joinapi.NodePhase `json:"phase,omitempty"`
	Reason   string            `json:"reason,omitempty"`
	Bond     *bondStatus       `json:"bond,omitempty"`
	Sessions []joinapi.Session `json:"sessions,omitempty"`
	LastRun  *lastRunStatus    `json:"lastRun,omitempty"`
	// Joinsvc says why joinsvc could not be asked; empty if it answered or is
	// not used.
	Joinsvc string `json:"joinsvc,omitempty"`
}

type bondStatus struct {
	Name    string        `json:"name"`
	Status  netcfg.Status `json:"status"`
	Finding string        `json:"finding"`
}

type lastRunStatus struct {
	Finished time.Time `json:"finished,omitzero"`
	Error    string    `json:"error,omitempty"`
	Notes    []string  `json:"notes,omitempty"`
	// Running says that it is at work, since Started and now in Phases; Error is
	// that of the run before then.
	Running string    `json:"running,omitempty"`
	Started time.Time `json:"started,omitzero"`
	Phases  []string  `json:"phases,omitempty"`
}

func (here edges) gatherStatus(ctx context.Context, c config) (status, error) {
	var s status
	last, ran, err := readLastRun(c.StateDir)
	if err != nil {
		return s, err
	}
	by, running := c.running()
	if ran || running {
		s.LastRun = summarize(last)
	}
	if running {
		s.LastRun.atWork(last, by)
	}
	if s.Bond, err = here.inspectBond(ctx); err != nil {
		return s, err
	}
	here.ask(ctx, c, &s)
	return s, nil
}

func summarize(run lastRun) *lastRunStatus {
	s := &lastRunStatus{Error: run.Error}
	if run.Unfinished {
		s.Error = cutOff
	}
	for i, e := range run.Events {
		if i == 0 {
			s.Started = e.Time
		}
		s.Finished = e.Time
		if e.Kind == phase.Noted {
			s.Notes = append(s.Notes, e.Phase+": "+e.Message)
		}
	}
	return s
}

// atWork says of a run that it has not ended. What is on record may be of the
// run before, when this one has only just begun.
func (l *lastRunStatus) atWork(run lastRun, by string) {
	l.Running, l.Finished = "at work"+by, time.Time{}
	if !run.Unfinished {
		l.Started, l.Notes = time.Time{}, nil
		return
	}
	l.Error, l.Notes = run.Before, nil
	for _, e := range run.Events {
		if e.Kind == phase.Noted {
			l.Notes = append(l.Notes, e.Phase+": "+aged(e))
		}
		l.Phases = slices.DeleteFunc(l.Phases, func(name string) bool { return name == e.Phase })
		if e.Kind != phase.Done && e.Kind != phase.Failed && e.Kind != phase.Skipped {
			l.Phases = append(l.Phases, e.Phase)
		}
	}
}

// aged is a note with its age, if it is of a wait: that may be over since.
func aged(e phase.Event) string {
	if !e.Waits() {
		return e.Message
	}
	return fmt.Sprintf("%s (said %s ago)", e.Message, max(time.Since(e.Time), 0).Truncate(time.Second))
}

// inspectBond looks at the bond that the last run stored, as it is now.
func (here edges) inspectBond(ctx context.Context) (*bondStatus, error) {
	config, err := netcfg.Load(here.root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // no bond yet is an answer
	}
	if err != nil {
		return nil, err
	}
	state, err := here.kernel.Observe(ctx)
	if err != nil {
		return nil, err
	}
	r := netcfg.Inspect(state, config.Bond)
	return &bondStatus{Name: r.Bond, Status: r.Status, Finding: r.String()}, nil
}

// ask fills in what joinsvc knows; a joinsvc that does not answer is part of
// the status, not an error.
func (here edges) ask(ctx context.Context, c config, s *status) {
	if c.Joinsvc == "" {
		return
	}
	store := identity.Store{Dir: c.StateDir}
	enrolment, enrolled, err := store.Load(time.Now())
	if err == nil && !enrolled {
		s.Joinsvc = "not enrolled with " + c.Joinsvc
		if enrolment.Certificate != "" {
			s.Node, s.Joinsvc = enrolment.Node, "the enrolment with "+c.Joinsvc+" is "+identity.Outworn+"; a run enrols this host anew"
		}
		return
	}
	s.Node = enrolment.Node
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	view, err := here.askView(ctx, c.Joinsvc, store)
	if err != nil {
		s.Joinsvc = err.Error()
		return
	}
	s.Phase, s.Reason, s.Sessions = view.Phase, view.Reason, view.Sessions
}

func (here edges) askView(ctx context.Context, server string, store identity.Store) (joinapi.NodeView, error) {
	id, err := identity.Hardware(string(here.root))
	if err != nil {
		return joinapi.NodeView{}, err
	}
	client, err := store.Client(server, id)
	if err != nil {
		return joinapi.NodeView{}, err
	}
	return client.Node(ctx)
}

func (s status) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 8, 3, ' ', 0)
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(t, "%s\t%s\n", name, value)
		}
	}
	row("Node", s.Node)
	row("Phase", string(s.Phase))
	row("Reason", s.Reason)
	row("joinsvc", s.Joinsvc)
	if s.Bond != nil {
		row("Bond", s.Bond.Finding)
	}
	for _, session := range s.Sessions {
		row("Session", fmt.Sprintf("%s %s AS %d: %s", session.Leaf, session.PeerIP, session.PeerASN, told(session)))
	}
	s.LastRun.rows(row)
	return t.Flush()
}

// told is a session's state as joinsvc has it, how old that is, and why it is so.
func told(s joinapi.Session) string {
	text := cmp.Or(string(s.State), "not reported yet")
	if !s.Observed.IsZero() {
		age := max(time.Since(s.Observed), 0) // joinsvc's clock may be ahead of this host's
		text += ", seen " + age.Truncate(time.Second).String() + " ago"
	}
	if s.Reason != "" {
		text += " (" + s.Reason + ")"
	}
	return text
}

func (l *lastRunStatus) rows(row func(name, value string)) {
	if l == nil {
		row("Last run", "none yet; start one with: nodeprep run")
		return
	}
	outcome := "succeeded"
	if l.Error != "" {
		outcome = "failed: " + l.Error
	}
	switch {
	case l.Running == "":
		row("Last run", l.Finished.Local().Format(time.DateTime)+" "+outcome)
	case len(l.Phases) > 0:
		row("Run", fmt.Sprintf("%s since %s, in %s", l.Running, l.Started.Local().Format(time.DateTime), strings.Join(l.Phases, ", ")))
	default:
		row("Run", l.Running)
	}
	if l.Running != "" && l.Error != "" {
		row("Run before", outcome)
	}
	for _, note := range l.Notes {
		row("Note", note)
	}
}
