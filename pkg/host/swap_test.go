// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/nodeprep/nodeprep/pkg/rooted"
)

const nastyFstab = `# swap was here: /dev/sda9 none swap sw 0 0
UUID=1234 / ext4 defaults 0 1
/dev/sda2	none	swap	sw	0	0
  /swap\040file  none swap  defaults,pri=-2

LABEL=swap /srv/swap xfs noatime 0 2
/dev/mapper/vg-swap /swap ext4 defaults,comment=swap 0 2
//nas/swap /mnt/swap cifs credentials=/etc/swap 0 0
#nodeprep: /dev/old none swap sw 0 0
#/dev/sda8 none swap sw 0 0
tmpfs /tmp tmpfs size=1g 0 0
none none
/dev/sda7 none swap`

func TestWithoutSwap(t *testing.T) {
	got, entries := withoutSwap(nastyFstab)
	want := strings.NewReplacer("/dev/sda7", commented+"/dev/sda7", "/dev/sda2\t", commented+"/dev/sda2\t", `  /swap\040file`, commented+`  /swap\040file`).Replace(nastyFstab)
	wantText(t, "fstab", want, got)
	wantText(t, "entries", "/dev/sda2|/swap file|/dev/sda7", strings.Join(entries, "|"))
}

// swapMachine is systemd's swap units beside a kernel's table, which it keeps
// in /proc/swaps as the kernel does.
type swapMachine struct {
	t     *testing.T
	root  rooted.Root
	units []string
	log   []string
}

func (s *swapMachine) Swaps(context.Context) ([]string, error) { return slices.Clone(s.units), nil }

func (s *swapMachine) Mask(_ context.Context, unit string) error {
	s.units = slices.DeleteFunc(s.units, func(u string) bool { return u == unit })
	s.log = append(s.log, "mask "+unit)
	return nil
}

func (s *swapMachine) Reload(context.Context) error {
	s.log = append(s.log, "reload")
	return nil
}

func (s *swapMachine) off(path string) error {
	table := content(s.t, s.root, "/proc/swaps")
	line := strings.ReplaceAll(path, " ", `\040`)
	var left []string
	for _, l := range strings.Split(table, "\n") {
		if !strings.HasPrefix(l, line+" ") {
			left = append(left, l)
		}
	}
	put(s.t, s.root, "/proc/swaps", strings.Join(left, "\n"))
	s.log = append(s.log, "off "+path)
	return nil
}

func TestNoSwap(t *testing.T) {
	root := machine(t, map[string]string{
		"/etc/fstab":  nastyFstab,
		"/proc/swaps": "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/dev/sda2   partition 1 0 -2\n/swap\\040file file 1 0 -3\n/dev/zram0 partition 1 0 100\n",
	})
	s := &swapMachine{t: t, root: root, units: []string{"dev-zram0.swap", "systemd-zram-setup@zram0.service"}}
	wantText(t, "changes", `/etc/fstab: swap on /dev/sda2, /swap file, /dev/sda7 -> commented out
dev-zram0.swap: present -> masked
systemd-zram-setup@zram0.service: present -> masked
swap /dev/sda2: on -> off
swap /swap file: on -> off
swap /dev/zram0: on -> off
`, converge(t, NoSwap{root, s, s.off}.Plan))
	wantText(t, "order", "reload, mask dev-zram0.swap, mask systemd-zram-setup@zram0.service, off /dev/sda2, off /swap file, off /dev/zram0", strings.Join(s.log, ", "))
}

func TestHostWithoutSwap(t *testing.T) {
	root := machine(t, map[string]string{"/etc/fstab": "UUID=1 / ext4 defaults 0 1\n"})
	s := &swapMachine{t: t, root: root}
	wantText(t, "changes", "", converge(t, NoSwap{root, s, s.off}.Plan))
}

func TestSwapThatDoesNotFitInMemory(t *testing.T) {
	root := machine(t, map[string]string{"/proc/swaps": "Filename\n/dev/sda2 partition 1 0 -2\n"})
	noRoom := errors.New("cannot allocate memory")
	s := &swapMachine{t: t, root: root}
	changes, err := NoSwap{root, s, func(string) error { return noRoom }}.Plan(t.Context())
	if err != nil || len(changes) != 1 {
		t.Fatal(changes, err)
	}
	if err := changes[0].Do(t.Context()); !errors.Is(err, noRoom) {
		t.Errorf("got %v, want %v", err, noRoom)
	}
}

func TestUnescape(t *testing.T) {
	for have, want := range map[string]string{
		`/swap\040file`: "/swap file", `/end\040`: "/end ", `/cut\04`: `/cut\04`, `/cut\`: `/cut\`, `/none\x40`: `/none\x40`, `\134\011`: "\\\t",
	} {
		wantText(t, have, want, unescape(have))
	}
}

// Masking a unit has switched one off already: the other is.
func TestOnlyWhatIsOnIsSwitchedOff(t *testing.T) {
	root := machine(t, map[string]string{"/proc/swaps": "Filename\n/dev/sda2 partition 1 0 -2\n"})
	s := &swapMachine{t: t, root: root}
	if err := (NoSwap{root, s, s.off}).off("/dev/zram0"); err != nil || len(s.log) > 0 {
		t.Errorf("%v, %v", s.log, err)
	}
}
