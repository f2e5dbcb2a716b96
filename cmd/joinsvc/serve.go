// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"github.com/nodeprep/nodeprep/pkg/admission"
	"github.com/nodeprep/nodeprep/pkg/flood"
	"github.com/nodeprep/nodeprep/pkg/join"
	"github.com/nodeprep/nodeprep/pkg/join/etcd"
	"github.com/nodeprep/nodeprep/pkg/joinhttp"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// shutdownTimeout is how long answers under way may take when joinsvc stops.
const shutdownTimeout = 10 * time.Second

func serveCommand(load func() (config, error)) *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Answer hosts and operators until told to stop",
		Long: `serve checks the plan and Calico's manifest, opens its store, and answers: hosts
over TLS 1.3, operators on a unix socket. What is wrong with the plan, or else
with the manifest, it says all at once, and touches nothing. joinsvc.service runs
it.

The data folder holds the CA, joinsvc's key in the cluster, and the store, which
knows whose it is. When one of them is lost or damaged, is another joinsvc's, or
is not of the plan's cluster, serve does not start; it says which, and what to
do. A backup is the whole folder, taken while joinsvc is stopped.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := load()
			if err != nil {
				return err
			}
			log := slog.New(flood.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil)))
			in, err := readInputs(c, log)
			if err != nil {
				return err
			}
			return serve(cmd.Context(), c, in, log)
		},
	}
}

// inputs are what the operator wrote, checked before anything is touched.
type inputs struct {
	plan     plan.Plan
	manifest string // Calico's, set to the plan
	names    []string
}

func readInputs(c config, log *slog.Logger) (inputs, error) {
	p, report, err := plan.Load(c.Plan)
	if errors.Is(err, fs.ErrNotExist) {
		return inputs{}, fmt.Errorf("%w; make one with `joinsvc plan init -o %s`, or set plan in joinsvc's configuration to where it is", err, c.Plan)
	}
	if err != nil {
		return inputs{}, err
	}
	if err := report.Err(); err != nil {
		return inputs{}, fmt.Errorf("%s: %w", c.Plan, err)
	}
	for _, w := range report.Warnings() {
		log.Warn("plan", "path", w.Path, "warning", w.Message)
	}
	manifest, err := readManifest(p)
	if err != nil {
		return inputs{}, fmt.Errorf("%s: %w", c.Plan, err)
	}
	names, err := c.serverNames()
	return inputs{plan: p, manifest: manifest, names: names}, err
}

// serve runs joinsvc until ctx ends. It can listen before it touches its data
// folder.
func serve(ctx context.Context, c config, in inputs, log *slog.Logger) (err error) {
	doors, err := listen(c)
	if err != nil {
		return err
	}
	defer doors.close()
	if err := accessible(c.DataDir); err != nil {
		return err
	}
	warnExposed(c.DataDir, log)
	unlock, err := lock(c.DataDir)
	if err != nil {
		return etcd.Explain(c.DataDir, err)
	}
	defer unlock()
	s, err := dataDir{path: c.DataDir, cluster: in.plan.Metadata.Name, now: time.Now}.open(ctx, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.store.Err(), s.store.Close()) }()
	ctx, end := context.WithCancel(ctx)
	defer end()
	go func() {
		select {
		case <-s.store.Failed(): // it can take no more, as on a full disk
			end()
		case <-ctx.Done():
		}
	}()
	coordinator := &join.Coordinator{
		Plan:  in.plan,
		Store: etcd.New(s.store.Client(), in.plan.Metadata.Name),
		CA:    s.ca,
		Now:   time.Now,
		Log:   log,

		Admission: admission.NewLimiter(time.Now),
	}
	l := newLink(ctx, in, s.key.PEM, coordinator, log)
	defer l.close()
	coordinator.Kubeadm = l.kubeadm()
	coordinator.Remarks = l.remarks.get
	if err := coordinator.Resume(ctx); err != nil {
		// Hosts can enrol and operators can look without a cluster.
		log.Error("the cluster is out of reach", "err", err)
	}
	if err := logHeld(ctx, coordinator, log); err != nil {
		return err
	}
	return answer(ctx, c, doors, in.names, coordinator, log)
}

// answer answers hosts and operators until ctx ends.
func answer(ctx context.Context, c config, doors doors, names []string, coordinator *join.Coordinator, log *slog.Logger) error {
	tlsConfig, err := coordinator.CA.ServerTLS(names)
	if err != nil {
		return err
	}
	hostServer := joinhttp.Server(joinhttp.Hosts(coordinator, log), log)
	hostServer.TLSConfig = tlsConfig
	adminServer := joinhttp.Server(joinhttp.Operators(coordinator, log), log)
	failed := make(chan error, 2)
	go func() { failed <- hostServer.ServeTLS(joinhttp.Bounded(doors.hosts, log), "", "") }()
	go func() { failed <- adminServer.Serve(doors.operators) }()
	log.Info("serving", "cluster", coordinator.Plan.Metadata.Name, "listen", doors.hosts.Addr().String(), "names", names, "admin", c.AdminSocket, "version", version)
	if err := notify(log, daemon.SdNotifyReady); err != nil {
		return err
	}
	select {
	case err = <-failed:
		err = fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	return errors.Join(err, notify(log, daemon.SdNotifyStopping), stop(hostServer, adminServer))
}

// notify tells systemd, when it is there, how joinsvc is (sd_notify(3)).
func notify(log *slog.Logger, state string) error {
	if _, err := daemon.SdNotify(false, state); err != nil {
		return fmt.Errorf("telling systemd %s: %w", state, err)
	}
	log.Debug("told systemd", "state", state)
	return nil
}

// stop ends answering. What is under way may end; who takes longer than that, such
// as a stranger that sends byte by byte, is cut off and asks again.
func stop(servers ...*http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	var errs []error
	for _, s := range servers {
		err := s.Shutdown(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			err = s.Close()
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
