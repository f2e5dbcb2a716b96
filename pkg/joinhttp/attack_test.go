// SPDX-License-Identifier: Apache-2.0

package joinhttp_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/join"
	"github.com/nodeprep/nodeprep/pkg/join/etcd"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/joinhttp"
	"github.com/nodeprep/nodeprep/pkg/pki"
	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/plan/plantest"
)

// attackers is how many enrolled hosts report as fast as they can.
const attackers = 13

// besieged is joinsvc on loopback with a plan of attackers, and of one worker
// more that wants to be served.
type besieged struct {
	*join.Coordinator
	tb    testing.TB
	store *etcd.Embedded
	dir   string
	url   string
}

func besiege(tb testing.TB) *besieged {
	tb.Helper()
	p := plantest.Load(tb, "../../docs/examples/k8c1.yaml")
	p.Spec.NodeNetwork.Subnet = netip.MustParsePrefix("192.168.8.0/23")
	p.Spec.ASN.Last = p.Spec.ASN.First + attackers + 1
	p.Spec.Nodes = p.Spec.Nodes[:1]
	for i := range attackers + 1 {
		p.Spec.Nodes = append(p.Spec.Nodes, plan.Node{
			Name: fmt.Sprintf("w%d", i), Role: plan.Worker,
			Address: netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 168, 8, byte(i + 1)}), 23),
			MACs:    []plan.MAC{plan.MAC(fmt.Sprintf("00:00:5e:00:54:%02x", i))},
		})
	}
	b := &besieged{tb: tb, dir: tb.TempDir()}
	log := slog.New(slog.DiscardHandler)
	ca, err := pki.New("k8c1", time.Now)
	b.must(err)
	b.Coordinator = &join.Coordinator{Plan: p, CA: ca, Now: time.Now, Log: log, Kubeadm: kubeadm()}
	b.open()
	b.serve(log)
	return b
}

func (b *besieged) must(err error) {
	b.tb.Helper()
	if err != nil {
		b.tb.Fatal(err)
	}
}

// open starts the store; its errors go to the test.
func (b *besieged) open() {
	b.tb.Helper()
	e, err := etcd.Start(b.tb.Context(), b.dir, slog.New(slog.NewTextHandler(b.tb.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})))
	b.must(err)
	b.store, b.Store = e, etcd.New(e.Client(), "k8c1")
	b.tb.Cleanup(func() { _ = e.Close() })
}

func (b *besieged) serve(log *slog.Logger) {
	b.tb.Helper()
	config, err := b.CA.ServerTLS([]string{"127.0.0.1"})
	b.must(err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	b.must(err)
	server := joinhttp.Server(joinhttp.Hosts(b.Coordinator, log), log)
	server.TLSConfig = config
	go func() { _ = server.ServeTLS(l, "", "") }()
	b.tb.Cleanup(func() { _ = server.Close() })
	b.url = "https://" + l.Addr().String()
}

// host enrols the planned node at index i and returns its client.
func (b *besieged) host(i int) *joinapi.Client {
	b.tb.Helper()
	n := b.Plan.Spec.Nodes[i]
	token, err := b.CreateToken(b.tb.Context(), joinapi.TokenRequest{Uses: 1, TTL: time.Hour, Node: n.Name})
	b.must(err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	b.must(err)
	id := joinapi.Identity{Hostname: n.Name}
	for _, m := range n.MACs {
		id.MACs = append(id.MACs, joinapi.MAC(m))
	}
	resp, err := joinapi.Enrol(b.tb.Context(), b.url, token.Token, key, id)
	b.must(err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	b.must(err)
	c, err := joinapi.NewClient(b.url, []byte(resp.CA), []byte(resp.Certificate),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), id)
	b.must(err)
	return c
}

// siege is what the attackers do, and what it does to the process.
type siege struct {
	sent, taken atomic.Int64
	peak        atomic.Int64 // resident set, bytes
	before      int64
	stop        func()
}

// attack has every attacker report without a pause: notes that are each new and
// as long as may be, milestones, and failures.
func (b *besieged) attack() *siege {
	b.tb.Helper()
	s := &siege{before: resident(b.tb)}
	ctx, cancel := context.WithCancel(b.tb.Context())
	var wg sync.WaitGroup
	for i := range attackers {
		c := b.host(i + 1)
		wg.Go(func() { s.flood(ctx, c) })
	}
	wg.Go(func() {
		for ctx.Err() == nil {
			s.peak.Store(max(s.peak.Load(), resident(b.tb)))
			time.Sleep(50 * time.Millisecond)
		}
	})
	s.stop = func() { cancel(); wg.Wait() }
	return s
}

func (s *siege) flood(ctx context.Context, c *joinapi.Client) {
	outcomes := []joinapi.Outcome{joinapi.OutcomeNoted, joinapi.OutcomeFailed, joinapi.OutcomeDone}
	phases := []string{"network", joinapi.ReportPrepared, "packages"}
	for i := 0; ctx.Err() == nil; i++ {
		r := joinapi.Report{Phase: phases[i%3], Outcome: outcomes[i/3%3], Message: strconv.Itoa(i) + strings.Repeat("x", 4000)}
		s.sent.Add(1)
		if err := c.Report(ctx, r); err == nil {
			s.taken.Add(1)
		}
	}
}

// resident is the process's resident set, in bytes (proc(5), statm).
func resident(tb testing.TB) int64 {
	tb.Helper()
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		tb.Error(err)
		return 0
	}
	pages, _ := strconv.ParseInt(string(bytes.Fields(data)[1]), 10, 64)
	return pages * int64(os.Getpagesize())
}

// onDisk is the size of a folder's files, in bytes.
func onDisk(tb testing.TB, dir, name string) int64 {
	tb.Helper()
	var size int64
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || name != d.Name() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		size += info.Size()
		return err
	})
	if err != nil {
		tb.Error(err)
	}
	return size
}

