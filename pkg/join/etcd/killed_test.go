// SPDX-License-Identifier: Apache-2.0

package etcd_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/nodeprep/nodeprep/pkg/join"
	"github.com/nodeprep/nodeprep/pkg/join/etcd"
)

// writeUntilKilled holds the folder of the store that a process of its own
// writes to, until it is killed.
const writeUntilKilled = "NODEPREP_WRITE_UNTIL_KILLED"

func TestMain(m *testing.M) {
	dir := os.Getenv(writeUntilKilled)
	if dir == "" {
		os.Exit(m.Run())
	}
	e, err := etcd.Start(context.Background(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		panic(err)
	}
	s := etcd.New(e.Client(), "k8c1")
	for {
		var n int
		err := s.Update(context.Background(), func(tx join.Tx) (err error) { n, err = next(tx); return err })
		if err != nil {
			panic(err)
		}
		fmt.Fprintln(os.Stdout, n) // it is told only once it is committed
	}
}

const kept = 5

// next counts, writes the number under a key of its own, and deletes the one of
// kept before.
func next(tx join.Tx) (int, error) {
	data, err := tx.Get("n")
	if err != nil {
		return 0, err
	}
	n, _ := strconv.Atoi(string(data))
	n++
	if err := tx.Guard("log/"); err != nil {
		return 0, err
	}
	tx.Put("n", []byte(strconv.Itoa(n)))
	tx.Put("log/"+strconv.Itoa(n), []byte("x"))
	tx.Delete("log/" + strconv.Itoa(n-kept))
	return n, nil
}

// A process that is killed while it commits leaves all of a transaction or
// nothing of it, and never less than it has told.
func TestKilled(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "etcd")
	for range 4 {
		told := writeAndKill(t, dir)
		e := start(t, dir)
		var n int
		var log map[string][]byte
		err := etcd.New(e.Client(), "k8c1").Update(t.Context(), func(tx join.Tx) error {
			data, err := tx.Get("n")
			if err != nil {
				return err
			}
			n, _ = strconv.Atoi(string(data))
			log, err = tx.List("log/")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if n < told {
			t.Errorf("%d is on record, but %d was told", n, told)
		}
		for i := max(1, n-kept+1); i <= n; i++ {
			if log["log/"+strconv.Itoa(i)] == nil {
				t.Errorf("of transaction %d only a part is there", i)
			}
		}
		if want := min(n, kept); len(log) != want {
			t.Errorf("%d records, want %d: %v", len(log), want, log)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// writeAndKill returns the last number that the writer has told.
func writeAndKill(t *testing.T, dir string) int {
	t.Helper()
	writer := exec.CommandContext(t.Context(), os.Args[0])
	writer.Env = append(os.Environ(), writeUntilKilled+"="+dir)
	writer.Stderr = t.Output()
	out, err := writer.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	told, lines := 0, bufio.NewScanner(out)
	for enough := 10 + rand.IntN(40); lines.Scan(); enough-- {
		if told, err = strconv.Atoi(lines.Text()); err != nil {
			t.Errorf("the writer says %q", lines.Text())
		}
		if enough == 0 {
			if err := writer.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := writer.Wait(); writer.ProcessState.ExitCode() != -1 {
		t.Fatalf("the writer was not killed: %v", err)
	}
	if told == 0 {
		t.Fatal("the writer wrote nothing")
	}
	return told
}
