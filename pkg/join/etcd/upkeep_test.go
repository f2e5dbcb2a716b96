// SPDX-License-Identifier: Apache-2.0

package etcd

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"
	"go.uber.org/zap"

	"github.com/nodeprep/nodeprep/pkg/join"
)

// fill writes until etcd has no space, in a store of quota bytes.
func fill(t *testing.T, dir string, bytes int64) {
	t.Helper()
	c := config(dir, zap.NewNop())
	c.QuotaBackendBytes = bytes
	server, err := embed.StartEtcd(c)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	<-server.Server.ReadyNotify()
	client := v3client.New(server.Server)
	defer client.Close()
	value := string(make([]byte, 64<<10))
	for i := range 10_000 {
		_, err := client.Put(t.Context(), "k"+strconv.Itoa(i%4), value)
		if errors.Is(err, rpctypes.ErrNoSpace) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("etcd was never full")
}

func size(t *testing.T, dir string) int64 {
	t.Helper()
	info, err := os.Stat(filepath.Join(dir, "member", "snap", "db"))
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// A store that was full is served again after a restart.
func TestFullStoreIsServedAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "etcd")
	fill(t, dir, 16<<20)
	full := size(t, dir)
	e, err := Start(t.Context(), dir, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	err = New(e.Client(), "k8c1").Update(t.Context(), func(tx join.Tx) error {
		tx.Put("init", []byte("k8c1m0"))
		return nil
	})
	if err != nil {
		t.Errorf("after a restart the store takes nothing: %v", err)
	}
	if now := size(t, dir); now > full/4 {
		t.Errorf("the file had %d bytes when it was full and has %d, of which 256 KiB are used", full, now)
	}
}

// writes makes n revisions of one key.
func writes(t *testing.T, client *clientv3.Client, n, size int) {
	t.Helper()
	value := string(make([]byte, size))
	for range n {
		if _, err := client.Put(context.Background(), "k", value); err != nil {
			t.Fatal(err)
		}
	}
}

// History goes while the store is being written to, and what is young stays:
// transactions read it.
func TestHistoryIsBounded(t *testing.T) {
	e, err := Start(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	const keep = 200
	u := newUpkeep(e.server, e.Client(), slog.New(slog.DiscardHandler))
	u.keep = keep
	writes(t, e.Client(), keep/2, 10)
	if err := u.look(t.Context()); err != nil || u.compacted != 0 {
		t.Fatalf("compacted to %d, %v; want nothing compacted while there is little", u.compacted, err)
	}
	writes(t, e.Client(), keep+10, 10)
	if err := u.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	status, err := e.Client().Status(t.Context(), here)
	if err != nil {
		t.Fatal(err)
	}
	now := status.Header.Revision
	if _, err := e.Client().Get(t.Context(), "k", clientv3.WithRev(now-keep-1)); !errors.Is(err, rpctypes.ErrCompacted) {
		t.Errorf("a revision older than %d: %v, want that it is compacted", keep, err)
	}
	if _, err := e.Client().Get(t.Context(), "k", clientv3.WithRev(now-keep+1)); err != nil {
		t.Errorf("a revision within %d: %v", keep, err)
	}
}

// What compaction leaves behind goes back to the disk, once it is much.
func TestDefragmentsWhenItIsWorthIt(t *testing.T) {
	dir := t.TempDir()
	e, err := Start(t.Context(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	u := newUpkeep(e.server, e.Client(), slog.New(slog.DiscardHandler))
	writes(t, e.Client(), 90, 1<<20)
	if err := u.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := size(t, dir)
	if before < worthwhile {
		t.Fatalf("the file has only %d bytes", before)
	}
	status, err := e.Client().Status(t.Context(), here)
	if err != nil {
		t.Fatal(err)
	}
	if err := u.compact(t.Context(), status.Header.Revision); err != nil {
		t.Fatal(err)
	}
	if err := u.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := size(t, dir); after > before/4 {
		t.Errorf("the file had %d bytes and has %d", before, after)
	}
}

// A first upkeep that hangs does not keep joinsvc from starting, and is waited
// for when it stops.
func TestTheFirstUpkeepIsBounded(t *testing.T) {
	e, err := Start(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	var log strings.Builder
	u := newUpkeep(e.server, e.Client(), slog.New(slog.NewTextHandler(&log, nil)))
	u.patience = 50 * time.Millisecond
	release := make(chan struct{})
	u.defrag = func() error { <-release; return nil }
	stop := keepUp(t.Context(), u) // hangs without a bound
	if !strings.Contains(log.String(), "joinsvc starts meanwhile") {
		t.Errorf("the log says %q", log.String())
	}
	stopped := make(chan struct{})
	go func() {
		stop()
		close(stopped)
	}()
	select {
	case <-stopped:
		t.Error("stopped beside a defragmentation under way")
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	<-stopped
}

// Few revisions that are large are too much, too.
func TestLargeRevisionsGo(t *testing.T) {
	e, err := Start(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	u := newUpkeep(e.server, e.Client(), slog.New(slog.DiscardHandler))
	u.room = 16 << 20
	writes(t, e.Client(), 40, 256<<10)
	// etcd counts what is in use with each batch that it writes, every 100 ms.
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err := u.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		if u.compacted != 0 {
			return
		}
	}
	t.Error("10 MB of history in room for 16 were not compacted")
}

// A store that has become full while joinsvc runs is served again without a
// restart.
func TestFullWhileItRuns(t *testing.T) {
	c := config(filepath.Join(t.TempDir(), "etcd"), zap.NewNop())
	c.QuotaBackendBytes = 16 << 20
	server, err := embed.StartEtcd(c)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	<-server.Server.ReadyNotify()
	client := v3client.New(server.Server)
	defer client.Close()
	value := string(make([]byte, 256<<10))
	for range 200 {
		if _, err = client.Put(t.Context(), "k", value); err != nil {
			break
		}
	}
	if !errors.Is(err, rpctypes.ErrNoSpace) {
		t.Fatalf("never full: %v", err)
	}
	u := newUpkeep(server, client, slog.New(slog.DiscardHandler))
	if err := u.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Put(t.Context(), "k", "v"); err != nil {
		t.Errorf("after upkeep: %v", err)
	}
}
