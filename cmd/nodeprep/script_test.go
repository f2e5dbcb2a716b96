// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/nodeprep/nodeprep/pkg/bootstrap/machinetest"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan/plantest"
)

// scene is what one script plays in: a host, and the joinsvc of it.
type scene struct {
	host    *machinetest.Host
	joinsvc *machinetest.Joinsvc
	before  string // the host, as it was when a script said "snapshot"
}

type sceneKey struct{}

// TestScripts runs testdata/script: the command line against a host that is
// faked at its edges and a joinsvc on TLS. Beside testscript's own commands:
//
//	nodeprep ARG...        the program, with this host's configuration
//	status N ARG...        the same, which has to end with exit status N
//	refuse STEP            what begins so fails; without STEP nothing does
//	joinsvc refuse CALL CODE, joinsvc phase PHASE
//	reports [TEXT]         what joinsvc was told holds TEXT; without, nothing was told
//	snapshot, unchanged    the host is as it was
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			s := newScene(t)
			url, token := s.joinsvc.Start(t)
			env.Values[sceneKey{}] = s
			config := fmt.Sprintf("joinsvc: %s\ntoken: %s\nstateDir: %s\n", url, token, filepath.Join(env.WorkDir, "state"))
			env.Setenv("URL", url)
			env.Setenv("TOKEN", token)
			if err := os.WriteFile(filepath.Join(env.WorkDir, "nodeprep.yaml"), []byte(config), 0o600); err != nil {
				return err
			}
			return expand(env)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"nodeprep": nodeprep, "status": exitStatus, "refuse": refuse, "joinsvc": joinsvc,
			"reports": reports, "snapshot": snapshot, "unchanged": unchanged,
		},
	})
}

// expand puts the scene's variables into the script's configuration files, and
// the example's plan beside them.
func expand(env *testscript.Env) error {
	files, err := filepath.Glob(filepath.Join(env.WorkDir, "*.yaml"))
	if err != nil {
		return err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(os.Expand(string(text), env.Getenv)), 0o600); err != nil {
			return err
		}
	}
	text, err := os.ReadFile("../../docs/examples/k8c1.yaml")
	if err != nil {
		return err
	}
	text = bytes.ReplaceAll(text, []byte("folder: /srv/packages"), []byte("folder: /srv/nodeprep/packages"))
	return os.WriteFile(filepath.Join(env.WorkDir, "k8c1.yaml"), text, 0o600)
}

func newScene(t *testing.T) *scene {
	h, err := plantest.Load(t, "../../docs/examples/k8c1.yaml").HostPlan("k8c1s1")
	if err != nil {
		t.Fatal(err)
	}
	h.Packages.Folder = "/srv/nodeprep/packages"
	host := machinetest.New(t)
	return &scene{host: host, joinsvc: machinetest.NewJoinsvc(t, h, host.API.CA())}
}

func here(ts *testscript.TestScript) *scene {
	s, _ := ts.Value(sceneKey{}).(*scene)
	return s
}

// call runs the program and returns its exit status.
func call(ts *testscript.TestScript, args []string) int {
	s := here(ts)
	e := edges{root: s.host.Root, kernel: s.host.Kernel, machine: s.host.Machine}
	if at := slices.Index(args, "--config"); at < 0 {
		args = append(args, "--config", ts.MkAbs("nodeprep.yaml"))
	} else {
		args[at+1] = ts.MkAbs(args[at+1])
	}
	return e.run(context.Background(), args, ts.Stdout(), ts.Stderr())
}

// The closing line counts all changes, the enrolment among them.
func TestClosingLineCountsEveryChange(t *testing.T) {
	s := newScene(t)
	url, token := s.joinsvc.Start(t)
	t.Setenv("NODEPREP_TOKEN", token)
	e := edges{root: s.host.Root, kernel: s.host.Kernel, machine: s.host.Machine}
	var out, problems bytes.Buffer
	if code := e.run(t.Context(), []string{"run", "--json", "--joinsvc", url, "--stateDir", t.TempDir(), "--config", "/none"}, &out, &problems); code != 0 {
		t.Fatal(problems.String())
	}
	made := strings.Count(out.String(), `"kind":"applied"`)
	if want := fmt.Sprintf(`"kind":"done","message":"%d change(s) made"`, made); made < 20 || !strings.Contains(out.String(), want) || !strings.Contains(out.String(), `"phase":"enrol","kind":"applied"`) {
		t.Errorf("%d changes were made; want %s in\n%s", made, want, out.String())
	}
}

