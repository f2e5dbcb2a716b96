// SPDX-License-Identifier: Apache-2.0

package tempo

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// watch is a clock that a test sets.
type watch struct{ at time.Time }

func (w *watch) now() time.Time       { return w.at }
func (w *watch) pass(d time.Duration) { w.at = w.at.Add(d) }
func newWatch() *watch                { return &watch{time.Unix(0, 0)} }
func close2(got, want float64) bool   { return math.Abs(got-want) < 0.01 }
func seconds(n int) time.Duration     { return time.Duration(n) * time.Second }

// However long it takes, what moves is not given up.
func TestPatienceIsForWhatStands(t *testing.T) {
	w := newWatch()
	p := NewPatience(w.now, 8*time.Minute)
	for range 100 {
		w.pass(7 * time.Minute)
		if err := p.Err(); err != nil {
			t.Fatalf("after %v: %v", w.at.Sub(time.Unix(0, 0)), err)
		}
		p.Progress("a line")
	}
	w.pass(8*time.Minute + time.Second)
	var why *Impatience
	if err := p.Err(); !errors.As(err, &why) || why.Last != "a line" || why.For != 8*time.Minute+time.Second {
		t.Errorf("nothing moved for 8 min 1 s: %v", err)
	}
}

func TestPatienceScales(t *testing.T) {
	w := newWatch()
	p := NewPatience(w.now, 9*time.Minute)
	for pace, want := range map[float64]time.Duration{0.1: 6 * time.Minute, 1: 9 * time.Minute, 3: 27 * time.Minute} {
		if p.Scale(pace); p.Limit() != want {
			t.Errorf("at pace %v nothing may move for %v, want %v", pace, p.Limit(), want)
		}
	}
}

// What is started again for ever writes for ever, and nothing new.
func TestNovelty(t *testing.T) {
	var n Novelty
	first := "E1129 12:38:08.123 4711 kubelet.go:88] probe of 0af3c1: status 500\nstarted\n"
	if got := n.New("a", first); got != "started" {
		t.Errorf("the first time: %q", got)
	}
	for _, again := range []string{
		first, "E1130 01:00:59.999 815 kubelet.go:88] probe of ff00b7: status 503\n", "", "\n  \nstarted",
	} {
		if got := n.New("a", again); got != "" {
			t.Errorf("%q is no news, got %q", again, got)
		}
	}
	if got := n.New("b", "started"); got != "started" {
		t.Error("another machine that starts is news")
	}
	if got := n.New("a", "E1129 12:38:08.123 4711 kubelet.go:88] probe of 0af3c1: refused"); got == "" {
		t.Error("another failure is news")
	}
}

