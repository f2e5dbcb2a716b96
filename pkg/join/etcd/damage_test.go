// SPDX-License-Identifier: Apache-2.0

package etcd_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/fileutil"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/etcd/server/v3/storage/wal/walpb"

	"github.com/nodeprep/nodeprep/pkg/join"
	"github.com/nodeprep/nodeprep/pkg/join/etcd"
)

// stored is the folder of a store that was closed in order, with records.
func stored(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "etcd")
	e := start(t, dir)
	store := etcd.New(e.Client(), "k8c1")
	for i := range 50 {
		err := store.Update(t.Context(), func(tx join.Tx) error {
			tx.Put(fmt.Sprintf("nodes/n%d", i), []byte(strings.Repeat("x", 1000)))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func segment(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "member", "wal", "*.wal"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	return files[0]
}

func overwrite(t *testing.T, file string, at int64, with []byte) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(with, at); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func truncate(t *testing.T, file string, size int64) {
	t.Helper()
	if err := os.Truncate(file, size); err != nil {
		t.Fatal(err)
	}
}

// Whatever is damaged, joinsvc says which file and what to do, and lives to say
// it: etcd by itself ends the process, panics, or starts on what is left.
func TestDamage(t *testing.T) {
	db := func(_ *testing.T, dir string) string { return filepath.Join(dir, "member/snap/db") }
	for name, tt := range map[string]struct {
		file   func(*testing.T, string) string
		damage func(t *testing.T, file string)
		says   string
	}{
		"a bit of the log":         {segment, func(t *testing.T, f string) { overwrite(t, f, 20000, []byte{0xff, 0xfe}) }, "write-ahead log is damaged"},
		"the log's beginning":      {segment, func(t *testing.T, f string) { overwrite(t, f, 0, make([]byte, 64)) }, "write-ahead log"},
		"the log is empty":         {segment, func(t *testing.T, f string) { truncate(t, f, 0) }, "write-ahead log"},
		"the log lost its half":    {segment, func(t *testing.T, f string) { truncate(t, f, 30000) }, "write-ahead log"},
		"the log lost its end":     {segment, loseLastEntry, "a part of the log was lost"},
		"the log is gone":          {func(_ *testing.T, d string) string { return filepath.Join(d, "member/wal") }, func(t *testing.T, f string) { remove(t, segment(t, filepath.Dir(filepath.Dir(f)))) }, "write-ahead log is not"},
		"the log's folder is gone": {func(_ *testing.T, d string) string { return filepath.Join(d, "member/wal") }, remove, "write-ahead log is not"},
		"the database is gone":     {db, remove, "its database is not"},
		"the database is empty":    {db, func(t *testing.T, f string) { truncate(t, f, 0) }, "database is damaged"},
		"the database is cut":      {db, func(t *testing.T, f string) { truncate(t, f, 20000) }, "database is damaged"},
		"both meta pages":          {db, func(t *testing.T, f string) { overwrite(t, f, 0, make([]byte, 8192)) }, "database is damaged"},
		"pages":                    {db, func(t *testing.T, f string) { overwrite(t, f, 8192, garbage(30*4096)) }, "database is damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := stored(t)
			file := tt.file(t, dir)
			tt.damage(t, file)
			began := time.Now()
			e, err := etcd.Start(t.Context(), dir, slog.New(slog.NewTextHandler(t.Output(), nil)))
			if err == nil {
				_ = e.Close()
			}
			var damaged *etcd.StoreError
			if !errors.As(err, &damaged) || damaged.File != file || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "from a backup") {
				t.Errorf("got %v\nwant %s and %q", err, file, tt.says)
			}
			if took := time.Since(began); took > time.Minute {
				t.Errorf("took %s", took)
			}
		})
	}
}

// loseLastEntry leaves a log as if its last entry had never been written: the
// space that etcd reserves is zeros.
func loseLastEntry(t *testing.T, file string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	decoder := wal.NewDecoder(fileutil.NewFileReader(f))
	var last, end int64
	for {
		var record walpb.Record
		before := decoder.LastOffset()
		if err := decoder.Decode(&record); err != nil {
			break // the end, which is not this test's to judge
		}
		if record.GetType() == wal.CrcType {
			decoder.UpdateCRC(record.GetCrc())
		}
		if record.GetType() == wal.EntryType {
			last = before
		}
		end = decoder.LastOffset()
	}
	overwrite(t, file, last, make([]byte, end-last))
}

func remove(t *testing.T, file string) {
	t.Helper()
	if err := os.RemoveAll(file); err != nil {
		t.Fatal(err)
	}
}

func garbage(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*31 + i/251)
	}
	return b
}

// What a crash leaves is no damage: a record of the log that is half there.
func TestTornLogStarts(t *testing.T) {
	dir := stored(t)
	file := segment(t, dir)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	end := int64(len(strings.TrimRight(string(data), "\x00")))
	end += (8 - end%8) % 8
	// The frame of a record of 1,000 bytes of which none is there.
	overwrite(t, file, end, []byte{0xe8, 0x03, 0, 0, 0, 0, 0, 0})
	e := start(t, dir)
	defer e.Close()
	var all map[string][]byte
	err = etcd.New(e.Client(), "k8c1").Update(t.Context(), func(tx join.Tx) (err error) {
		all, err = tx.List("nodes/")
		return err
	})
	if err != nil || len(all) != 50 {
		t.Errorf("%d records, %v", len(all), err)
	}
}
