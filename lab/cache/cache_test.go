// SPDX-License-Identifier: Apache-2.0

package cache_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/lab/cache"
)

// content writes text into the entry's only file and counts its calls.
func content(text string, calls *int) func(context.Context, string) error {
	return func(_ context.Context, dir string) error {
		*calls++
		return os.WriteFile(filepath.Join(dir, "file"), []byte(text), 0o644)
	}
}

func open(t *testing.T) (*cache.Cache, string) {
	t.Helper()
	root := t.TempDir()
	c, err := cache.At(root)
	if err != nil {
		t.Fatal(err)
	}
	return c, root
}

func ask(t *testing.T, c *cache.Cache, name, key string, build func(context.Context, string) error) string {
	t.Helper()
	dir, err := c.Dir(t.Context(), name, key, build)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "file"))
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, d := range list {
		found = append(found, d.Name())
	}
	return found
}

func TestHitAndMiss(t *testing.T) {
	c, _ := open(t)
	var calls int
	steps := []struct {
		name, key, text, want string
		calls                 int
	}{
		{"a", "k1", "one", "one", 1},
		{"a", "k1", "not built", "one", 1},
		{"a", "k2", "two", "two", 2},
		{"b", "k1", "three", "three", 3},
		{"a", "k1", "not built", "one", 3},
	}
	for i, s := range steps {
		got := ask(t, c, s.name, s.key, content(s.text, &calls))
		if got != s.want || calls != s.calls {
			t.Errorf("step %d: content %q after %d builds, want %q after %d", i, got, calls, s.want, s.calls)
		}
	}
}

func TestNamesAreNotPaths(t *testing.T) {
	c, _ := open(t)
	for _, bad := range []string{"", ".", "..", ".hidden", "a/b", "../a"} {
		for _, pair := range [][2]string{{bad, "key"}, {"name", bad}} {
			_, err := c.Dir(t.Context(), pair[0], pair[1], func(context.Context, string) error { return nil })
			if err == nil {
				t.Errorf("name %q with key %q was accepted", pair[0], pair[1])
			}
		}
	}
}

func TestFailedBuildLeavesNothing(t *testing.T) {
	c, root := open(t)
	boom := errors.New("boom")
	_, err := c.Dir(t.Context(), "a", "k", func(_ context.Context, dir string) error {
		if err := os.WriteFile(filepath.Join(dir, "file"), []byte("half"), 0o644); err != nil {
			t.Fatal(err)
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Fatalf("error %v, want %v", err, boom)
	}
	if diff := cmp.Diff([]string{".lock-k"}, names(t, filepath.Join(root, "a"))); diff != "" {
		t.Errorf("left in the shelf (-want +got):\n%s", diff)
	}
	var calls int
	if got := ask(t, c, "a", "k", content("whole", &calls)); got != "whole" {
		t.Errorf("after the failure: %q", got)
	}
}

func TestDraftOfAKilledBuildIsDropped(t *testing.T) {
	c, root := open(t)
	draft := filepath.Join(root, "a", ".draft-k")
	if err := os.MkdirAll(draft, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(draft, "stale"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	var calls int
	ask(t, c, "a", "k", content("new", &calls))
	if diff := cmp.Diff([]string{"file"}, names(t, filepath.Join(root, "a", "k"))); diff != "" {
		t.Errorf("entry (-want +got):\n%s", diff)
	}
}

func TestGoroutinesBuildOnce(t *testing.T) {
	c, _ := open(t)
	var calls int // the cache's lock guards it, which the race detector checks
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			dir, err := c.Dir(t.Context(), "a", "k", func(ctx context.Context, dir string) error {
				time.Sleep(20 * time.Millisecond)
				return content("once", &calls)(ctx, dir)
			})
			if err != nil {
				t.Error(err)
			} else if _, err := os.Stat(filepath.Join(dir, "file")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if calls != 1 {
		t.Errorf("%d builds, want 1", calls)
	}
}

const (
	childRoot = "CACHE_TEST_ROOT"
	childLog  = "CACHE_TEST_LOG"
)

// TestMain lets the test binary be the other processes of TestProcessesBuildOnce.
func TestMain(m *testing.M) {
	if root := os.Getenv(childRoot); root != "" {
		if err := childBuild(root, os.Getenv(childLog)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func childBuild(root, log string) error {
	c, err := cache.At(root)
	if err != nil {
		return err
	}
	dir, err := c.Dir(context.Background(), "a", "k", func(_ context.Context, dir string) error {
		f, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		defer f.Close()
		if _, err := f.WriteString("build\n"); err != nil {
			return err
		}
		time.Sleep(300 * time.Millisecond)
		return os.WriteFile(filepath.Join(dir, "file"), []byte("once"), 0o644)
	})
	if err != nil {
		return err
	}
	_, err = os.Stat(filepath.Join(dir, "file"))
	return err
}

func TestProcessesBuildOnce(t *testing.T) {
	_, root := open(t)
	log := filepath.Join(t.TempDir(), "log")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			cmd := exec.CommandContext(t.Context(), self)
			cmd.Env = append(os.Environ(), childRoot+"="+root, childLog+"="+log)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	wg.Wait()
	got, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(got), "build"); n != 1 {
		t.Errorf("%d builds among 4 processes, want 1", n)
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	c, _ := open(t)
	held := make(chan struct{})
	release := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := c.Dir(context.Background(), "a", "k", func(context.Context, string) error {
			close(held)
			<-release
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-held
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	_, err := c.Dir(ctx, "a", "k", func(context.Context, string) error { return nil })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want %v", err, context.DeadlineExceeded)
	}
	close(release)
	wg.Wait()
}

func TestPruningKeepsTheThreeLastUsed(t *testing.T) {
	c, root := open(t)
	var calls int
	old := time.Now().Add(-time.Hour)
	for i, key := range []string{"k1", "k2", "k3"} {
		ask(t, c, "a", key, content(key, &calls))
		used := old.Add(time.Duration(i) * time.Minute)
		if err := os.Chtimes(filepath.Join(root, "a", key), used, used); err != nil {
			t.Fatal(err)
		}
	}
	ask(t, c, "other", "k0", content("k0", &calls))
	ask(t, c, "a", "k1", content("hit", &calls)) // used again: k2 is now the oldest
	ask(t, c, "a", "k4", content("k4", &calls))
	want := []string{".lock-k1", ".lock-k3", ".lock-k4", "k1", "k3", "k4"}
	if diff := cmp.Diff(want, names(t, filepath.Join(root, "a"))); diff != "" {
		t.Errorf("shelf (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{".lock-k0", "k0"}, names(t, filepath.Join(root, "other"))); diff != "" {
		t.Errorf("another shelf was touched (-want +got):\n%s", diff)
	}
}

func TestPruningLeavesAnEntryThatIsBeingAskedFor(t *testing.T) {
	c, root := open(t)
	var calls int
	for _, key := range []string{"k2", "k3"} {
		ask(t, c, "a", key, content(key, &calls))
	}
	// k1 is the oldest by its time and its lock is held by its own build.
	_, err := c.Dir(t.Context(), "a", "k1", func(ctx context.Context, dir string) error {
		entry := filepath.Join(root, "a", "k1")
		if err := os.Mkdir(entry, 0o755); err != nil {
			return err
		}
		old := time.Now().Add(-time.Hour)
		if err := os.Chtimes(entry, old, old); err != nil {
			return err
		}
		ask(t, c, "a", "k4", content("k4", &calls))
		// Also proves that it is still there, and makes room for the real one.
		return os.Remove(entry)
	})
	if err != nil {
		t.Error(err)
	}
}
