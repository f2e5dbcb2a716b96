// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"crypto/ecdh"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

func write(t *testing.T, root, path, text string) {
	t.Helper()
	path = filepath.Join(root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestHardwareKnowsEnslavedLegsByTheirOwnAddress(t *testing.T) {
	root := t.TempDir()
	for _, leg := range []string{"eno1", "eno2", "vlan-of-a-card"} {
		write(t, root, "/sys/class/net/"+leg+"/device/vendor", "0x1af4\n")
		write(t, root, "/sys/class/net/"+leg+"/address", "00:00:5e:00:53:01\n") // both show the bond's
	}
	write(t, root, "/sys/class/net/eno1/bonding_slave/perm_hwaddr", "00:00:5e:00:53:01\n")
	write(t, root, "/sys/class/net/eno2/bonding_slave/perm_hwaddr", "00:00:5e:00:53:02\n")
	write(t, root, "/sys/class/net/a-later-card/device/vendor", "0x1af4\n")
	write(t, root, "/sys/class/net/a-later-card/address", "00:00:5e:00:53:09\n") // its name sorts first
	write(t, root, "/sys/class/dmi/id/product_serial", "CZ1234\n")
	write(t, root, "/sys/class/dmi/id/board_serial", "another\n")
	write(t, root, "/sys/class/net/bond0/address", "00:00:5e:00:53:01\n")
	write(t, root, "/sys/class/net/br0/address", "02:00:5e:00:53:07\n") // made up, and no card's
	write(t, root, "/etc/machine-id", "0123\n")
	write(t, root, "/proc/sys/kernel/hostname", "bare\n")

	got, err := Hardware(root)
	if err != nil {
		t.Fatal(err)
	}
	want := joinapi.Identity{
		Hostname:  "bare",
		MachineID: "0123",
		Serial:    "CZ1234",
		MACs:      []joinapi.MAC{"00:00:5e:00:53:01", "00:00:5e:00:53:02", "00:00:5e:00:53:09"}, // sorted, each once
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Hardware (-want +got):\n%s", diff)
	}
}

// A card shared out among virtual machines and pods shows a hundred virtual
// functions; joinsvc takes no identity of so many addresses.
func TestVirtualFunctionsAreNoHardware(t *testing.T) {
	root := t.TempDir()
	write(t, root, "/sys/class/net/eno1/device/sriov_numvfs", "128\n")
	write(t, root, "/sys/class/net/eno1/address", "00:00:5e:00:53:01\n")
	for i := range 128 {
		link := fmt.Sprintf("/sys/class/net/eno1v%d", i)
		write(t, root, link+"/device/physfn/vendor", "0x8086\n")
		write(t, root, link+"/address", fmt.Sprintf("02:00:5e:00:53:%02x\n", i))
	}
	got, err := Hardware(root)
	if err != nil || len(got.MACs) != 1 || got.MACs[0] != "00:00:5e:00:53:01" {
		t.Errorf("%d addresses, %v", len(got.MACs), err)
	}
}

func TestHardwareWithoutInterfaces(t *testing.T) {
	if _, err := Hardware(t.TempDir()); err == nil || !strings.Contains(err.Error(), "no physical interface") {
		t.Errorf("Hardware of an empty machine: %v", err)
	}
}

func TestKeyIsMadeOnceAndKeptPrivate(t *testing.T) {
	store := Store{Dir: filepath.Join(t.TempDir(), "state")}
	first, err := store.Key()
	if err != nil {
		t.Fatal(err)
	}
	second, err := store.Key()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first.Public(), second.Public()); diff != "" {
		t.Errorf("the key changed:\n%s", diff)
	}
	info, err := os.Stat(filepath.Join(store.Dir, keyFile))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the key's mode is %v, want 0600", info.Mode().Perm())
	}
	if info, err := os.Stat(store.Dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder's mode is %v, %v; want 0700", info.Mode(), err)
	}
}

