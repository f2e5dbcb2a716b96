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
	// idle ends the upkeep and waits for it.
	idle func()
}

// Start starts etcd on the data in dir, which is made when it is not there.
func Start(ctx context.Context, dir string, log *slog.Logger) (*Embedded, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making etcd's folder: %w", err)
	}
	level := zap.NewAtomicLevelAt(zapcore.ErrorLevel)
	server, err := embed.StartEtcd(config(dir, zap.New(bridge{level, log})))
	if err != nil {
		return nil, fmt.Errorf("starting etcd on %s: %w", dir, err)
	}
	if err := ready(ctx, server); err != nil {
		server.Close()
		return nil, fmt.Errorf("starting etcd on %s: %w", dir, err)
	}
	// Its warnings while starting are about listeners that it does not have.
	level.SetLevel(zapcore.WarnLevel)
	client := v3client.New(server.Server)
	return &Embedded{server: server, client: client, idle: keepUp(ctx, newUpkeep(server, client, log))}, nil
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

func ready(ctx context.Context, server *embed.Etcd) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	select {
	case <-server.Server.ReadyNotify():
		return nil
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

// Close stops the server; everything that was committed is on disk.
func (e *Embedded) Close() error {
	e.idle()
	err := e.client.Close()
	e.server.Close()
	if err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("closing etcd's client: %w", err)
	}
	return nil
}
