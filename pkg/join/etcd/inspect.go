// SPDX-License-Identifier: Apache-2.0

package etcd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
	"go.etcd.io/etcd/client/pkg/v3/fileutil"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/etcd/server/v3/storage/wal/walpb"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// restore is the one remedy for damaged records.
const restore = "Put the whole data folder back from a backup, all of its files of one moment. " +
	"Without one the records are lost: move the data folder aside, start joinsvc anew, and enrol every host again"

// inspect reads the files of the store in dir and returns what is damaged, nil
// when nothing is. It changes nothing. It runs before etcd sees them, because
// etcd 3.7 ends the process for some of it, waits for ever for some, and starts
// on what is left of the rest.
func inspect(dir string) *StoreError {
	if e := incomplete(dir); e != nil {
		return e
	}
	log, damaged := readLog(segments(dir))
	if damaged != nil {
		return damaged
	}
	file := database(dir)
	applied, err := readDatabase(file)
	switch {
	case errors.Is(err, fs.ErrNotExist): // and no log either: a store that is yet to be made
		return nil
	case errors.Is(err, berrors.ErrTimeout):
		return &StoreError{
			File: file, What: "another process has the database open", Err: err,
			Remedy: "Nothing is damaged: find that process (`fuser -v " + file + "`), which is most likely another joinsvc, stop it, and start this one again",
		}
	case err != nil:
		return &StoreError{File: file, What: "the database is damaged: " + err.Error(), Remedy: restore}
	case log.last < applied:
		// etcd would take what is written for what the database has already.
		return &StoreError{
			File:   log.file,
			What:   fmt.Sprintf("the write-ahead log ends at entry %d, and the database has %d: a part of the log was lost", log.last, applied),
			Remedy: restore,
		}
	}
	return nil
}

func segments(dir string) []string {
	// In the order of their names, which is theirs; its one error is a bad pattern.
	files, _ := filepath.Glob(filepath.Join(dir, "member", "wal", "*.wal"))
	return files
}

// Made tells whether a store was made in dir. One that was being made when the
// process was killed is not, and holds nothing.
func Made(dir string) bool { return len(segments(dir)) > 0 }

// Empty tells whether dir holds nothing of a store, as the folder of a disk that
// is not mounted does.
func Empty(dir string) bool {
	_, err := os.Stat(database(dir))
	return !Made(dir) && errors.Is(err, fs.ErrNotExist)
}

func database(dir string) string { return filepath.Join(dir, "member", "snap", "db") }

// incomplete finds a store of which a part was lost. etcd takes a database
// without its log for that of a new member: it then starts on old records and
// skips what is written until its count has caught up with theirs.
func incomplete(dir string) *StoreError {
	logs := segments(dir)
	_, err := os.Stat(database(dir))
	switch {
	case err == nil && len(logs) == 0:
		return &StoreError{
			File: filepath.Join(dir, "member", "wal"), What: "the database " + database(dir) + " is there, but its write-ahead log is not",
			Remedy: restore,
		}
	case errors.Is(err, os.ErrNotExist) && len(logs) > 0:
		return &StoreError{
			File: database(dir), What: "the write-ahead log is there, but its database is not", Remedy: restore,
		}
	}
	return nil
}

// A journal is what the write-ahead log says of itself.
type journal struct {
	file string // its last segment
	last uint64 // index of its last entry, or of the snapshot that stands for it
	torn bool   // the last record read is not whole
}

// readLog reads the segments of a write-ahead log. A torn record at its very
// end is no damage: a crash leaves it, and etcd cuts it off.
func readLog(files []string) (journal, *StoreError) {
	var log journal
	for i, file := range files {
		log.file = file
		err := log.read(file)
		if err == nil && log.torn && i < len(files)-1 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return log, &StoreError{File: file, What: "the write-ahead log is damaged: " + err.Error(), Remedy: restore}
		}
	}
	return log, nil
}

func (j *journal) read(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	decoder := wal.NewDecoder(fileutil.NewFileReader(f))
	begun := false // each segment begins with whose it is
	for {
		var record walpb.Record
		err := decoder.Decode(&record)
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF):
			j.torn = true
		case errors.Is(err, io.EOF):
		case err != nil:
			return fmt.Errorf("after byte %d: %w", decoder.LastOffset(), err)
		default:
			begun = begun || record.GetType() == wal.MetadataType
			if err := j.take(decoder, &record); err != nil {
				return fmt.Errorf("after byte %d: %w", decoder.LastOffset(), err)
			}
			continue
		}
		if !begun {
			return errors.New("its beginning is gone")
		}
		return nil
	}
}

func (j *journal) take(decoder wal.Decoder, record *walpb.Record) error {
	switch record.GetType() {
	case wal.CrcType: // each segment begins with the checksum that the one before ended with
		decoder.UpdateCRC(record.GetCrc())
	case wal.EntryType:
		var entry raftpb.Entry
		if err := proto.Unmarshal(record.GetData(), &entry); err != nil {
			return err
		}
		j.last = entry.GetIndex()
	case wal.SnapshotType:
		var snapshot walpb.Snapshot
		if err := proto.Unmarshal(record.GetData(), &snapshot); err != nil {
			return err
		}
		j.last = max(j.last, snapshot.GetIndex())
	}
	return nil
}

// databaseTimeout bounds the wait for somebody else's lock on the database.
const databaseTimeout = time.Second

// readDatabase reads all of the database, and how much of the log it has. Every read of a page is in this
// goroutine, where a damaged one can be caught: bbolt's own check builds the
// list of free pages in a goroutine that it starts, and a panic there ends the
// process (bbolt 1.5, DB.freepages), as it would when etcd opens the file.
func readDatabase(file string) (applied uint64, err error) {
	// A page beyond the end of the file is a fault of memory (SIGBUS, mmap(2)).
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	info, err := os.Stat(file)
	if err != nil {
		return 0, err
	}
	db, err := bbolt.Open(file, 0o600, &bbolt.Options{ReadOnly: true, Timeout: databaseTimeout})
	if err != nil {
		return 0, err
	}
	defer db.Close()
	err = db.View(func(tx *bbolt.Tx) error {
		if tx.Size() > info.Size() {
			return fmt.Errorf("it has %d bytes and says it has %d", info.Size(), tx.Size())
		}
		applied = consistentIndex(tx)
		return tx.ForEach(readBucket)
	})
	return applied, err
}

// consistentIndex is the last entry of the log that is in the database (etcd,
// storage/schema: bucket meta, key consistent_index, big-endian).
func consistentIndex(tx *bbolt.Tx) uint64 {
	meta := tx.Bucket([]byte("meta"))
	if meta == nil {
		return 0
	}
	value := meta.Get([]byte("consistent_index"))
	if len(value) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(value)
}

// readBucket reads a bucket of keys and values, which is all that etcd makes.
// Keys out of order are what bbolt would end the process for.
func readBucket(name []byte, b *bbolt.Bucket) error {
	var before []byte
	return b.ForEach(func(key, _ []byte) error {
		if before != nil && bytes.Compare(before, key) >= 0 {
			return fmt.Errorf("the keys of bucket %s are out of order", name)
		}
		before = key
		return nil
	})
}
