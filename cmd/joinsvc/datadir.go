// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nodeprep/nodeprep/pkg/atomicfile"
	"github.com/nodeprep/nodeprep/pkg/join/etcd"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/pki"
)

// A dataDir is the folder that holds all of joinsvc's state: its CA, its key in
// the cluster and its store. The three belong together and to one cluster; the
// store knows to which (docs/adr/0015).
type dataDir struct {
	path    string
	cluster string // metadata.name of the plan
	now     func() time.Time
}

func (d dataDir) ca() string    { return filepath.Join(d.path, "ca.pem") }
func (d dataDir) key() string   { return filepath.Join(d.path, "cluster.key") }
func (d dataDir) store() string { return filepath.Join(d.path, "etcd") }

// fresh is a file that is there from the first start until the store has an
// owner. While it is there, what is missing was not made yet; afterwards it was
// lost.
func (d dataDir) fresh() string { return filepath.Join(d.path, "first-start") }

// state is what an open data folder holds.
type state struct {
	ca    *pki.CA
	key   pki.Key
	store *etcd.Embedded
}

// open opens what the folder holds, or makes it in a folder that holds nothing.
// What does not belong together is not opened, and every such thing is told.
func (d dataDir) open(ctx context.Context, log *slog.Logger) (state, error) {
	first, err := d.first()
	if err != nil {
		return state{}, etcd.Explain(d.path, err)
	}
	if !first && !exists(d.store()) {
		return state{}, d.storeLost()
	}
	if !first && etcd.Empty(d.store()) {
		return state{}, d.storeEmpty()
	}
	ca, caErr := d.openCA(first)
	key, keyErr := d.openKey(first)
	if first {
		if err := errors.Join(d.explain(caErr), keyErr, d.unmade()); err != nil {
			return state{}, err
		}
	}
	store, err := d.openStore(ctx, first, log)
	if err != nil {
		// What is wrong with the store may be the lesser part of it.
		return state{}, errors.Join(caErr, keyErr, err)
	}
	s := state{ca: ca, key: key, store: store}
	if err := d.own(ctx, s, first, caErr, keyErr); err != nil {
		return state{}, errors.Join(err, store.Close())
	}
	if first {
		// An empty folder is all that is left of one whose disk is not mounted, or
		// whose name in the configuration is wrong.
		log.Warn("first start on this data folder: CA, key and store are new, and hosts of an earlier joinsvc know none of them; if there was one, stop this one, and look at dataDir and at whether its disk is mounted",
			"folder", d.path, "ca", joinapi.CAHash(ca.Certificate().Raw))
	}
	return s, nil
}

// firstPatience is how long a store of a first start may take before it is begun
// anew: one that works takes a second or two.
const firstPatience = 20 * time.Second

// openStore starts the store. One that a first start was stopped in may have a
// log without the member that it is of, and so elects nobody, for ever. Nothing
// has been given out of it: it is begun anew.
func (d dataDir) openStore(ctx context.Context, first bool, log *slog.Logger) (*etcd.Embedded, error) {
	if !first {
		return etcd.Start(ctx, d.store(), log)
	}
	short, cancel := context.WithTimeout(ctx, firstPatience)
	defer cancel()
	store, err := etcd.Start(short, d.store(), log)
	if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		return store, err
	}
	log.Warn("the store of a first start that was stopped is begun anew", "folder", d.store(), "err", err)
	if err := os.RemoveAll(d.store()); err != nil {
		return nil, fmt.Errorf("beginning the store anew: %w", err)
	}
	return etcd.Start(ctx, d.store(), log)
}

