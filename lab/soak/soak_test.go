// SPDX-License-Identifier: Apache-2.0

package soak

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fake is a run that writes a record, and fails the second time.
const fake = `n=$(cat "$DIR/n" 2>/dev/null || echo 0); n=$((n + 1)); echo $n >"$DIR/n"
echo "run $n prints"
if [ $n = "$FAILS" ]; then
	printf '%s' '{"stages":[{"machine":"a","what":"enrolled","seconds":90}],"failure":"nothing moves any more: x | y\nsecond line"}' >"$RACK_RECORD"
	exit 1
fi
printf '%s' '{"stages":[{"machine":"a","what":"enrolled","seconds":91.4},{"machine":"b","what":"enrolled","seconds":118},{"machine":"a","what":"enrolled","seconds":500},
{"what":"every planned session is Established at both leaves","seconds":611}]}' >"$RACK_RECORD"`

func config(t *testing.T, fails string) (Config, *strings.Builder) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("DIR", dir)
	t.Setenv("FAILS", fails)
	at := time.Unix(0, 0).UTC()
	var out strings.Builder
	return Config{
		Runs: 3, Command: []string{"sh", "-c", fake}, Limit: time.Minute, Dir: filepath.Join(dir, "out"), Out: &out,
		Now: func() time.Time { at = at.Add(61 * time.Second); return at },
	}, &out
}

func TestSoakPasses(t *testing.T) {
	c, out := config(t, "never")
	if err := Soak(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "3 of 3 passed") {
		t.Errorf("got %s", out)
	}
	if log, err := os.ReadFile(filepath.Join(c.Dir, "run2.log")); err != nil || string(log) != "run 2 prints\n" {
		t.Errorf("the second run's log: %q, %v", log, err)
	}
}

// One failure of three makes the others no less, and the whole a failure.
func TestSoakGoesOnAfterAFailure(t *testing.T) {
	c, out := config(t, "2")
	if err := Soak(t.Context(), c); !errors.Is(err, ErrFailed) {
		t.Errorf("got %v", err)
	}
	const want = `| run | enrolled | prepared | joined | routed | all sessions | whole run | outcome |
|---|---|---|---|---|---|---|---|
| 1 | 118 | – | – | – | 611 | 1:01 | passed |
| 2 | 90 | – | – | – | – | 1:01 | failed: nothing moves any more: x / y |
| 3 | 118 | – | – | – | 611 | 1:01 | passed |

2 of 3 passed
`
	kept, err := os.ReadFile(filepath.Join(c.Dir, "soak.md"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(kept)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !strings.Contains(out.String(), "2 of 3 passed") {
		t.Errorf("got %s", out)
	}
}

// A run that says it is well, and leaves no record, has not passed.
func TestSoakWantsARecord(t *testing.T) {
	c, _ := config(t, "never")
	c.Runs, c.Command = 1, []string{"true"}
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(c.Dir, "run1.json"), []byte("{}"), 0o600); err != nil { // an earlier soak's
		t.Fatal(err)
	}
	if err := Soak(t.Context(), c); !errors.Is(err, ErrFailed) {
		t.Errorf("got %v", err)
	}
}

// A run that hangs is ended with all that it started, and so is what keeps the
// processor busy.
func TestSoakIsBounded(t *testing.T) {
	c, out := config(t, "never")
	c.Runs, c.Limit = 1, 5*time.Second // the programs have begun until then
	c.Command = []string{"sh", "-c", `sleep 600 & echo $! >"$DIR/child"; wait`}
	c.Busy = []string{"sh", "-c", `echo $$ >"$DIR/busy"; exec sleep 600`}
	if err := Soak(t.Context(), c); !errors.Is(err, ErrFailed) {
		t.Errorf("got %v", err)
	}
	if !strings.Contains(out.String(), "not over after 5s") {
		t.Errorf("got %s", out)
	}
	for _, name := range []string{"child", "busy"} {
		if pid := pidIn(t, filepath.Join(filepath.Dir(c.Dir), name)); alive(pid) {
			t.Errorf("%s outlived the soak", name)
		}
	}
}

func pidIn(t *testing.T, file string) int {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// alive gives a process that was killed a moment to be reaped by whoever has it.
func alive(pid int) bool {
	for range 600 {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") || syscall.Kill(pid, 0) != nil {
			return false
		}
		time.Sleep(50 * time.Millisecond)
	}
	return true
}