// others is one request of each kind by somebody who means well; it returns how
// long the slowest took.
func (b *besieged) others(c *joinapi.Client) (slowest time.Duration, err error) {
	ctx := b.tb.Context()
	for _, ask := range []func() error{
		func() error { _, err := c.Node(ctx); return err },
		func() error {
			return c.Report(ctx, joinapi.Report{Phase: joinapi.ReportPrepared, Outcome: joinapi.OutcomeDone})
		},
		func() error { return b.Ready(ctx) },
		func() error { _, err := b.Status(ctx); return err },
		func() error {
			_, err := b.CreateToken(ctx, joinapi.TokenRequest{Uses: 1, TTL: time.Hour})
			return err
		},
	} {
		begun := time.Now()
		err = errors.Join(err, ask())
		slowest = max(slowest, time.Since(begun))
	}
	return slowest, err
}

const mebi = 1 << 20

// Thirteen enrolled hosts that report as fast as they can neither fill the store
// nor keep anybody from being served, meanwhile and afterwards.
func TestAttackOfReports(t *testing.T) {
	b := besiege(t)
	victim := b.host(attackers + 1)
	s := b.attack()
	asked := 0
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end) || s.sent.Load() < 100; asked++ {
		if took, err := b.others(victim); err != nil || took > 30*time.Second {
			t.Errorf("while it goes on, the slowest of five requests took %v: %v", took, err)
		}
	}
	s.stop()
	if took, err := b.others(victim); err != nil {
		t.Errorf("afterwards, in %v: %v", took, err)
	}
	b.host(0) // who comes now is admitted
	grown := (s.peak.Load() - s.before) / mebi
	t.Logf("%d reports, %d taken; %d rounds of others; resident set +%d MiB", s.sent.Load(), s.taken.Load(), asked, grown)
	if grown > 300 {
		t.Errorf("the resident set grew by %d MiB", grown)
	}
	if size := onDisk(t, b.dir, "db"); size > 64*mebi {
		t.Errorf("the store has %d MiB", size/mebi)
	}
}

// BenchmarkAttack asks for everything else while the attack goes on; five
// minutes of it are -benchtime 5m. One operation is five requests.
func BenchmarkAttack(b *testing.B) {
	s := besiege(b)
	victim := s.host(attackers + 1)
	siege := s.attack()
	var slowest time.Duration
	failed := 0
	for b.Loop() {
		took, err := s.others(victim)
		if slowest = max(slowest, took); err != nil {
			failed++
			b.Log(err)
		}
	}
	siege.stop()
	after, err := s.others(victim)
	if err != nil {
		b.Errorf("afterwards: %v", err)
	}
	b.ReportMetric(float64(siege.peak.Load())/mebi, "peak-MiB")
	b.ReportMetric(slowest.Seconds(), "slowest-s")
	b.ReportMetric(after.Seconds(), "afterwards-s")
	b.ReportMetric(float64(failed), "failed")
	b.ReportMetric(float64(onDisk(b, s.dir, "db"))/mebi, "store-MiB")
	b.ReportMetric(float64(siege.sent.Load()), "reports")
	b.ReportMetric(float64(siege.taken.Load()), "taken")
}