func TestLoad(t *testing.T) {
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	store := Store{Dir: t.TempDir()}
	if _, ok, err := store.Load(now); ok || err != nil {
		t.Fatalf("Load of nothing = %v, %v", ok, err)
	}
	want := joinapi.EnrolResponse{Node: "k8c1m0", Certificate: selfSigned(t, store, now.Add(time.Hour)), CA: "ca"}
	if err := store.Save(want); err != nil {
		t.Fatal(err)
	}
	got, ok, err := store.Load(now)
	if err != nil || !ok {
		t.Fatalf("Load = %v, %v", ok, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Load (-want +got):\n%s", diff)
	}
	if _, ok, _ := store.Load(now.Add(2 * time.Hour)); ok {
		t.Error("Load takes a certificate that has run out")
	}
}

// A certificate whose key is gone, or another, is worth nothing: the host enrols
// anew, and is told by joinsvc what that wants. One that is damaged is told here.
func TestAnEnrolmentWithoutItsKey(t *testing.T) {
	now := time.Now()
	for name, tt := range map[string]struct {
		spoil func(path string) error
		says  string
	}{
		"lost":    {os.Remove, ""},
		"another": {func(path string) error { return errors.Join(os.Remove(path), second(Store{Dir: filepath.Dir(path)})) }, ""},
		"emptied": {func(path string) error { return os.WriteFile(path, nil, 0o600) }, "remove it to enrol anew"},
	} {
		t.Run(name, func(t *testing.T) {
			store := Store{Dir: t.TempDir()}
			if err := store.Save(joinapi.EnrolResponse{Certificate: selfSigned(t, store, now.Add(time.Hour))}); err != nil {
				t.Fatal(err)
			}
			if err := tt.spoil(filepath.Join(store.Dir, keyFile)); err != nil {
				t.Fatal(err)
			}
			_, ok, err := store.Load(now)
			if ok || (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Load = %v, %v", ok, err)
			}
		})
	}
}

func second(store Store) error {
	_, err := store.Key()
	return err
}

func selfSigned(t *testing.T, store Store, notAfter time.Time) string {
	t.Helper()
	key, err := store.Key()
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: notAfter}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// A host that forgets what it was told would ask with a spent token ever after.
func TestWhatCannotBeKeptIsTold(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	write(t, dir, keyFile+"/x", "")
	write(t, dir, enrolmentFile+"/x", "")
	store := Store{Dir: dir}
	if err := store.Save(joinapi.EnrolResponse{}); err == nil {
		t.Error("an enrolment was kept in the place of a folder")
	}
	if _, err := store.makeKey(filepath.Join(dir, keyFile)); err == nil {
		t.Error("a key was kept in the place of a folder")
	}
	below := Store{Dir: filepath.Join(dir, "file", "state")}
	write(t, dir, "file", "")
	if err := below.Save(joinapi.EnrolResponse{}); err == nil || !strings.HasPrefix(err.Error(), "making "+below.Dir) {
		t.Errorf("below a file: %v", err)
	}
}

// A key may be one that signs nothing, such as for X25519.
func TestKeyThatSignsNothing(t *testing.T) {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	store := Store{Dir: t.TempDir()}
	write(t, store.Dir, keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	if _, err := store.Key(); err == nil || !strings.Contains(err.Error(), "holds a *ecdh.PrivateKey, which signs nothing") {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsNoIdentitySaysWhatToDo(t *testing.T) {
	for name, tt := range map[string]struct{ file, text, want string }{
		"no PEM":                {keyFile, "x", "remove it to enrol anew"},
		"no key":                {keyFile, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "reading the node's key"},
		"no JSON":               {enrolmentFile, "{", "remove it to enrol anew"},
		"no certificate":        {enrolmentFile, `{"certificate":"x"}`, "the certificate is no PEM; remove it to enrol anew"},
		"a broken certificate":  {enrolmentFile, `{"certificate":"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}`, "parsing the certificate"},
		"a folder in its place": {enrolmentFile + "/x", "", "reading the enrolment"},
		"a folder for a key":    {keyFile + "/x", "", "reading the node's key"},
	} {
		t.Run(name, func(t *testing.T) {
			store := Store{Dir: t.TempDir()}
			write(t, store.Dir, tt.file, tt.text)
			_, keyErr := store.Key()
			_, ok, err := store.Load(time.Unix(0, 0))
			if strings.HasPrefix(tt.file, keyFile) {
				ok, err = false, keyErr
			}
			if ok || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, %v; want %q", ok, err, tt.want)
			}
		})
	}
}

func TestClientHasWhatIsKept(t *testing.T) {
	store := Store{Dir: t.TempDir()}
	if _, err := store.Client("https://joinsvc:8443", joinapi.Identity{}); err == nil {
		t.Error("a client without an enrolment")
	}
	write(t, store.Dir, enrolmentFile, "{")
	if _, err := store.Client("https://joinsvc:8443", joinapi.Identity{}); err == nil || !strings.Contains(err.Error(), "reading the enrolment") {
		t.Errorf("a damaged enrolment: %v", err)
	}
	cert := selfSigned(t, store, time.Now().Add(time.Hour))
	if err := store.Save(joinapi.EnrolResponse{Node: "k8c1m0", Certificate: cert, CA: cert}); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Client("https://joinsvc:8443", joinapi.Identity{}); err != nil {
		t.Error(err)
	}
	if err := os.Remove(filepath.Join(store.Dir, keyFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Client("https://joinsvc:8443", joinapi.Identity{}); err == nil || !strings.Contains(err.Error(), "reading the node's key") {
		t.Errorf("without its key: %v", err)
	}
	if info, err := os.Stat(filepath.Join(store.Dir, enrolmentFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the enrolment's mode is %v, %v; want 0600", info.Mode(), err)
	}
}