// A host that has enrolled and comes back before joinsvc does says that it waits,
// in its log and to those who ask for its status.
func TestABootBeforeJoinsvcsIsNotSilent(t *testing.T) {
	s, dir := newScene(t), t.TempDir()
	url, token := s.joinsvc.Start(t)
	t.Setenv("NODEPREP_TOKEN", token)
	e := edges{root: s.host.Root, kernel: s.host.Kernel, machine: s.host.Machine}
	call := func(ctx context.Context, command string) string {
		var out bytes.Buffer
		e.run(ctx, []string{command, "--joinsvc", url, "--stateDir", dir, "--config", "/none"}, &out, &out)
		return out.String()
	}
	s.joinsvc.Refuse("node", joinapi.Errorf(joinapi.CodeUnavailable, "etcd elects"))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ended := make(chan string)
	go func() { ended <- call(ctx, "run") }()
	said := ""
	for ctx.Err() == nil && !strings.Contains(said, "waiting: ") {
		said = call(t.Context(), "status")
	}
	for _, want := range []string{", in plan\n", "plan: waiting: etcd elects"} {
		if !strings.Contains(said, want) {
			t.Errorf("status says no %q:\n%s", want, said)
		}
	}
	s.joinsvc.Refuse("node", nil)
	if log := <-ended; !strings.Contains(log, "note       waiting: etcd elects") || !strings.Contains(log, "change(s) made") {
		t.Errorf("the run said\n%s", log)
	}
}

// A joinsvc that begins anew, with another CA, gets the host by a token of its own.
func TestAHostMovesToAnotherJoinsvc(t *testing.T) {
	s, dir := newScene(t), t.TempDir()
	e := edges{root: s.host.Root, kernel: s.host.Kernel, machine: s.host.Machine}
	call := func(url, token string) (int, string) {
		t.Setenv("NODEPREP_TOKEN", token)
		var out bytes.Buffer
		code := e.run(t.Context(), []string{"run", "--joinsvc", url, "--stateDir", dir, "--config", "/none"}, &out, &out)
		return code, out.String()
	}
	url, token := s.joinsvc.Start(t)
	if code, said := call(url, token); code != 0 {
		t.Fatal(said)
	}
	another, fresh := s.joinsvc.Start(t)
	if code, said := call(another, token); code != 1 || !strings.Contains(said, "is not the joinsvc of this enrolment token") {
		t.Errorf("with the old token, %d: %s", code, said)
	}
	if code, said := call(another, ""); code != 1 || !strings.Contains(said, "; to enrol this host anew: no token is set; make one with `joinsvc token create`") {
		t.Errorf("without a token, %d: %s", code, said)
	}
	if code, said := call(url, token); code != 0 || !strings.Contains(said, "no change: this host is as planned") {
		t.Errorf("with the first joinsvc again, %d: %s", code, said)
	}
	if code, said := call(another, fresh); code != 0 || !strings.Contains(said, "1 change(s) made") {
		t.Errorf("with its token, %d: %s", code, said)
	}
}

func nodeprep(ts *testscript.TestScript, neg bool, args []string) {
	if code := call(ts, args); (code != 0) != neg {
		ts.Fatalf("nodeprep %s: exit status %d", strings.Join(args, " "), code)
	}
}

func exitStatus(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if code := call(ts, args[1:]); code != want {
		ts.Fatalf("exit status %d, want %d", code, want)
	}
}

func refuse(ts *testscript.TestScript, _ bool, args []string) {
	here(ts).host.Refuse(strings.Join(args, " "))
}

func joinsvc(ts *testscript.TestScript, _ bool, args []string) {
	switch args[0] {
	case "refuse":
		here(ts).joinsvc.Refuse(args[1], joinapi.Errorf(joinapi.Code(args[2]), "said so"))
	case "allow":
		here(ts).joinsvc.Refuse(args[1], nil)
	default:
		ts.Fatalf("joinsvc %s: want refuse or allow", args[0])
	}
}

func reports(ts *testscript.TestScript, neg bool, args []string) {
	told := here(ts).joinsvc.Reports()
	if len(args) == 0 {
		if len(told) > 0 {
			ts.Fatalf("joinsvc was told %q", told)
		}
		return
	}
	if want := strings.Join(args, " "); slices.ContainsFunc(told, func(r string) bool { return strings.Contains(r, want) }) == neg {
		ts.Fatalf("joinsvc was told %q; %q is among it: %v", told, want, neg)
	}
}

func snapshot(ts *testscript.TestScript, _ bool, _ []string) {
	here(ts).before = look(ts)
}

func unchanged(ts *testscript.TestScript, neg bool, _ []string) {
	if (look(ts) == here(ts).before) == neg {
		ts.Check(errors.New("the host is as it was: " + strconv.FormatBool(neg)))
	}
}

func look(ts *testscript.TestScript) string {
	text, err := here(ts).host.Look()
	ts.Check(err)
	return text
}