// first tells whether joinsvc starts on this folder for the first time, or
// for the first time since it was stopped while it did.
func (d dataDir) first() (bool, error) {
	if exists(d.fresh()) {
		return true, nil
	}
	for _, path := range []string{d.ca(), d.key(), d.store()} {
		if exists(path) {
			return false, nil
		}
	}
	const text = "joinsvc has not finished its first start on this folder.\n"
	if err := atomicfile.Write(d.fresh(), []byte(text), 0o600); err != nil {
		return false, fmt.Errorf("beginning the data folder: %w", err)
	}
	return true, nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func (d dataDir) openCA(first bool) (*pki.CA, error) {
	ca, err := pki.Open(d.ca(), d.now)
	if first && errors.Is(err, fs.ErrNotExist) {
		ca, err = pki.Create(d.ca(), d.cluster, d.now)
		return ca, etcd.Explain(d.path, err)
	}
	return ca, err
}

func (d dataDir) openKey(first bool) (pki.Key, error) {
	key, err := pki.OpenKey(d.key())
	if first && errors.Is(err, fs.ErrNotExist) {
		key, err = pki.CreateKey(d.key())
		return key, etcd.Explain(d.path, err)
	}
	return key, err
}

// own compares what was opened with the owner of the store, which it becomes in
// a first start.
func (d dataDir) own(ctx context.Context, s state, first bool, caErr, keyErr error) error {
	kv := s.store.Client()
	owner, claimed, err := etcd.ReadOwner(ctx, kv)
	switch {
	case err != nil:
		return err
	case !claimed && !first:
		return d.nobodys(caErr, keyErr)
	case !claimed:
		owner, err = etcd.Claim(ctx, kv, etcd.Owner{
			Cluster: d.cluster, CA: pki.Fingerprint(s.ca.Certificate()), Certificate: joinapi.CAHash(s.ca.Certificate().Raw), ClusterKey: s.key.Fingerprint,
		})
		if err != nil {
			return err
		}
	}
	if problems := d.foreign(owner, s, caErr, keyErr); len(problems) > 0 {
		return fmt.Errorf("%s does not belong together, or not to this plan; nothing was changed:\n%w", d.path, errors.Join(problems...))
	}
	if !exists(d.fresh()) {
		return nil
	}
	if err := os.Remove(d.fresh()); err != nil {
		return fmt.Errorf("ending the first start: %w", err)
	}
	return atomicfile.SyncDir(d.path)
}

// foreign are the things that are not the owner's.
func (d dataDir) foreign(owner etcd.Owner, s state, caErr, keyErr error) (problems []error) {
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if owner.Cluster != d.cluster {
		add("metadata.name: the plan is of cluster %q, and the store in %s is of cluster %q. "+
			"A cluster keeps its name: set metadata.name back to %q, or give another cluster a dataDir of its own",
			d.cluster, d.store(), owner.Cluster, owner.Cluster)
	}
	switch {
	case errors.As(caErr, new(*pki.ValidityError)):
		problems = append(problems, d.explain(caErr))
	case caErr != nil:
		add("%w. The store is of the CA with the key %s, which every node knows and every token names: put that file back from a backup, mode 0600. %s",
			caErr, owner.CA, d.anew())
	case pki.Fingerprint(s.ca.Certificate()) != owner.CA:
		add("%s: its key is %s, and the store in %s is of the CA with the key %s: one of the two is another joinsvc's. "+
			"Put back the one that was here, from a backup. %s", d.ca(), pki.Fingerprint(s.ca.Certificate()), d.store(), owner.CA, d.anew())
	case owner.Certificate != "" && joinapi.CAHash(s.ca.Certificate().Raw) != owner.Certificate:
		add("%s: its key is the right one, but its certificate is %s; the store in %s is of the certificate %s, which every node and every token has. "+
			"Put that certificate back from a backup. %s", d.ca(), joinapi.CAHash(s.ca.Certificate().Raw), d.store(), owner.Certificate, d.anew())
	}
	switch {
	case keyErr != nil:
		add("%w. The store is of the key %s, to which the cluster's certificate for joinsvc was issued: put that file back from a backup, mode 0600. %s",
			keyErr, owner.ClusterKey, d.anew())
	case s.key.Fingerprint != owner.ClusterKey:
		add("%s: it is the key %s, and the store in %s is of the key %s, to which the cluster's certificate for joinsvc was issued. "+
			"Put that key back from a backup. %s", d.key(), s.key.Fingerprint, d.store(), owner.ClusterKey, d.anew())
	}
	return problems
}

// explain adds what to do about a CA outside its time, which a clock that is or
// was wrong makes of it.
func (d dataDir) explain(err error) error {
	var at *pki.ValidityError
	switch {
	case !errors.As(err, &at):
		return err
	case at.Now.Before(at.NotBefore):
		return fmt.Errorf("%w. If this machine's clock is behind now, set it (chronyc makestep) and start again. "+
			"If it is right now, it was ahead when the CA was made, and no host will trust the CA before that time. "+
			"Put back the folder of before that, from a backup. %s", err, d.anew())
	}
	return fmt.Errorf("%w. If this machine's clock is ahead, set it (chronyc makestep) and start again. "+
		"If it is right, the CA's time is over, or the clock was behind when it was made. "+
		"Put back the folder of another CA, from a backup. %s", err, d.anew())
}

// unmade removes a store that the first start was stopped while making. Without
// its log it has no record: etcd makes the database first, and the log, which
// every record goes through, after it.
func (d dataDir) unmade() error {
	if etcd.Made(d.store()) {
		return nil
	}
	if err := os.RemoveAll(d.store()); err != nil {
		return fmt.Errorf("beginning the store anew: %w", err)
	}
	return nil
}

// anew is the last remedy.
func (d dataDir) anew() string {
	return fmt.Sprintf("Without one: move %s aside, start joinsvc anew, and enrol every host again", d.path)
}

// nobodys is about a store without an owner in a folder that is not new: etcd's
// folder was emptied, or is not joinsvc's.
func (d dataDir) nobodys(caErr, keyErr error) error {
	return errors.Join(caErr, keyErr, fmt.Errorf("%s: the store is nobody's: it does not say which joinsvc it belongs to, and %s holds more than a first start. "+
		"Put the whole folder back from a backup. %s", d.store(), d.path, d.anew()))
}

// storeEmpty is told before etcd would make a new store where the old one should
// be: on the disk below one that is not mounted, or among the files of a backup
// that is put back next.
func (d dataDir) storeEmpty() error {
	return fmt.Errorf("%s: the store is nobody's: the folder holds nothing of it, and %s holds more than a first start; nothing was changed. "+
		"If a disk of its own belongs there, mount it and start again. Else put the whole folder back from a backup. %s", d.store(), d.path, d.anew())
}

func (d dataDir) storeLost() error {
	var there []string
	for _, path := range []string{d.ca(), d.key()} {
		if exists(path) {
			there = append(there, filepath.Base(path))
		}
	}
	return fmt.Errorf("%s is not there, but %s holds %s: the store with every lease is lost, or these files are another joinsvc's. "+
		"Put the whole folder back from a backup. %s", d.store(), d.path, strings.Join(there, " and "), d.anew())
}
