// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// scene is one script's joinsvc and the hosts that enrolled with it.
type scene struct {
	log   syncBuffer
	stop  func() int
	url   string
	hosts map[string]*joinapi.Client
}

type sceneKey struct{}

// TestScripts runs testdata/script: the command line, with a real serve on
// loopback. Beside testscript's own commands:
//
//	joinsvc ARG...               the program; the command line as it is typed
//	status N ARG...              the same, which has to end with exit status N
//	serve, stop                  joinsvc serve in the background, until it is told to stop
//	log TEXT                     what it has logged since holds TEXT
//	enrol NODE MAC TOKEN_FILE    a host enrols
//	report NODE PHASE OUTCOME MESSAGE   and tells of its run; MESSAGE in Go's quotes
//	order NODE ACTION            and is told what kubeadm has to do
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Values[sceneKey{}] = &scene{hosts: map[string]*joinapi.Client{}}
			return layOut(env)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"joinsvc": inProcess, "status": exitStatus, "serve": serveInBackground, "stop": stopServing, "log": logHolds,
			"enrol": enrolHost, "report": reportOfHost, "order": orderOfHost,
		},
	})
}

// layOut puts the shipped plan and a configuration into the script's folder.
func layOut(env *testscript.Env) error {
	manifest, err := filepath.Abs("../../pkg/calico/testdata/calico.yaml")
	if err != nil {
		return err
	}
	text, err := os.ReadFile("../../docs/examples/k8c1.yaml")
	if err != nil {
		return err
	}
	plan := strings.Replace(string(text), "/etc/joinsvc/calico.yaml", manifest, 1)
	if err := os.WriteFile(filepath.Join(env.WorkDir, "plan.yaml"), []byte(plan), 0o600); err != nil {
		return err
	}
	conf := fmt.Sprintf("plan: %[1]s/plan.yaml\nlisten: 127.0.0.1:0\ndataDir: %[1]s/data\nadminSocket: %[1]s/run/admin.sock\n", env.WorkDir)
	return os.WriteFile(filepath.Join(env.WorkDir, "joinsvc.yaml"), []byte(conf), 0o600)
}

func sceneOf(ts *testscript.TestScript) *scene { return ts.Value(sceneKey{}).(*scene) }

func call(ts *testscript.TestScript, args []string) int {
	return run(context.Background(), append(args, "--config", ts.MkAbs("joinsvc.yaml")), ts.Stdout(), ts.Stderr())
}

func inProcess(ts *testscript.TestScript, neg bool, args []string) {
	if code := call(ts, args); (code != 0) != neg {
		ts.Fatalf("joinsvc %s: exit status %d", strings.Join(args, " "), code)
	}
}

func exitStatus(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if code := call(ts, args[1:]); code != want {
		ts.Fatalf("joinsvc %s: exit status %d, want %d", strings.Join(args[1:], " "), code, want)
	}
}

func serveInBackground(ts *testscript.TestScript, _ bool, _ []string) {
	s := sceneOf(ts)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	var out syncBuffer
	s.log = syncBuffer{}
	args := []string{"serve", "--config", ts.MkAbs("joinsvc.yaml")}
	go func() { ended <- run(ctx, args, &out, &s.log) }()
	at, err := answers(&s.log, ended)
	if err != nil {
		cancel()
		ts.Fatalf("%v", err)
	}
	s.url = "https://" + at
	s.stop = func() int {
		cancel()
		code := <-ended
		ended <- code
		return code
	}
	ts.Defer(func() { s.stop() })
}

func stopServing(ts *testscript.TestScript, _ bool, _ []string) {
	if code := sceneOf(ts).stop(); code != 0 {
		ts.Fatalf("joinsvc serve ended with %d:\n%s", code, sceneOf(ts).log.String())
	}
}

func logHolds(ts *testscript.TestScript, neg bool, args []string) {
	if text := sceneOf(ts).log.String(); strings.Contains(text, args[0]) == neg {
		ts.Fatalf("%q in the log: want %v\n%s", args[0], !neg, text)
	}
}

func enrolHost(ts *testscript.TestScript, neg bool, args []string) {
	s := sceneOf(ts)
	key, keyPEM := keyOf(ts)
	id := joinapi.Identity{Hostname: args[0], MACs: []joinapi.MAC{joinapi.MAC(args[1])}}
	resp, err := joinapi.Enrol(context.Background(), s.url, strings.TrimSpace(ts.ReadFile(args[2])), key, id)
	if neg {
		fmt.Fprintln(ts.Stderr(), err)
	}
	if (err != nil) != neg {
		ts.Fatalf("enrolling %s: %v", args[0], err)
	}
	if err != nil {
		return
	}
	s.hosts[args[0]], err = joinapi.NewClient(s.url, []byte(resp.CA), []byte(resp.Certificate), keyPEM, id)
	ts.Check(err)
}

func reportOfHost(ts *testscript.TestScript, _ bool, args []string) {
	message, err := strconv.Unquote(args[3])
	ts.Check(err)
	ts.Check(sceneOf(ts).hosts[args[0]].Report(context.Background(), joinapi.Report{
		Phase: args[1], Outcome: joinapi.Outcome(args[2]), Message: message, Time: time.Now(),
	}))
}

func orderOfHost(ts *testscript.TestScript, neg bool, args []string) {
	order, err := sceneOf(ts).hosts[args[0]].Kubeadm(context.Background())
	if neg {
		fmt.Fprintln(ts.Stderr(), err)
	}
	if (err != nil) != neg || !neg && string(order.Action) != args[1] {
		ts.Fatalf("%s was told %q, %v", args[0], order.Action, err)
	}
}

func keyOf(ts *testscript.TestScript) (*ecdsa.PrivateKey, []byte) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	return key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}
