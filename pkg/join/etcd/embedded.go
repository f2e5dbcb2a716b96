// SPDX-License-Identifier: Apache-2.0

package etcd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// startTimeout bounds how long the embedded server may take to replay its log
// and elect itself.
const startTimeout = 2 * time.Minute

// Embedded is an etcd of one member in this process. It listens nowhere: the
// client calls the server's functions.
type Embedded struct {
	server *embed.Etcd
	client *clientv3.Client
	dir    string
	failed *failure
	// idle ends the upkeep and waits for it.
	idle func()
}

// Start starts etcd on the data in dir, which is made when it is not there.
// Files that are damaged or incomplete, and a disk that is full, are
// *StoreError.
func Start(ctx context.Context, dir string, log *slog.Logger) (*Embedded, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, explain(dir, fmt.Errorf("making etcd's folder: %w", err))
	}
	if damaged := inspect(dir); damaged != nil {
		return nil, fmt.Errorf("starting etcd: %w", damaged)
	}
	level := zap.NewAtomicLevelAt(zapcore.ErrorLevel)
	failed := newFailure()
	server, err := start(config(dir, zap.New(bridge{level, log}, failed.options()...)), failed)
	if err != nil {
		return nil, fmt.Errorf("starting etcd: %w", explain(dir, err))
	}
	if err := ready(ctx, server, failed); err != nil {
		if failed.get() == nil { // else a part of it is gone, and the rest waits for it
			server.Close()
		}
		return nil, fmt.Errorf("starting etcd on %s: %w", dir, explain(dir, err))
	}
	// Its warnings while starting are about listeners that it does not have.
	level.SetLevel(zapcore.WarnLevel)
	client := v3client.New(server.Server)
	return &Embedded{server: server, client: client, dir: dir, failed: failed, idle: keepUp(ctx, newUpkeep(server, client, log))}, nil
}

// start runs StartEtcd in a goroutine that may end without it returning.
func start(c *embed.Config, failed *failure) (*embed.Etcd, error) {
	type result struct {
		server *embed.Etcd
		err    error
	}
	returned := make(chan result, 1)
	go func() {
		defer failed.catch()
		server, err := embed.StartEtcd(c)
		returned <- result{server, err}
	}()
	select {
	case r := <-returned:
		return r.server, r.err
	case <-failed.done:
		return nil, failed.err
	}
}

func config(dir string, log *zap.Logger) *embed.Config {
	// A member has to advertise URLs; nothing answers at these.
	nowhere := []url.URL{{Scheme: "unix", Host: "embedded"}}
	c := embed.NewConfig()
	c.Name = "joinsvc"
	c.Dir = filepath.Clean(dir)
	c.ListenPeerUrls, c.ListenClientUrls = nil, nil
	c.AdvertisePeerUrls, c.AdvertiseClientUrls = nowhere, nowhere
	c.InitialCluster = c.InitialClusterFromName(c.Name)
	bound(c)
	c.ZapLoggerBuilder = embed.NewZapLoggerBuilder(log)
	return c
}

func ready(ctx context.Context, server *embed.Etcd, failed *failure) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	select {
	case <-server.Server.ReadyNotify():
		return nil
	case <-failed.done:
		return failed.err
	case err := <-server.Err():
		return err
	case <-server.Server.StopNotify():
		return errors.New("it stopped while starting")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Client calls the server.
func (e *Embedded) Client() *clientv3.Client { return e.client }

// Failed is closed when etcd cannot go on, as on a full disk; Err says why. The
// process has to end then.
func (e *Embedded) Failed() <-chan struct{} { return e.failed.done }

// Err is why Failed is closed, nil before.
func (e *Embedded) Err() error {
	if err := e.failed.get(); err != nil {
		return explain(e.dir, err)
	}
	return nil
}

// Close stops the server; everything that was committed is on disk.
func (e *Embedded) Close() error {
	if e.failed.get() != nil {
		return nil // a part of it is gone already, and the rest would wait for it
	}
	e.idle()
	err := e.client.Close()
	e.server.Close()
	if err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("closing etcd's client: %w", err)
	}
	return nil
}
