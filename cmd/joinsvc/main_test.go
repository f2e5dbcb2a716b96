// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// installation is a configuration and a data folder of its own.
type installation struct {
	t         *testing.T
	dir, conf string
}

func install(t *testing.T, edit func(plan string) string) installation {
	t.Helper()
	dir := t.TempDir()
	manifest, err := filepath.Abs("../../pkg/calico/testdata/calico.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../docs/examples/k8c1.yaml")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "plan.yaml"), edit(strings.Replace(string(text), "/etc/joinsvc/calico.yaml", manifest, 1)))
	conf := filepath.Join(dir, "joinsvc.yaml")
	write(t, conf, "plan: "+dir+"/plan.yaml\nlisten: 127.0.0.1:0\ndataDir: "+dir+"/data\nadminSocket: "+dir+"/run/admin.sock\n")
	return installation{t: t, dir: dir, conf: conf}
}

func asShipped(text string) string { return text }

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// cli runs one command to its end.
func (i installation) cli(args ...string) (code int, stdout, stderr string) {
	i.t.Helper()
	var out, errs syncBuffer
	code = run(i.t.Context(), append(args, "--config", i.conf), &out, &errs)
	return code, out.String(), errs.String()
}

func (i installation) ok(args ...string) string {
	i.t.Helper()
	code, out, errs := i.cli(args...)
	if code != 0 {
		i.t.Fatalf("joinsvc %s: exit %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

// serve runs joinsvc serve until the returned function is called, and returns
// the URL at which it answers.
func (i installation) serve() (url string, stop func()) {
	i.t.Helper()
	ctx, cancel := context.WithCancel(i.t.Context())
	var out, log syncBuffer
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, []string{"serve", "--config", i.conf}, &out, &log) }()
	stop = func() {
		i.t.Helper()
		cancel()
		if code := <-ended; code != 0 {
			i.t.Errorf("serve ended with %d\n%s", code, log.String())
		}
	}
	at, err := answers(&log, ended)
	if err != nil {
		cancel()
		i.t.Fatal(err)
	}
	return "https://" + at, stop
}

// silence is after what time without a line of its log a serve is given up, and one
// that is to end by itself. A machine that does much else takes its time.
const silence = 3 * time.Minute

// answers returns where a serve listens, once it answers.
func answers(log *syncBuffer, ended <-chan int) (at string, err error) {
	listen := regexp.MustCompile(`listen=(\S+)`)
	said, since := 0, time.Now()
	for {
		text := log.String()
		if m := listen.FindStringSubmatch(text); m != nil {
			return m[1], nil
		}
		if len(text) > said {
			said, since = len(text), time.Now()
		}
		if time.Since(since) > silence {
			return "", fmt.Errorf("serve does not answer, and has said nothing for %v\n%s", silence, text)
		}
		select {
		case code := <-ended:
			return "", fmt.Errorf("serve ended with %d\n%s", code, log.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func TestServeEnrolStatusRestart(t *testing.T) {
	i := install(t, asShipped)
	url, stop := i.serve()
	token := strings.TrimSpace(i.ok("token", "create", "--uses", "2", "--ttl", "1h"))
	var asJSON joinapi.Token
	if err := json.Unmarshal([]byte(i.ok("token", "create", "-o", "json")), &asJSON); err != nil || asJSON.Expires.IsZero() {
		t.Errorf("%+v, %v", asJSON, err)
	}
	key, _ := newKey(t)
	id := joinapi.Identity{Hostname: "localhost", MACs: []joinapi.MAC{"00:00:5e:00:53:12"}}
	if _, err := joinapi.Enrol(t.Context(), url, token, key, id); err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`k8c1s1\.labs\.haystacknetworks\.com +worker +192\.168\.9\.194/28 +63552 +enrolled`)
	if out := i.ok("status"); !want.MatchString(out) || !strings.Contains(out, "not enrolled") {
		t.Errorf("status says\n%s", out)
	}
	self := fmt.Sprintf("another joinsvc, process %d, runs on the data folder %s/data", os.Getpid(), i.dir)
	if code, _, errs := i.cli("serve"); code != 1 || !strings.Contains(errs, self) {
		t.Errorf("a second serve: exit %d, %s", code, errs)
	}
	t.Setenv("JOINSVC_LISTEN", strings.TrimPrefix(url, "https://"))
	if code, _, errs := i.cli("serve"); code != 1 || !strings.Contains(errs, "listening for hosts") || !strings.Contains(errs, self) {
		t.Errorf("a second serve at the same address: exit %d, %s", code, errs)
	}
	t.Setenv("JOINSVC_LISTEN", "127.0.0.1:0")
	t.Setenv("JOINSVC_ADMINSOCKET", i.dir+"/run/other.sock")
	if code, _, errs := i.cli("serve"); code != 1 || !strings.Contains(errs, "locking the data folder") || !strings.Contains(errs, self) {
		t.Errorf("a second serve at other addresses: exit %d, %s", code, errs)
	}
	t.Setenv("JOINSVC_ADMINSOCKET", i.dir+"/run/admin.sock")
	stop()

	// Same CA, same record: the same key with the same token is the same node.
	url, stop = i.serve()
	defer stop()
	again, err := joinapi.Enrol(t.Context(), url, token, key, id)
	if err != nil || again.Node != "k8c1s1.labs.haystacknetworks.com" {
		t.Errorf("after a restart: %+v, %v", again, err)
	}
}

// What joinsvc keeps is for nobody else.
func TestModes(t *testing.T) {
	i := install(t, asShipped)
	_, stop := i.serve()
	defer stop()
	for path, want := range map[string]os.FileMode{
		"data": 0o700, "data/ca.pem": 0o600, "data/cluster.key": 0o600, "data/etcd": 0o700, "run/admin.sock": 0o600,
	} {
		info, err := os.Stat(filepath.Join(i.dir, path))
		if err != nil {
			t.Error(err)
		} else if info.Mode().Perm() != want {
			t.Errorf("%s has mode %o, want %o", path, info.Mode().Perm(), want)
		}
	}
}

func TestServeOrdersInitWithCalico(t *testing.T) {
	i := install(t, asShipped)
	url, stop := i.serve()
	defer stop()
	key, keyPEM := newKey(t)
	resp, err := joinapi.Enrol(t.Context(), url, strings.TrimSpace(i.ok("token", "create", "--node", "k8c1m0")), key,
		joinapi.Identity{MACs: []joinapi.MAC{"00:00:5e:00:53:01"}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := joinapi.NewClient(url, []byte(resp.CA), []byte(resp.Certificate), keyPEM, joinapi.Identity{MACs: []joinapi.MAC{"00:00:5e:00:53:01"}})
	if err != nil {
		t.Fatal(err)
	}
	order, err := c.Kubeadm(t.Context())
	if err != nil || order.Action != joinapi.ActionInit || order.Access == nil {
		t.Fatalf("%+v, %v", order, err)
	}
	for text, parts := range map[string][]string{
		order.Config:      {"kind: InitConfiguration", "kind: ClusterConfiguration", "192.168.9.193"},
		order.Access.RBAC: {"kind: ClusterRoleBinding", "nodeprep:joinsvc"},
		order.Access.CSR:  {"BEGIN CERTIFICATE REQUEST"},
		order.AddOns:      {"kind: DaemonSet", "cidr=192.168.9.192/28"},
	} {
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("no %q in\n%s", part, text)
			}
		}
	}
}

func TestInvalidInputTouchesNothing(t *testing.T) {
	tests := []struct {
		name string
		edit func(string) string
		says []string
	}{
		{"plan", func(s string) string {
			s = strings.Replace(s, "address: 192.168.9.194/28", "address: 192.168.9.211/28", 1)
			s = strings.Replace(s, "name: k8c1s2", "name: k8c1s1", 1)
			return strings.Replace(s, "vlan: 1500", "vlan: 1500\n    colour: red", 1)
		}, []string{"spec.nodes[1].address: 192.168.9.211", "spec.nodes[2].name", "spec.nodeNetwork.colour"}},
		{"manifest", func(s string) string {
			return regexp.MustCompile(`manifest: .*`).ReplaceAllString(s, "manifest: /nonexistent")
		}, []string{"spec.calico.manifest", "/nonexistent"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			i := install(t, tt.edit)
			code, _, errs := i.cli("serve")
			for _, part := range tt.says {
				if code != 1 || !strings.Contains(errs, part) {
					t.Errorf("exit %d, no %q in\n%s", code, part, errs)
				}
			}
			if _, err := os.Stat(filepath.Join(i.dir, "data")); !os.IsNotExist(err) {
				t.Error("the data folder was made:", err)
			}
		})
	}
}

func TestConfiguration(t *testing.T) {
	tests := []struct {
		name, text string
		says       []string
	}{
		{"unknown key", "colour: red\n", []string{"colour"}},
		{"wrong kind", "names: {a: b}\n", []string{"names"}},
		{"every problem", "plan: plan.yaml\nlisten: nowhere\ndataDir: data\n", []string{"plan:", "listen:", "dataDir:", "3 error(s)"}},
		{"unknown key", "plann: /plan.yaml\n", []string{"plann", "known settings: plan, listen, names, dataDir, adminSocket"}},
		{"no YAML", "plan: [\n", []string{"reading the configuration /", "joinsvc.yaml"}},
		{"no plan", "plan: /nonexistent/plan.yaml\n", []string{"/nonexistent/plan.yaml: no such file", "make one with `joinsvc plan init -o /nonexistent/plan.yaml`"}},
		{"name with a port", "names: ['joinsvc:8443']\n", []string{"names[0]"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			i := installation{t: t, conf: filepath.Join(t.TempDir(), "joinsvc.yaml")}
			write(t, i.conf, tt.text)
			code, _, errs := i.cli("serve")
			for _, part := range tt.says {
				if code != 1 || !strings.Contains(errs, part) {
					t.Errorf("exit %d, no %q in %s", code, part, errs)
				}
			}
		})
	}
}

// The file that the package ships says the defaults, all commented out.
func TestShippedConfiguration(t *testing.T) {
	c, err := loadConfig("../../packaging/rpm/joinsvc/joinsvc.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := config{Plan: "/etc/joinsvc/plan.yaml", Listen: ":8443", Names: []string{}, DataDir: "/var/lib/joinsvc", AdminSocket: "/run/joinsvc/admin.sock"}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
	names, err := c.serverNames()
	if err != nil || !slices.Contains(names, "127.0.0.1") {
		t.Errorf("on all addresses it is called %v, %v", names, err)
	}
	t.Setenv("JOINSVC_LISTEN", "10.9.0.2:8443")
	if c, err = loadConfig("../../packaging/rpm/joinsvc/joinsvc.yaml"); err != nil || c.Listen != "10.9.0.2:8443" {
		t.Errorf("by the environment it listens on %s, %v", c.Listen, err)
	}
}

// A plan may be right and joinsvc's machine without what it needs beside it.
func TestServeWithoutCalicosManifest(t *testing.T) {
	for name, tt := range map[string]struct{ to, says string }{
		"not named": {"", "plan.yaml: spec.calico.manifest: is missing"},
		"not there": {"manifest: /nonexistent/calico.yaml", "open /nonexistent/calico.yaml: no such file or directory; put Calico's own manifest"},
	} {
		t.Run(name, func(t *testing.T) {
			i := install(t, func(text string) string {
				return regexp.MustCompile(`manifest: .*`).ReplaceAllString(text, tt.to)
			})
			if code, _, errs := i.cli("serve"); code != 1 || !strings.Contains(errs, tt.says) {
				t.Errorf("exit %d, %s", code, errs)
			}
		})
	}
}

func TestPlanCheck(t *testing.T) {
	i := install(t, asShipped)
	code, out, _ := i.cli("plan", "check", i.dir+"/plan.yaml")
	if code != 0 || !strings.Contains(out, "warning: spec.asn") || !strings.Contains(out, "0 error(s), 6 warning(s)") {
		t.Errorf("exit %d\n%s", code, out)
	}
	write(t, i.dir+"/plan.yaml", "kind: ClusterPlan\n")
	code, out, errs := i.cli("plan", "check", "-o", "json", i.dir+"/plan.yaml")
	var got checked
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 1 || got.Valid || len(got.Problems) < 5 || errs != "" {
		t.Errorf("exit %d, %v, %+v, %s", code, err, got, errs)
	}
	if code, _, errs := i.cli("plan", "check", "/nonexistent"); code != 1 || !strings.Contains(errs, "reading the plan") {
		t.Errorf("exit %d, %s", code, errs)
	}
}

func TestNobodyServes(t *testing.T) {
	i := install(t, asShipped)
	if code, _, errs := i.cli("status"); code != 1 || !strings.Contains(errs, "admin.sock") {
		t.Errorf("exit %d, %s", code, errs)
	}
	if out := i.ok("version"); !strings.HasPrefix(out, "joinsvc ") {
		t.Error(out)
	}
}

func TestCallsThatCannotBeMeant(t *testing.T) {
	i := install(t, asShipped)
	for _, args := range [][]string{{"serve", "--colour"}, {"status", "-o", "xml"}, {"token", "create", "--uses", "many"}, {"frob"}, {"plan", "frob"}, {"plan", "check"}, {"version", "x"}} {
		if code, _, errs := i.cli(args...); code != 2 || !strings.Contains(errs, "joinsvc --help") {
			t.Errorf("%q: exit %d, %s", args, code, errs)
		}
	}
}

func TestStatusText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // a clock that stands still
		var out bytes.Buffer
		access := joinapi.AccessStatus{State: joinapi.AccessOK, Server: "https://192.168.9.193:6443", Answered: time.Now().Add(-4 * time.Second), Expires: time.Date(2027, time.July, 1, 8, 0, 0, 0, time.UTC)}
		err := printStatus(&out, joinapi.Status{Access: access, Nodes: []joinapi.NodeStatus{{
			Name: "k8c1m0", Role: joinapi.ControlPlane, Address: "192.168.9.193/28", ASN: 63551, Phase: joinapi.PhaseJoined, Reason: "session to leaf202 is Active",
			Reports:  []joinapi.Report{{Phase: "network", Outcome: joinapi.OutcomeNoted, Message: "bond0 runs on one leg"}},
			Sessions: []joinapi.Session{{Leaf: "leaf201", PeerIP: "192.168.9.204", PeerASN: 63500, State: joinapi.Established, Reason: "it has no block", Observed: time.Now().Add(-31 * time.Minute)}},
		}}, Remarks: []string{"waiting for Calico"}, Queue: &joinapi.QueueStatus{
			Limit: 2, Reason: "the API server answers in 310ms (bound 1s)",
			Joining: []joinapi.Turn{turn("k8c1s1", 80, 20)}, Waiting: []joinapi.Turn{turn("k8c1s2", 70, 5), turn("k8c1s3", 60, 30)},
		}})
		if err != nil {
			t.Fatal(err)
		}
		const want = `NAME     ROLE            ADDRESS            ASN     PHASE    REASON
k8c1m0   control-plane   192.168.9.193/28   63551   joined   session to leaf202 is Active

NODE     LEAF      PEERIP          PEERASN   STATE         SEEN        REASON
k8c1m0   leaf201   192.168.9.204   63500     Established   31m0s ago   it has no block

ACCESS TO THE CLUSTER
ok: https://192.168.9.193:6443; it answered last 4s ago; joinsvc's certificate there is valid until 2027-07-01

CLUSTER
waiting for Calico

QUEUE
2 may join at once: the API server answers in 310ms (bound 1s)
PLACE   NODE     SINCE       HEARD OF
joins   k8c1s1   1m20s ago   20s ago
1       k8c1s2   1m10s ago   5s ago
2       k8c1s3   1m0s ago    30s ago

NOTES
k8c1m0: network: bond0 runs on one leg
`
		if out.String() != want {
			t.Errorf("got\n%s\nwant\n%s", out.String(), want)
		}
	})
}

// turn is a node that joins or waits for so many seconds, and was heard of so
// many ago.
func turn(node string, since, heard int) joinapi.Turn {
	ago := func(s int) time.Time { return time.Now().Add(-time.Duration(s) * time.Second) }
	return joinapi.Turn{Node: node, Since: ago(since), Heard: ago(heard)}
}

// Whatever a host or the cluster says is one line, and steers nothing.
func TestStatusTextOfHostileHosts(t *testing.T) {
	const said = "\x1b[2J\u202e\u009b31m\nk8c1s9   worker"
	var out bytes.Buffer
	err := printStatus(&out, joinapi.Status{
		Nodes: []joinapi.NodeStatus{{
			Name: "k8c1m0", Address: "192.168.9.193/28", Phase: joinapi.NodePhase(said), Reason: said,
			Reports:  []joinapi.Report{{Phase: said, Outcome: joinapi.OutcomeNoted, Message: said}},
			Sessions: []joinapi.Session{{Leaf: said, PeerIP: said, State: joinapi.SessionState(said), Reason: said}},
		}}, Remarks: []string{said}, Access: joinapi.AccessStatus{State: joinapi.AccessUnreachable, Reason: said},
		Queue: &joinapi.QueueStatus{Reason: said, Waiting: []joinapi.Turn{{Node: said}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(out.String(), "\x1b\u202e\u009b") || strings.Contains(out.String(), "\nk8c1s9") {
		t.Errorf("raw in %q", out.String())
	}
	if n := strings.Count(out.String(), `\u001b[2J\u202e\u009b31m\u000ak8c1s9`); n != 12 {
		t.Errorf("it is said %d times, want 12:\n%s", n, out.String())
	}
}

func newKey(t *testing.T) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}
