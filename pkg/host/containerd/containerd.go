// SPDX-License-Identifier: Apache-2.0

// Package containerd configures containerd 2 for kubelet and has it run with
// what it was configured to.
package containerd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/nodeprep/nodeprep/pkg/host/unit"
	"github.com/nodeprep/nodeprep/pkg/phase"
	"github.com/nodeprep/nodeprep/pkg/rooted"
)

const (
	configFile  = "/etc/containerd/config.toml"
	savedFile   = configFile + ".before-nodeprep"
	serviceName = "containerd.service"
)

// Units is what the runtime needs of systemd.
type Units interface {
	unit.Starter
	Restart(ctx context.Context, name string) error
}

// Runtime is containerd, configured, enabled and running.
type Runtime struct {
	Root  rooted.Root
	Units Units
	// SandboxImage is the pause image that kubeadm's release wants:
	// "registry.k8s.io/pause:3.10.1". Another one would be pulled in vain.
	SandboxImage string
	Now          func() time.Time
}

// Plan writes the file where it is absent, ours or unfit, leaves a fit one of
// other hands alone, and restarts a containerd older than its configuration.
func (r Runtime) Plan(ctx context.Context) ([]phase.Change, error) {
	changes, err := r.planConfig(ctx)
	if err != nil {
		return nil, err
	}
	units, err := unit.Running{Units: r.Units, Name: serviceName}.Plan(ctx)
	if err != nil {
		return nil, err
	}
	st, err := r.Units.State(ctx, serviceName)
	if err != nil {
		return nil, err
	}
	if st.Running() && (len(changes) > 0 || r.changedSince(st.Since)) {
		units = append(units, phase.Change{
			What: serviceName, From: "active with an older configuration", To: "restarted",
			Do: func(ctx context.Context) error { return r.Units.Restart(ctx, serviceName) },
		})
	}
	return append(changes, units...), nil
}

// changedSince also catches a run that was cut off between the file and the
// restart. A file from the future says that the clock was set back: nothing
// can be told from it, and a restart would not make it older.
func (r Runtime) changedSince(started time.Time) bool {
	info, err := r.Root.Stat(configFile)
	return err == nil && info.ModTime().After(started) && info.ModTime().Before(r.Now())
}

func (r Runtime) planConfig(ctx context.Context) ([]phase.Change, error) {
	want := rooted.File{Root: r.Root, Name: configFile, Content: ours(r.SandboxImage), Mode: 0o644}
	have, err := r.Root.Read(configFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading %s: %w", configFile, err)
	}
	if err != nil || strings.HasPrefix(have, marker) {
		return want.Plan(ctx)
	}
	why := unfit(have)
	if why == "" {
		phase.Notef(ctx, "%s is not ours and has SystemdCgroup = true: it stays as it is", configFile)
		return nil, nil
	}
	return []phase.Change{{
		What: configFile, From: why, To: "as planned, the old one in " + savedFile,
		Do: func(context.Context) error {
			if err := r.save(have); err != nil {
				return err
			}
			return r.Root.Write(want.Name, want.Content, want.Mode)
		},
	}}, nil
}

// save keeps a foreign configuration, with its mode: it may hold a registry's
// password.
func (r Runtime) save(content string) error {
	info, err := r.Root.Stat(configFile)
	if err != nil {
		return fmt.Errorf("looking at %s: %w", configFile, err)
	}
	return r.Root.Write(savedFile, content, info.Mode().Perm())
}
