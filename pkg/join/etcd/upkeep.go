// SPDX-License-Identifier: Apache-2.0

package etcd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
)

const (
	// quota is the size of the file past which etcd takes no more puts (alarm
	// NOSPACE). What joinsvc keeps of 5,000 hosts is a sixth of it.
	quota = 512 << 20
	// snapshotEvery and catchUp are how many transactions raft keeps in memory:
	// etcd's defaults, 10,000 and 5,000, are for followers, and there are none.
	snapshotEvery = 2000
	catchUp       = 100
	// history is how many revisions are kept. A transaction reads one revision
	// for as long as it lasts, and is tried again when that is gone.
	history = 10_000
	// worthALine is how long a request has to take for etcd to log it, each with
	// its key. Its default is 100 ms, which a busy machine takes for every one.
	worthALine = 2 * time.Second
	// upkeepEvery is how often is looked whether there is something to do.
	upkeepEvery = 5 * time.Second
	// worthwhile is how much a defragmentation has to give back to the disk, and
	// it has to be half of the file: nobody is answered meanwhile.
	worthwhile = 64 << 20
)

// bound keeps etcd within what joinsvc may take of its machine. History is
// compacted by upkeep: etcd's own does it by the hour or every five minutes.
func bound(c *embed.Config) {
	c.QuotaBackendBytes = quota
	c.SnapshotCount, c.SnapshotCatchUpEntries = snapshotEvery, catchUp
	c.AutoCompactionRetention = "0"
	c.WarningApplyDuration = worthALine
}

// upkeep keeps a store from growing for ever: old revisions go, and what they
// leave behind goes back to the disk. Nobody else will do it: the server listens
// nowhere, so that no etcdctl reaches it.
type upkeep struct {
	client *clientv3.Client
	// defrag is the backend's own: the server's call for it wants a gRPC server
	// to tell, and this one has none (etcd 3.7).
	defrag func() error
	log    *slog.Logger
	keep   int64 // how many revisions stay
	room   int64 // bytes of the file; no history stays that takes half of it
	// patience bounds how long a start waits for the first upkeep.
	patience time.Duration
	// compacted is the revision up to which there is no history.
	compacted int64
}

func newUpkeep(server *embed.Etcd, client *clientv3.Client, log *slog.Logger) *upkeep {
	return &upkeep{client: client, defrag: server.Server.Backend().Defrag, log: log, keep: history, room: quota, patience: startTimeout}
}

// keepUp makes room in a store that has just been started, and keeps it until
// stop is called. That it cannot, or takes too long, is no reason not to start:
// what is there can still be read.
func keepUp(ctx context.Context, u *upkeep) (stop func()) {
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	first := make(chan struct{})
	wg.Go(func() {
		u.begin(life)
		close(first)
		u.run(life)
	})
	timeout := time.NewTimer(u.patience)
	defer timeout.Stop()
	select {
	case <-first:
	case <-ctx.Done():
	case <-timeout.C:
		u.log.Warn("etcd's upkeep at the start goes on for long; joinsvc starts meanwhile", "after", u.patience)
	}
	return func() {
		cancel()
		wg.Wait()
	}
}

// begin is the first upkeep. What it asks of etcd is bounded; a defragmentation
// that has begun is not to be stopped, and takes a time of its own.
func (u *upkeep) begin(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, u.patience)
	defer cancel()
	if err := u.start(ctx); err != nil {
		u.log.Error("etcd's upkeep at the start", "err", err)
	}
}

// here is the one endpoint; a client inside the process has no address.
const here = ""

// start makes room: it drops all history, defragments, and disarms the alarm
// that was raised when there was none. Without it a store that was full once
// would take nothing for ever.
func (u *upkeep) start(ctx context.Context) error {
	status, err := u.client.Status(ctx, here)
	if err != nil {
		return fmt.Errorf("asking etcd for its size: %w", err)
	}
	if err := u.compact(ctx, status.Header.Revision); err != nil {
		return err
	}
	if err := u.defragment(ctx); err != nil {
		return err
	}
	return u.disarm(ctx)
}

// run goes on until ctx ends.
func (u *upkeep) run(ctx context.Context) {
	tick := time.NewTicker(upkeepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := u.look(ctx); err != nil && ctx.Err() == nil {
			u.log.Warn("etcd's upkeep", "err", err)
		}
	}
}

// noSpace tells of one of the errors of a status that it is the alarm of a store
// without space (etcd, maintenance.Status: its error's text, or the alarm's name).
func noSpace(alarm string) bool {
	return strings.Contains(alarm, pb.AlarmType_NOSPACE.String()) ||
		strings.Contains(alarm, rpctypes.ErrNoSpace.Error())
}

// look does what there is to do.
func (u *upkeep) look(ctx context.Context) error {
	status, err := u.client.Status(ctx, here)
	if err != nil {
		return fmt.Errorf("asking etcd for its size: %w", err)
	}
	head := status.Header.Revision
	switch {
	case slices.ContainsFunc(status.Errors, noSpace) && status.DbSizeInUse < u.room:
		return u.start(ctx)
	case status.DbSizeInUse > u.room/2 && head > u.compacted:
		// Few revisions, but large ones. A transaction that reads what goes is
		// tried again.
		return u.compact(ctx, head)
	}
	// Half as much again, so that a compaction is worth its while.
	if old := head - u.keep; old-u.compacted > u.keep/2 {
		return u.compact(ctx, old)
	}
	free := status.DbSize - status.DbSizeInUse
	if free >= worthwhile && free > status.DbSize/2 {
		return u.defragment(ctx)
	}
	return nil
}

func (u *upkeep) compact(ctx context.Context, revision int64) error {
	_, err := u.client.Compact(ctx, revision, clientv3.WithCompactPhysical())
	if err != nil && !errors.Is(err, rpctypes.ErrCompacted) {
		return fmt.Errorf("compacting etcd to revision %d: %w", revision, err)
	}
	u.compacted = revision
	return nil
}

func (u *upkeep) defragment(ctx context.Context) error {
	before, err := u.client.Status(ctx, here)
	if err != nil {
		return fmt.Errorf("asking etcd for its size: %w", err)
	}
	begun := time.Now()
	if err := u.defrag(); err != nil {
		return fmt.Errorf("defragmenting etcd: %w", err)
	}
	after, err := u.client.Status(ctx, here)
	if err != nil {
		return fmt.Errorf("asking etcd for its size: %w", err)
	}
	level := slog.LevelDebug
	if after.DbSize < before.DbSize {
		level = slog.LevelInfo
	}
	u.log.Log(ctx, level, "etcd defragmented", "before", before.DbSize, "after", after.DbSize, "took", time.Since(begun).Round(time.Millisecond))
	return nil
}

// disarm takes back every alarm. If there still is no room, the next put raises
// it again; a damaged store is found by the check before the start.
func (u *upkeep) disarm(ctx context.Context) error {
	alarms, err := u.client.AlarmList(ctx)
	if err != nil {
		return fmt.Errorf("asking etcd for its alarms: %w", err)
	}
	for _, alarm := range alarms.Alarms {
		u.log.Warn("etcd's alarm is disarmed", "alarm", alarm.Alarm.String())
		if _, err := u.client.AlarmDisarm(ctx, (*clientv3.AlarmMember)(alarm)); err != nil {
			return fmt.Errorf("disarming etcd's alarm %s: %w", alarm.Alarm, err)
		}
	}
	return nil
}
