// SPDX-License-Identifier: Apache-2.0

package joinhttp_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/nodeprep/nodeprep/pkg/join"
	"github.com/nodeprep/nodeprep/pkg/join/etcd"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/joinhttp"
	"github.com/nodeprep/nodeprep/pkg/pki"
	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/plan/plantest"
	"github.com/nodeprep/nodeprep/pkg/retry"
)

var figures = flag.String("figures", "", "append a row of a Markdown table for each storm to this file")

// A storm is a site's hosts that are switched on together: all of them enrol at
// once, with one token.
type storm struct {
	Hosts   int
	URLs    []string // one for each replica of joinsvc
	CA      string   // PEM
	Token   string
	OwnAddr bool // each from an address of its own, 127.x.y.z; else all from one
}

// struck is what its hosts tell afterwards.
type struck struct {
	Failed  []string // why a host gave up
	Nodes   []string // what the others became
	Longest time.Duration
	P99     time.Duration
	Took    time.Duration
}

// The hosts of a benchmark are a process of their own, so that the memory which
// is measured is joinsvc's. They take their share of the same processors.
const hostsOnly = "NODEPREP_STORM"

func TestMain(m *testing.M) {
	if os.Getenv(hostsOnly) == "" {
		os.Exit(m.Run())
	}
	var s storm
	if err := json.NewDecoder(os.Stdin).Decode(&s); err != nil {
		panic(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(s.strike(context.Background())); err != nil {
		panic(err)
	}
}

// strike enrols every host, each trying again as nodeprep does.
func (s storm) strike(ctx context.Context) struck {
	var mu sync.Mutex
	var all struck
	var times []time.Duration
	hosts := make([]*stormHost, s.Hosts)
	for i := range hosts {
		hosts[i] = s.host(i)
	}
	began := time.Now()
	var wg sync.WaitGroup
	for _, h := range hosts {
		wg.Go(func() {
			node, err := h.enrol(ctx)
			mu.Lock()
			defer mu.Unlock()
			times = append(times, time.Since(began))
			if err != nil {
				all.Failed = append(all.Failed, err.Error())
				return
			}
			all.Nodes = append(all.Nodes, node)
		})
	}
	wg.Wait()
	all.Took = time.Since(began)
	slices.Sort(times)
	all.P99, all.Longest = times[(len(times)*99+99)/100-1], times[len(times)-1]
	return all
}

// A stormHost has its key and its request before it is switched on.
type stormHost struct {
	http *http.Client
	url  string
	auth string
	body []byte
}

func (s storm) host(i int) *stormHost {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(s.CA))
	dialer := net.Dialer{Timeout: 30 * time.Second}
	if s.OwnAddr {
		dialer.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, byte(1+i>>16), byte(i>>8), byte(i))}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		panic(err)
	}
	csr := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	body, err := json.Marshal(joinapi.EnrolRequest{CSR: string(csr), Identity: joinapi.Identity{MACs: []joinapi.MAC{joinapi.MAC(stormMAC(i))}}})
	if err != nil {
		panic(err)
	}
	return &stormHost{
		http: &http.Client{Timeout: time.Minute, Transport: &http.Transport{
			DialContext:         dialer.DialContext,
			TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13},
			TLSHandshakeTimeout: 20 * time.Second,
			DisableKeepAlives:   true,
		}},
		url: s.URLs[i%len(s.URLs)] + joinapi.PathEnrol, auth: "Bearer " + s.Token, body: body,
	}
}

func stormMAC(i int) plan.MAC {
	return plan.MAC(fmt.Sprintf("02:00:5e:%02x:%02x:%02x", byte(i>>16), byte(i>>8), byte(i)))
}

// enrol asks until it is answered, or refused for good, for five minutes.
func (h *stormHost) enrol(ctx context.Context) (string, error) {
	return retry.Do(ctx, retry.Policy{Limit: 5 * time.Minute, Judge: worthAnother}, h.ask)
}

type statusError struct {
	status int
	after  time.Duration
	body   string
}

func (e *statusError) Error() string { return fmt.Sprintf("%d: %s", e.status, e.body) }

func worthAnother(err error) retry.Verdict {
	var e *statusError
	if errors.As(err, &e) {
		passes := e.status == http.StatusServiceUnavailable || e.status == http.StatusTooManyRequests
		return retry.Verdict{Again: passes, Floor: e.after, Answered: passes}
	}
	return retry.Verdict{Again: retry.Network(err)}
}

