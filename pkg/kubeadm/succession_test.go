// SPDX-License-Identifier: Apache-2.0

package kubeadm

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/atomicfile"
	"github.com/nodeprep/nodeprep/pkg/kubeadm/apply/applytest"
)

const managerLease = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-controller-manager"

// election is a lease as an API server has it.
type election struct {
	holder   string // "" is an API server without such a lease
	acquired time.Time
	refuses  int // status of each change, 0 for none
	changed  string
}

func (e *election) serve(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case r.URL.Path != managerLease:
		return false
	case e.holder == "":
		applytest.Answer(w, http.StatusNotFound, "no such lease")
	case r.Method == http.MethodPut && e.refuses != 0:
		applytest.Answer(w, e.refuses, "the object has been modified")
	case r.Method == http.MethodPut && r.Header.Get("Content-Type") == "application/json":
		body, _ := io.ReadAll(r.Body)
		e.changed = string(body)
		_, _ = w.Write(body)
	default:
		_, _ = fmt.Fprintf(w, `{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"kube-controller-manager","resourceVersion":"7"},
			"spec":{"holderIdentity":%q,"leaseDurationSeconds":80,"acquireTime":%q,"renewTime":%[2]q,"leaseTransitions":3}}`,
			e.holder, e.acquired.UTC().Format("2006-01-02T15:04:05.000000Z07:00"))
	}
	return true
}

// A lease is given back when it was taken here by an instance that has ended, and
// by no other's hand.
func TestSucceed(t *testing.T) {
	boot := time.Date(2026, 11, 30, 18, 0, 0, 0, time.UTC)
	started := boot.Add(100 * time.Second) // 10000 ticks
	for name, tc := range map[string]struct {
		runs     string // argv[0] of process 42
		election election
		freed    bool
		fails    bool
	}{
		"one before":         {"kube-controller-manager", election{holder: "m0_a", acquired: started.Add(-time.Minute)}, true, false},
		"the one that runs":  {"/usr/local/bin/kube-controller-manager", election{holder: "m0_a", acquired: started.Add(5 * time.Second)}, false, false},
		"too near to tell":   {"kube-controller-manager", election{holder: "m0_a", acquired: started.Add(-time.Second)}, false, false},
		"none runs":          {"kube-controllers", election{holder: "m0_a", acquired: time.Now().Add(-time.Minute)}, true, false},
		"another host's":     {"kube-controller-manager", election{holder: "m01_a", acquired: started.Add(-time.Minute)}, false, false},
		"no lease":           {"kube-controller-manager", election{}, false, false},
		"somebody was first": {"kube-controller-manager", election{holder: "m0_a", acquired: started.Add(-time.Minute), refuses: http.StatusConflict}, false, false},
		"no right":           {"kube-controller-manager", election{holder: "m0_a", acquired: started.Add(-time.Minute), refuses: http.StatusForbidden}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			h, s := newHost(t, nil), applytest.New(t)
			s.Fail = tc.election.serve
			h.putCluster(t, s)
			for file, text := range map[string]string{
				"/proc/stat":       fmt.Sprintf("cpu  1 2 3\nbtime %d\n", boot.Unix()),
				"/proc/42/cmdline": tc.runs + "\x00--leader-elect=true\x00",
				"/proc/42/stat":    "42 (kube (control) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 10000 20\n",
				"/proc/7/cmdline":  "",
			} {
				if err := atomicfile.Write(h.node.Root.Path(file), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if err := h.node.Succeed(t.Context(), "m0"); (err != nil) != tc.fails {
				t.Fatal(err)
			}
			if !tc.freed {
				if tc.election.changed != "" {
					t.Errorf("changed: %s", tc.election.changed)
				}
				return
			}
			checkFree(t, tc.election.changed)
		})
	}
}

// checkFree wants what client-go writes when it gives a lease back.
func checkFree(t *testing.T, lease string) {
	t.Helper()
	var got struct {
		Metadata struct{ ResourceVersion string }
		Spec     struct {
			HolderIdentity       *string
			LeaseDurationSeconds int
			AcquireTime          time.Time
			RenewTime            time.Time
			LeaseTransitions     int
		}
	}
	if err := json.Unmarshal([]byte(lease), &got); err != nil {
		t.Fatalf("%q: %v", lease, err)
	}
	if got.Metadata.ResourceVersion != "7" || got.Spec.HolderIdentity == nil || *got.Spec.HolderIdentity != "" || got.Spec.LeaseDurationSeconds != 1 ||
		got.Spec.LeaseTransitions != 3 || time.Since(got.Spec.RenewTime) > time.Minute || !got.Spec.AcquireTime.Equal(got.Spec.RenewTime) {
		t.Errorf("written: %s", lease)
	}
}
