// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/nodeprep/nodeprep/pkg/command"
)

// importImages unpacks the images into root, a machine's future
// /var/lib/containerd, by running the stack's own containerd on it for a
// moment: under emulation the same work takes each machine two minutes.
func importImages(ctx context.Context, spec Spec, root string) (err error) {
	// Its own, and short: a Unix socket's path has 108 bytes.
	state, err := os.MkdirTemp("", "ctd")
	if err != nil {
		return fmt.Errorf("making room for containerd: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(state)) }()
	d := daemon{ctr: spec.Binaries["ctr"], address: filepath.Join(state, "s"), log: filepath.Join(state, "log")}
	if err := d.start(ctx, spec.Binaries["containerd"], root, state); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	for _, archive := range spec.Images {
		if err := d.run(ctx, "images", "import", "--all-platforms", archive); err != nil {
			return fmt.Errorf("importing %s: %w", archive, err)
		}
	}
	return nil
}

type daemon struct {
	cmd     *exec.Cmd
	ctr     string
	address string
	log     string
}

// noCRI leaves out what serves pods: an import needs content, snapshots and
// metadata, which do not depend on it.
const noCRI = `version = 3
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime",
  "io.containerd.nri.v1.nri", "io.containerd.podsandbox.controller.v1.podsandbox",
  "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.erofs", "io.containerd.snapshotter.v1.blockfile"]
`

func (d *daemon) start(ctx context.Context, containerd, root, state string) error {
	config := filepath.Join(state, "config.toml")
	if err := os.WriteFile(config, []byte(noCRI), 0o600); err != nil {
		return fmt.Errorf("configuring containerd: %w", err)
	}
	log, err := os.Create(d.log)
	if err != nil {
		return fmt.Errorf("opening containerd's log: %w", err)
	}
	defer log.Close()
	d.cmd = exec.CommandContext(ctx, containerd, "--config", config, "--root", root,
		"--state", filepath.Join(state, "run"), "--address", d.address)
	d.cmd.Stdout, d.cmd.Stderr = log, log
	// The lab's death is containerd's, which would else hold the tree.
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := d.cmd.Start(); err != nil {
		return fmt.Errorf("starting containerd: %w", err)
	}
	if err := d.answers(ctx); err != nil {
		return errors.Join(err, d.stop())
	}
	return nil
}

// answers waits until containerd serves, a minute at most.
func (d *daemon) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := d.run(ctx, "version")
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			log, _ := os.ReadFile(d.log)
			return fmt.Errorf("waiting for containerd: %w; its log:\n%s", err, lastLines(string(log), 20))
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (d *daemon) run(ctx context.Context, args ...string) error {
	// k8s.io is the namespace in which the CRI plugin looks for images.
	words := append([]string{"--address", d.address, "--namespace", "k8s.io"}, args...)
	_, err := command.Run(ctx, command.New(d.ctr, words...))
	return err
}

// stop ends containerd, which closes its databases on SIGTERM.
func (d *daemon) stop() error {
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stopping containerd: %w", err)
	}
	if err := d.cmd.Wait(); err != nil {
		log, _ := os.ReadFile(d.log)
		return fmt.Errorf("containerd ended: %w; its log:\n%s", err, lastLines(string(log), 20))
	}
	return nil
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
