// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/join/etcd"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/pki"
)

// started is an installation that was served once, and its files.
func started(t *testing.T, edit func(string) string) installation {
	t.Helper()
	i := install(t, edit)
	_, stop := i.serve()
	i.ok("token", "create")
	stop()
	return i
}

func (i installation) file(name string) string { return filepath.Join(i.dir, "data", name) }

// refused runs serve, which has to end by itself, and say all of says.
func (i installation) refused(says ...string) {
	i.t.Helper()
	ctx, cancel := context.WithTimeout(i.t.Context(), silence)
	defer cancel()
	var out, errs syncBuffer
	code := run(ctx, []string{"serve", "--config", i.conf}, &out, &errs)
	for _, part := range says {
		if code != 1 || !strings.Contains(errs.String(), part) {
			i.t.Errorf("exit %d, no %q in\n%s", code, part, errs.String())
		}
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	write(t, to, string(data))
}

func removeAll(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

func fingerprints(t *testing.T, i installation) (ca, key string) {
	t.Helper()
	a, err := pki.Open(i.file("ca.pem"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	k, err := pki.OpenKey(i.file("cluster.key"))
	if err != nil {
		t.Fatal(err)
	}
	return pki.Fingerprint(a.Certificate()), k.Fingerprint
}

// Things that do not belong together do not start, and say which file, what was
// found, what should be there, and what to do; put right they start as before.
func TestWhatDoesNotBelongTogetherDoesNotStart(t *testing.T) {
	other := started(t, asShipped)
	otherCA, otherKey := fingerprints(t, other)
	for name, tt := range map[string]struct {
		harm func(t *testing.T, i installation)
		says func(i installation, ca, key string) []string
	}{
		"the CA is lost": {
			func(t *testing.T, i installation) { removeAll(t, i.file("ca.pem")) },
			func(i installation, ca, _ string) []string {
				return []string{i.file("ca.pem") + ": no such file", ca, "from a backup", "enrol every host again"}
			},
		},
		"the CA is empty": {
			func(t *testing.T, i installation) { write(t, i.file("ca.pem"), "") },
			func(i installation, ca, _ string) []string {
				return []string{i.file("ca.pem"), "PEM", ca, "from a backup"}
			},
		},
		"the cluster's key is lost": {
			func(t *testing.T, i installation) { removeAll(t, i.file("cluster.key")) },
			func(i installation, _, key string) []string {
				return []string{i.file("cluster.key") + ": no such file", key, "from a backup"}
			},
		},
		"the cluster's key is empty": {
			func(t *testing.T, i installation) { write(t, i.file("cluster.key"), "") },
			func(i installation, _, key string) []string {
				return []string{i.file("cluster.key") + ": the file is empty", key, "from a backup"}
			},
		},
		"both are lost": {
			func(t *testing.T, i installation) {
				removeAll(t, i.file("ca.pem"))
				removeAll(t, i.file("cluster.key"))
			},
			func(i installation, ca, key string) []string {
				return []string{i.file("ca.pem"), ca, i.file("cluster.key"), key}
			},
		},
		"the store is lost": {
			func(t *testing.T, i installation) { removeAll(t, i.file("etcd")) },
			func(i installation, _, _ string) []string {
				return []string{i.file("etcd") + " is not there", "ca.pem and cluster.key", "from a backup"}
			},
		},
		"the store was emptied": {
			func(t *testing.T, i installation) { removeAll(t, i.file("etcd/member")) },
			func(i installation, _, _ string) []string {
				return []string{i.file("etcd") + ": the store is nobody's", "from a backup"}
			},
		},
		"the CA is another joinsvc's": {
			func(t *testing.T, i installation) { copyFile(t, other.file("ca.pem"), i.file("ca.pem")) },
			func(i installation, ca, _ string) []string {
				return []string{i.file("ca.pem") + ": its key is " + otherCA, "CA with the key " + ca, "another joinsvc's"}
			},
		},
		"the CA's certificate was made anew": {
			certifyAnew,
			func(i installation, _, _ string) []string {
				return []string{i.file("ca.pem") + ": its key is the right one, but its certificate is", "which every node and every token has", "from a backup"}
			},
		},
		"the cluster's key is another joinsvc's": {
			func(t *testing.T, i installation) { copyFile(t, other.file("cluster.key"), i.file("cluster.key")) },
			func(i installation, _, key string) []string {
				return []string{i.file("cluster.key") + ": it is the key " + otherKey, "of the key " + key}
			},
		},
		"the store is another joinsvc's": {
			func(t *testing.T, i installation) {
				removeAll(t, i.file("etcd"))
				if err := os.CopyFS(i.file("etcd"), os.DirFS(other.file("etcd"))); err != nil {
					t.Fatal(err)
				}
			},
			func(i installation, ca, key string) []string {
				return []string{"its key is " + ca, "CA with the key " + otherCA, "it is the key " + key, "of the key " + otherKey}
			},
		},
		"a file that is no key": {
			func(t *testing.T, i installation) { write(t, i.file("cluster.key"), "hello\n") },
			func(i installation, _, key string) []string { return []string{i.file("cluster.key"), "PEM", key} },
		},
		"another metadata.name": {
			func(t *testing.T, i installation) { i.rename(t, "k8c1", "k8c2") },
			func(i installation, _, _ string) []string {
				return []string{`metadata.name: the plan is of cluster "k8c2", and the store in ` + i.file("etcd") + ` is of cluster "k8c1"`, "set metadata.name back", "dataDir of its own"}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			i := started(t, asShipped)
			ca, key := fingerprints(t, i)
			backup := t.TempDir()
			if err := os.CopyFS(backup, os.DirFS(i.dir+"/data")); err != nil {
				t.Fatal(err)
			}
			tt.harm(t, i)
			says := tt.says(i, ca, key)
			i.refused(says...)
			i.refused(says...) // the first refusal has mended nothing in silence

			i.rename(t, "k8c2", "k8c1")
			removeAll(t, i.dir+"/data")
			if err := os.CopyFS(i.dir+"/data", os.DirFS(backup)); err != nil {
				t.Fatal(err)
			}
			_, stop := i.serve()
			stop()
			if a, k := fingerprints(t, i); a != ca || k != key {
				t.Error("another CA or key after the backup was put back")
			}
		})
	}
}

// certifyAnew makes another certificate with the CA's key, as whoever wants to
// prolong it would.
func certifyAnew(t *testing.T, i installation) {
	t.Helper()
	data, err := os.ReadFile(i.file("ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	block, rest := pem.Decode(data)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	key, _ := parsed.(crypto.Signer)
	before, _ := pem.Decode(rest)
	cert, err := x509.ParseCertificate(before.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	cert.NotAfter = cert.NotAfter.AddDate(10, 0, 0)
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, i.file("ca.pem"), string(pem.EncodeToMemory(block))+string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
}

func (i installation) rename(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(i.dir + "/plan.yaml")
	if err != nil {
		t.Fatal(err)
	}
	write(t, i.dir+"/plan.yaml", strings.Replace(string(data), "\n  name: "+from+"\n", "\n  name: "+to+"\n", 1))
}

// A clock that was ahead when the CA was made leaves one that no host trusts.
func TestClockThatWasAhead(t *testing.T) {
	for name, tt := range map[string]struct {
		made time.Duration // from now
		says string        // empty when it starts
	}{
		"a year ahead":     {365 * 24 * time.Hour, "is not valid before"},
		"an hour ahead":    {time.Hour, ""},
		"eleven years ago": {-11 * 365 * 24 * time.Hour, "was valid until"},
	} {
		t.Run(name, func(t *testing.T) {
			i := install(t, asShipped)
			now := time.Now().Add(tt.made)
			d := dataDir{path: i.dir + "/data", cluster: "k8c1", now: func() time.Time { return now }}
			s, err := d.open(t.Context(), discard())
			if err != nil {
				t.Fatal(err)
			}
			if err := s.store.Close(); err != nil {
				t.Fatal(err)
			}
			if tt.says != "" {
				i.refused(i.file("ca.pem"), tt.says, "this machine's clock says", "chronyc makestep")
				return
			}
			_, stop := i.serve()
			stop()
		})
	}
}

// Where the store is not, because its disk is not mounted or somebody has emptied
// its folder, none is made: it would be below the disk, or among the files of a
// backup.
func TestNoStoreIsMadeInPlaceOfALostOne(t *testing.T) {
	i := started(t, asShipped)
	removeAll(t, i.file("etcd"))
	for _, left := range []string{"etcd", "etcd/lost+found", "etcd/member/snap"} {
		mkdir(t, i.file(left))
		i.refused(i.file("etcd")+": the store is nobody's", "mount it", "nothing was changed", "from a backup")
		if !etcd.Empty(i.file("etcd")) {
			t.Fatalf("with %s there, a store was made", left)
		}
	}
}

// A store that another process has open is not damaged, whatever became of the
// lock: no backup is to be put in its place.
func TestStoreOfAnotherProcess(t *testing.T) {
	i := started(t, asShipped)
	_, stop := i.serve()
	defer stop()
	removeAll(t, i.file("lock"))
	t.Setenv("JOINSVC_ADMINSOCKET", i.dir+"/run/second.sock")
	i.refused(i.file("etcd/member/snap/db")+": another process has the database open", "stop it")
	if _, _, errs := i.cli("serve"); strings.Contains(errs, "backup") {
		t.Errorf("a backup is to be put in its place:\n%s", errs)
	}
}

// A folder that holds nothing may be that of a disk that is not mounted: what was
// made in it is told, once, by the CA that hosts know.
func TestAFirstStartIsTold(t *testing.T) {
	d := dataDir{path: filepath.Join(t.TempDir(), "data"), cluster: "k8c1", now: time.Now}
	for start, told := range []bool{true, false} {
		log := &syncBuffer{}
		s, err := d.open(t.Context(), slog.New(slog.NewTextHandler(log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.store.Close(); err != nil {
			t.Fatal(err)
		}
		is := strings.Contains(log.String(), "first start") && strings.Contains(log.String(), d.path) && strings.Contains(log.String(), joinapi.CAHash(s.ca.Certificate().Raw))
		if is != told {
			t.Errorf("start %d: told %v, want %v:\n%s", start+1, is, told, log.String())
		}
	}
}

// A first start that was killed goes on, wherever that was.
func TestFirstStartThatWasKilled(t *testing.T) {
	whole := started(t, asShipped)
	for name, harm := range map[string]func(i installation){
		"before anything": func(i installation) {},
		"after it began":  func(i installation) { write(t, i.file("first-start"), "") },
		"after the CA": func(i installation) {
			write(t, i.file("first-start"), "")
			copyFile(t, whole.file("ca.pem"), i.file("ca.pem"))
		},
		"while etcd made its folder": func(i installation) { write(t, i.file("first-start"), ""); mkdir(t, i.file("etcd/member/snap")) },
		"after etcd's database": func(i installation) {
			write(t, i.file("first-start"), "")
			mkdir(t, i.file("etcd/member/snap"))
			copyFile(t, whole.file("etcd/member/snap/db"), i.file("etcd/member/snap/db"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			i := install(t, asShipped)
			mkdir(t, i.dir+"/data")
			harm(i)
			_, stop := i.serve()
			stop()
			if exists(i.file("first-start")) {
				t.Error("the first start has not ended")
			}
			_, stop = i.serve()
			stop()
		})
	}
	t.Run("after the store was claimed", func(t *testing.T) {
		i := started(t, asShipped)
		ca, _ := fingerprints(t, i)
		write(t, i.file("first-start"), "")
		_, stop := i.serve()
		stop()
		if again, _ := fingerprints(t, i); again != ca || exists(i.file("first-start")) {
			t.Error("it began anew, or has not ended")
		}
	})
	t.Run("claimed, and the CA is lost", func(t *testing.T) {
		i := started(t, asShipped)
		ca, _ := fingerprints(t, i)
		write(t, i.file("first-start"), "")
		removeAll(t, i.file("ca.pem"))
		i.refused("its key is", "CA with the key "+ca)
	})
}

func mkdir(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
}

// Killed at any moment of its first start, joinsvc starts the next time.
func TestKilledWhileItStarts(t *testing.T) {
	i := install(t, asShipped)
	for n := range 12 {
		cmd := i.process()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(60+n*35) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
	}
	_, stop := i.serve()
	stop()
}

// process is joinsvc serve as a process of its own.
func (i installation) process() *exec.Cmd {
	cmd := exec.Command(os.Args[0], "serve", "--config", i.conf)
	cmd.Env = append(os.Environ(), asJoinsvc+"=1")
	return cmd
}

// A joinsvc that cannot listen has made no folder, and no file in one.
func TestCannotListenTouchesNothing(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	i := install(t, asShipped)
	nothing := func(when string) {
		t.Helper()
		if _, err := os.Stat(i.dir + "/data"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the data folder was made: %v", when, err)
		}
	}
	t.Setenv("JOINSVC_LISTEN", taken.Addr().String())
	i.refused("listening for hosts", taken.Addr().String(), "ss -ltnp")
	nothing("the hosts' address is taken")
	t.Setenv("JOINSVC_LISTEN", "192.0.2.1:8443")
	i.refused("listening for hosts", "192.0.2.1:8443", "none of this machine's")
	nothing("the hosts' address is not this machine's")
	t.Setenv("JOINSVC_LISTEN", "127.0.0.1:0")
	mkdir(t, i.dir+"/run/admin.sock/x")
	i.refused("listening for operators", "admin.sock")
	nothing("the operators' socket is a folder")
}

// The owner is one key, which one of many claims.
func TestOneOwner(t *testing.T) {
	e, err := etcd.Start(t.Context(), t.TempDir(), discard())
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	first, err := etcd.Claim(t.Context(), e.Client(), etcd.Owner{Cluster: "a", CA: "1", ClusterKey: "2"})
	if err != nil || first.Cluster != "a" {
		t.Fatal(first, err)
	}
	second, err := etcd.Claim(t.Context(), e.Client(), etcd.Owner{Cluster: "b"})
	if err != nil || second != first {
		t.Errorf("claimed again: %+v, %v", second, err)
	}
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// A wrong adminSocket is told, and what is there stays.
func TestTheSocketReplacesNoFile(t *testing.T) {
	i := install(t, asShipped)
	before, err := os.ReadFile(i.dir + "/plan.yaml")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("JOINSVC_ADMINSOCKET", i.dir+"/plan.yaml")
	i.refused("listening for operators", i.dir+"/plan.yaml", "is no socket", "adminSocket")
	if after, err := os.ReadFile(i.dir + "/plan.yaml"); err != nil || string(after) != string(before) {
		t.Errorf("the plan is gone: %v", err)
	}
}
