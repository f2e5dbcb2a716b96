// SPDX-License-Identifier: Apache-2.0

package netcfg

import (
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// TestBondRoundTrip sends every word through the kernel's numbers.
func TestBondRoundTrip(t *testing.T) {
	for _, mode := range modes() {
		for _, rate := range lacpRates() {
			for _, policy := range hashPolicies() {
				b := Bond{
					Name: "bond0", Mode: mode, LACPRate: rate, HashPolicy: policy,
					MIIMon: time.Second, UpDelay: 2400 * time.Millisecond, DownDelay: time.Second,
					MinLinks: 2, MTU: 9000, MAC: addressOf(1),
				}
				want := b.attributes()
				got := fromBond(toBond(b.Name, b))
				if mode != lacp { // is not sent
					got.LACPRate = rate
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", want, diff)
				}
			}
		}
	}
}

// TestBondLeavesTheRest checks that what the plan does not say is not sent: 0
// would be a value of its own.
func TestBondLeavesTheRest(t *testing.T) {
	got := toBond("bond0", reference().Bond)
	for name, value := range map[string]int{
		"arp_interval": got.ArpInterval, "use_carrier": got.UseCarrier, "active_slave": got.ActiveSlave,
		"primary": got.Primary, "ad_select": int(got.AdSelect), "fail_over_mac": int(got.FailOverMac),
		"ad_actor_sys_prio": got.AdActorSysPrio, "resend_igmp": got.ResendIgmp,
	} {
		if value != -1 {
			t.Errorf("%s would be set to %d", name, value)
		}
	}
	if got.MTU != 9000 || got.HardwareAddr == nil || got.Mode != netlink.BOND_MODE_802_3AD {
		t.Errorf("not all in one request: %+v", got)
	}
}

func TestNewerWords(t *testing.T) {
	if got := word(modes(), 7); got != "7" {
		t.Errorf("mode 7 of a newer kernel is %q", got)
	}
}

// What the leaves announce is not a route that somebody has left on our link.
func TestRoutesOfBIRDAreNotSeen(t *testing.T) {
	names := map[int]string{7: "bond0.1500"}
	list := []netlink.Route{
		{LinkIndex: 7, Gw: net.IPv4(192, 168, 9, 204), Protocol: unix.RTPROT_BIRD},
		{LinkIndex: 7, Gw: net.IPv4(192, 168, 9, 206), Protocol: unix.RTPROT_STATIC, Priority: 50},
		{LinkIndex: 7, Gw: net.IPv4(192, 168, 9, 205), Protocol: unix.RTPROT_BOOT},
	}
	want := []route{
		{netip.MustParseAddr("192.168.9.206"), "bond0.1500", 50},
		{netip.MustParseAddr("192.168.9.205"), "bond0.1500", 0},
	}
	if got := withoutBIRDs(list, names); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
