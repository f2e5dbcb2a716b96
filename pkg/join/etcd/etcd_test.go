// SPDX-License-Identifier: Apache-2.0

package etcd_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nodeprep/nodeprep/pkg/join"
	"github.com/nodeprep/nodeprep/pkg/join/etcd"
	"github.com/nodeprep/nodeprep/pkg/join/storetest"
)

func start(t *testing.T, dir string) *etcd.Embedded {
	t.Helper()
	e, err := etcd.Start(t.Context(), dir, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestStore(t *testing.T) {
	e := start(t, t.TempDir())
	t.Cleanup(func() { _ = e.Close() })
	var clusters atomic.Int32
	storetest.Run(t, func(*testing.T) join.Store {
		return etcd.New(e.Client(), "c"+strconv.Itoa(int(clusters.Add(1))))
	})
}

func TestRestartKeepsEverything(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "etcd")
	for _, want := range []string{"", "1", "2"} {
		e := start(t, dir)
		var got []byte
		err := etcd.New(e.Client(), "k8c1").Update(t.Context(), func(tx join.Tx) (err error) {
			got, err = tx.Get("n")
			n, _ := strconv.Atoi(string(got))
			tx.Put("n", []byte(strconv.Itoa(n+1)))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("read %q, want %q", got, want)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// The embedded server must not be reachable: whoever reads it has every lease.
func TestListensNowhere(t *testing.T) {
	e := start(t, t.TempDir())
	t.Cleanup(func() { _ = e.Close() })
	own := ownSockets(t)
	// proc(5): in tcp and tcp6 the state is field 3 (0A is LISTEN) and the
	// inode field 9; in unix, flags are field 3 (10000 accepts connections),
	// the inode field 6.
	for file, is := range map[string]struct {
		state string
		inode int
	}{"tcp": {"0A", 9}, "tcp6": {"0A", 9}, "unix": {"00010000", 6}} {
		data, err := os.ReadFile("/proc/self/net/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			f := strings.Fields(line)
			if len(f) > is.inode && f[3] == is.state && own["socket:["+f[is.inode]+"]"] {
				t.Errorf("listens: %s", line)
			}
		}
	}
}

func ownSockets(t *testing.T) map[string]bool {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	own := map[string]bool{}
	for _, fd := range fds {
		if link, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil {
			own[link] = true
		}
	}
	return own
}