func TestOthers(t *testing.T) {
	proc := t.TempDir()
	read := func(stat, process string) Usage {
		t.Helper()
		for name, text := range map[string]string{"stat": stat, "77/stat": process} {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(proc, name)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(proc, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		u, err := readUsage(proc, []int{77, 78})
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	// 200 ticks of two processors: ours 80, idle 20, the rest others'.
	before := read("cpu  100 0 100 1000 50 0 0 0 0 0\ncpu0 1 2\n", "77 (qemu (a) b) S 1 1 1 0 -1 0 0 0 0 0 10 20 0 0 20 0 1 0 5\n")
	after := read("cpu  220 10 140 1010 60 4 4 2 9 9\n", "77 (qemu (a) b) S 1 1 1 0 -1 0 0 0 0 0 60 50 0 0 20 0 1 0 5\n")
	if got, known := after.Others(before); !known || !close2(got, 0.5) {
		t.Errorf("others took %v, %v; want half", got, known)
	}
	if got, known := before.Others(before); known {
		t.Errorf("in no time others took %v", got)
	}
	// A machine that is replaced takes its time along, and nobody else has it.
	delete(after.ours, 77)
	if got, known := after.Others(before); known {
		t.Errorf("with one of ours gone, others took %v", got)
	}
	after.ours[79] = 10
	delete(before.ours, 77)
	if got, known := after.Others(before); !known || !close2(got, 0.85) {
		t.Errorf("with a new one of ours, others took %v, %v", got, known)
	}
}

func TestStatRefuses(t *testing.T) {
	for _, text := range []string{"", "cpu 1 2 3\n", "intr 1 2 3 4 5 6 7 8 9\n", "cpu a b c d e f g h i\n"} {
		if u, err := parseStat([]byte(text)); err == nil {
			t.Errorf("%q is %+v", text, u)
		}
	}
	for _, text := range []string{"", "77 (a) S 1", "77 (a) S 1 1 1 0 -1 0 0 0 0 0 x 20 0 0\n"} {
		if n, err := parseProcess([]byte(text)); err == nil {
			t.Errorf("%q took %d", text, n)
		}
	}
}

func plain() []Milestone {
	return []Milestone{{"a", seconds(100)}, {"b", seconds(200)}, {"c", seconds(400)}}
}

func TestForecast(t *testing.T) {
	f := NewForecast(plain(), 2)
	if got := f.End(0); got != seconds(800) {
		t.Errorf("at the start %v, want twice the reference", got)
	}
	f.Reached(seconds(400)) // four times as long as on the reference: the pace is between
	if !close2(f.Pace(), 3) {
		t.Errorf("pace %v, want 3", f.Pace())
	}
	if got := f.End(seconds(400)); got != seconds(400+900) {
		t.Errorf("after a: %v", got)
	}
	if got := f.End(seconds(1000)); got != seconds(1000+600) {
		t.Errorf("b is late, so the rest is later: %v", got)
	}
	f.Scale(2)
	if got := f.End(seconds(400)); got != seconds(400+1800) {
		t.Errorf("at half the speed: %v", got)
	}
	f.Reached(seconds(1000))
	if f.Complete() {
		t.Error("complete before the last")
	}
	f.Reached(seconds(1100))
	if !f.Complete() {
		t.Error("not complete after the last")
	}
	f.Reached(seconds(1200)) // one too many
	if got := f.End(seconds(5000)); got != seconds(1100) {
		t.Errorf("at the end: %v", got)
	}
}

func TestMilestonesRise(t *testing.T) {
	for hosts := 1; hosts <= 3; hosts++ {
		var before time.Duration
		for _, m := range Milestones(hosts) {
			if m.Reference <= before {
				t.Errorf("%d hosts: %s at %v comes after %v", hosts, m.Name, m.Reference, before)
			}
			before = m.Reference
		}
	}
}

func TestWords(t *testing.T) {
	for pace, want := range map[float64]string{
		2.34: "2.3 times slower than the reference", 1.1: "as fast as the reference", 0.1: "10.0 times faster than the reference",
	} {
		if got := Slowness(pace); got != want {
			t.Errorf("%v: %q", pace, got)
		}
	}
	if got := About(seconds(80)); got != "about a minute" {
		t.Error(got)
	}
	if got := About(seconds(830)); got != "about 14 minutes" {
		t.Error(got)
	}
}

func TestBoardRedraws(t *testing.T) {
	var out strings.Builder
	b := &Board{w: &out, width: func() int { return 24 }}
	b.Stage("enrolled", "1 of 3")
	b.Note("waiting for a long time")
	b.Stage("enrolled", "3 of 3")
	b.Stage("enrolled", "3 of 3") // says nothing again
	b.Say("above")
	b.Close()
	const up1, up2 = "\x1b[1A\r\x1b[J", "\x1b[2A\r\x1b[J"
	const one, three = "  enrolled         1 o…\n", "  enrolled         3 o…\n"
	const note = "  waiting for a long t…\n"
	want := one + up1 + one + note + up2 + three + note + up2 + "above\n" + three + note + up2 + three
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A log has no cursor to move, and no line every few seconds.
func TestBoardInALog(t *testing.T) {
	var out strings.Builder
	b := &Board{w: &out, width: func() int { return 0 }}
	b.Say("this machine is slow")
	b.Stage("enrolled", "1 of 3")
	b.Note("waiting")
	b.Close()
	if got := out.String(); got != "this machine is slow\n" {
		t.Errorf("got %q", got)
	}
}

// What hosts say does not move the operator's cursor.
func TestClip(t *testing.T) {
	for line, want := range map[string]string{
		"short": "short", "éééééé": "éééé…", "a\x1b[2Jb": "a [2…", "\u009b2J": " 2J",
	} {
		if got := clip(line, 5); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}
