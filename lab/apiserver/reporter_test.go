// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/nodeprep/nodeprep/lab/nettest"
)

// testReporter has the real calico-node answer, which has no BIRD here and says
// so. It is stopped while one question goes and the next comes, as a busy machine
// stops it; on one processor it then sees both as one change.
func (f *fixture) testReporter(t *testing.T) {
	name := "k8c1m0" + domain
	calicoNode := exec.Command(f.binaries["calico-node"], "-status-reporter")
	calicoNode.Env = append(os.Environ(), "NODENAME="+name, "DATASTORE_TYPE=kubernetes", "KUBECONFIG="+f.Path("admin.conf"), "GOMAXPROCS=1")
	nettest.Start(t, "calico-node", t.TempDir(), calicoNode)
	f.reconcile(t, f.plan)
	first := f.answered(t, name, "")
	signal(t, calicoNode, syscall.SIGSTOP)
	var second string
	eventually(t, "another question", func() error {
		if second, _ = f.question(t, name); second == "" || second == first {
			return errors.New("there is none")
		}
		return nil
	})
	signal(t, calicoNode, syscall.SIGCONT)
	if got := f.answered(t, name, first); got != second {
		t.Errorf("the question %s was never answered, and %s was", second, got)
	}
}

// answered waits for an answer to a question that is not this one, and returns
// the question's UID.
func (f *fixture) answered(t *testing.T, node, but string) string {
	t.Helper()
	var question string
	eventually(t, "an answer of calico-node", func() error {
		uid, at := f.question(t, node)
		if uid == but || at == "" {
			return fmt.Errorf("the question %q has none", uid)
		}
		question = uid
		return nil
	})
	return question
}

// question is the one that a node has now, and when it was answered, if it was.
func (f *fixture) question(t *testing.T, node string) (uid, answered string) {
	t.Helper()
	text := f.kubectl(t, "", "get", statuses, "joinsvc-"+node, "--ignore-not-found", "-o", "jsonpath={.metadata.uid} {.status.lastUpdated}")
	uid, answered, _ = strings.Cut(text, " ")
	return uid, answered
}

func signal(t *testing.T, cmd *exec.Cmd, s syscall.Signal) {
	t.Helper()
	if err := cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}