func (h *stormHost) ask(ctx context.Context) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(h.body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", h.auth)
	req.Header.Set("Content-Type", "application/json")
	resp, err := h.http.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		after, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return "", &statusError{resp.StatusCode, time.Duration(after) * time.Second, string(data)}
	}
	var answer joinapi.EnrolResponse
	err = json.Unmarshal(data, &answer)
	return answer.Node, err
}

// commits counts the transactions that write; each waits for the disk.
type commits struct {
	clientv3.KV
	n *atomic.Int64
}

func (c commits) Txn(ctx context.Context) clientv3.Txn {
	c.n.Add(1)
	return c.KV.Txn(ctx)
}

// A site is joinsvc, in so many replicas on one etcd, with a plan of n hosts
// that are known by their cards.
type site struct {
	t       testing.TB
	client  *clientv3.Client
	store   join.Store
	plan    plan.Plan
	first   *join.Coordinator
	urls    []string
	commits atomic.Int64
	log     syncBuffer
}

func newSite(t testing.TB, hosts, replicas int) *site {
	t.Helper()
	s := &site{t: t, plan: stormPlan(t, hosts)}
	log := slog.New(slog.NewTextHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	e, err := etcd.Start(t.Context(), t.TempDir(), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	s.client = e.Client()
	ca, err := pki.New("storm", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for range replicas {
		s.store = etcd.New(commits{e.Client(), &s.commits}, "storm")
		c := &join.Coordinator{Plan: s.plan, Store: s.store, CA: ca, Now: time.Now, Log: log}
		if s.first == nil {
			s.first = c
		}
		s.urls = append(s.urls, s.serve(c, log))
	}
	return s
}

func (s *site) serve(c *join.Coordinator, log *slog.Logger) string {
	s.t.Helper()
	config, err := c.CA.ServerTLS([]string{"127.0.0.1"})
	if err != nil {
		s.t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	server := joinhttp.Server(joinhttp.Hosts(c, log), log)
	server.TLSConfig = config
	go func() { _ = server.ServeTLS(l, "", "") }()
	s.t.Cleanup(func() { _ = server.Close() })
	return "https://" + l.Addr().String()
}

// stormPlan is a plan of n hosts in racks of fifty.
func stormPlan(t testing.TB, n int) plan.Plan {
	t.Helper()
	p, report := plan.Parse(plantest.Large(n, max(1, n/50)))
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	for i := range p.Spec.Nodes {
		p.Spec.Nodes[i].MACs, p.Spec.Nodes[i].Role = []plan.MAC{stormMAC(i)}, plan.Worker
	}
	return p
}

func (s *site) storm(own bool) storm {
	s.t.Helper()
	hosts := len(s.plan.Spec.Nodes)
	token, err := s.first.CreateToken(s.t.Context(), joinapi.TokenRequest{Uses: hosts, TTL: time.Hour})
	if err != nil {
		s.t.Fatal(err)
	}
	return storm{Hosts: hosts, URLs: s.urls, CA: s.first.CA.PEM(), Token: token.Token, OwnAddr: own}
}

// settled checks that every host became a node, no two the same, and that the
// store is whole.
func (s *site) settled(got struck) {
	s.t.Helper()
	for _, why := range got.Failed[:min(len(got.Failed), 5)] {
		s.t.Errorf("one of %d that failed: %s", len(got.Failed), why)
	}
	slices.Sort(got.Nodes)
	if n := len(slices.Compact(got.Nodes)); n != len(s.plan.Spec.Nodes) {
		s.t.Errorf("%d hosts became %d nodes", len(s.plan.Spec.Nodes), n)
	}
	violations, err := join.Violations(s.t.Context(), s.store)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, v := range violations {
		s.t.Error(v)
	}
	if log := s.log.String(); strings.Contains(log, "internal error") {
		s.t.Errorf("joinsvc had internal errors:\n%s", log[:min(len(log), 2000)])
	}
}

// Sixty hosts share one token over two replicas that know nothing of each
// other's: all are admitted, none twice, and there is no use left.
func TestReplicasShareAToken(t *testing.T) {
	s := newSite(t, 60, 2)
	storm := s.storm(true)
	s.settled(storm.strike(t.Context()))
	late := storm.host(0) // with a key of its own
	for _, url := range s.urls {
		late.url = url + joinapi.PathEnrol
		if node, err := late.enrol(t.Context()); err == nil || !strings.Contains(err.Error(), "used up (60 of 60)") {
			t.Errorf("one more use made %q, %v", node, err)
		}
	}
}

func BenchmarkStorm(b *testing.B) {
	for _, own := range []bool{true, false} {
		for _, hosts := range []int{100, 300, 1000, 5000} {
			b.Run(fmt.Sprintf("hosts=%d/addresses=%s", hosts, map[bool]string{true: "own", false: "one"}[own]), func(b *testing.B) {
				for b.Loop() {
					b.StopTimer()
					benchStorm(b, hosts, own)
					b.StartTimer()
				}
			})
		}
	}
}

func benchStorm(b *testing.B, hosts int, own bool) {
	b.Helper()
	s := newSite(b, hosts, 1)
	puts := s.durablePuts()
	storm := s.storm(own)
	before := s.commits.Load()
	peak := memoryPeak(b)
	cpu, hostsCPU := processorTime(b, syscall.RUSAGE_SELF), processorTime(b, syscall.RUSAGE_CHILDREN)
	got := apart(b, storm)
	cpu = (processorTime(b, syscall.RUSAGE_SELF) - cpu) / time.Duration(hosts)
	hostsCPU = (processorTime(b, syscall.RUSAGE_CHILDREN) - hostsCPU) / time.Duration(hosts)
	memory := peak()
	s.settled(got)
	seconds := got.Took.Seconds()
	rate := float64(hosts) / seconds
	transactions := float64(s.commits.Load()-before) / float64(hosts)
	b.ReportMetric(rate, "hosts/s")
	b.ReportMetric(seconds, "s")
	b.ReportMetric(float64(len(got.Failed)), "failed")
	b.ReportMetric(memory, "peak-MiB")
	b.ReportMetric(transactions, "commits/host")
	b.ReportMetric(puts/rate, "puts/host")
	b.ReportMetric(puts, "puts/s")
	b.ReportMetric(float64(cpu.Microseconds())/1000, "cpu-ms/host")
	b.ReportMetric(float64(hostsCPU.Microseconds())/1000, "host-cpu-ms/host")
	b.ReportMetric(float64(got.P99.Milliseconds()), "p99-ms")
	if *figures == "" {
		return
	}
	f, err := os.OpenFile(*figures, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	load, _ := os.ReadFile("/proc/loadavg")
	fmt.Fprintf(f, "| %d, %s | %.1f | %.0f | %.1f | %d | %.0f | %.2f | %.0f | %.1f | %.1f; %.1f | %s |\n", hosts,
		map[bool]string{true: "own", false: "one"}[own], seconds, rate, got.P99.Seconds(), len(got.Failed), memory, transactions, puts, puts/rate,
		float64(cpu.Microseconds())/1000, float64(hostsCPU.Microseconds())/1000, strings.Fields(string(load))[0])
}

// durablePuts is how many values etcd writes in a second, one after another.
func (s *site) durablePuts() float64 {
	s.t.Helper()
	value := strings.Repeat("x", 300)
	began, n := time.Now(), 0
	for ; time.Since(began) < time.Second; n++ {
		if _, err := s.client.Put(s.t.Context(), "/measure/"+strconv.Itoa(n), value); err != nil {
			s.t.Fatal(err)
		}
	}
	return float64(n) / time.Since(began).Seconds()
}

// processorTime is what this process has used, or those of its children that
// have ended (getrusage(2)): it says what a storm costs, whatever else the
// machine does.
func processorTime(b *testing.B, who int) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// memoryPeak begins to measure the largest resident set of this process, in
// MiB (proc(5), clear_refs and VmHWM).
func memoryPeak(b *testing.B) func() float64 {
	b.Helper()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		b.Fatal(err)
	}
	return func() float64 {
		status, err := os.ReadFile("/proc/self/status")
		if err != nil {
			b.Fatal(err)
		}
		_, after, _ := strings.Cut(string(status), "VmHWM:")
		kb, err := strconv.Atoi(strings.Fields(after)[0])
		if err != nil {
			b.Fatal(err)
		}
		return float64(kb) / 1024
	}
}

// apart lets the hosts be a process of their own.
func apart(b *testing.B, s storm) struck {
	b.Helper()
	in, err := json.Marshal(s)
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(b.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), hostsOnly+"=1")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		b.Fatal(err)
	}
	var got struck
	if err := json.Unmarshal(out, &got); err != nil {
		b.Fatal(err)
	}
	return got
}
