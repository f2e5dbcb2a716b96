// SPDX-License-Identifier: Apache-2.0

package netcfg

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// portState is the state of one side of an LACP port (IEEE 802.1AX, 6.4.2.3).
type portState uint8

// The bits of a portState.
const (
	activity        portState = 1 << iota // sends without being asked
	shortTimeout                          // wants an LACPDU every second
	aggregation                           // may be bundled
	synchronization                       // is in the right bundle
	collecting                            // takes frames
	distributing                          // sends frames
	defaulted                             // has never heard its partner
	expired                               // has not heard its partner for too long
)

const carrying = aggregation | synchronization | collecting | distributing

// up reports whether the port carries traffic: 63 with LACP rate fast, 61 with
// slow, 60 or 62 on a passive partner.
func (s portState) up() bool { return s&(carrying|defaulted|expired) == carrying }

// String is the number and what keeps it from being up.
func (s portState) String() string {
	words := []string{}
	for i, name := range []string{"", "", "aggregation", "synchronization", "collecting", "distributing"} {
		if bit := portState(1) << i; bit&carrying != 0 && s&bit == 0 {
			words = append(words, "no "+name)
		}
	}
	if s&defaulted != 0 {
		words = append(words, "defaulted")
	}
	if s&expired != 0 {
		words = append(words, "expired")
	}
	if len(words) == 0 {
		return fmt.Sprint(uint8(s))
	}
	return fmt.Sprintf("%d (%s)", uint8(s), strings.Join(words, ", "))
}

// Status is how far a bond has come up.
type Status string

// The statuses of a bond.
const (
	Up       Status = "up"       // every leg carries traffic
	Degraded Status = "degraded" // enough legs do, not all
	Failed   Status = "failed"   // fewer than MinLinks do
)

// Report is what was found on a bond and each of its legs.
type Report struct {
	Bond     string
	MinLinks int
	Status   Status
	Legs     []legReport // in the plan's order
}

// legReport is what was found on one leg.
type legReport struct {
	Link link // with its Port
	Up   bool
	// Finding says what keeps the leg from carrying traffic; "" if it is up.
	Finding string
}

// String is the report in one line, every leg with what was found on it.
func (r Report) String() string {
	legs := make([]string, 0, len(r.Legs))
	for _, l := range r.Legs {
		legs = append(legs, l.String())
	}
	return fmt.Sprintf("%s is %s: %s", r.Bond, r.Status, strings.Join(legs, "; "))
}

func (l legReport) String() string {
	if !l.Up {
		return l.Link.Name + ": " + l.Finding
	}
	words := []string{l.Link.Name + ": up"}
	if p := l.Link.Port; p.Speed > 0 {
		words = append(words, fmt.Sprintf("%d Mb/s", p.Speed))
	}
	if p := l.Link.Port; !p.PartnerMAC.IsZero() {
		words = append(words, "LACP partner "+p.PartnerMAC.String())
	}
	return strings.Join(words, ", ")
}

// err is nil unless the bond has failed; then it names every leg, what was
// found on it, and where to look next.
func (r Report) err() error {
	if r.Status != Failed {
		return nil
	}
	return fmt.Errorf("%s (it needs %d of %d legs); see: cat /proc/net/bonding/%s, and the switch ports of its legs",
		r, r.MinLinks, len(r.Legs), r.Bond)
}

// Inspect reports how bond and its legs are in s.
func Inspect(s State, bond Bond) Report {
	r := Report{Bond: bond.Name, MinLinks: bond.MinLinks, Status: Failed}
	master, _ := s.link(bond.Name)
	up := 0
	for _, name := range bond.Legs {
		leg, ok := s.link(name)
		leg.Name = name
		finding := "does not exist"
		if ok {
			finding = inspectLeg(leg, master, bond)
		}
		r.Legs = append(r.Legs, legReport{Link: leg, Up: finding == "", Finding: finding})
		if finding == "" {
			up++
		}
	}
	switch {
	case up == len(bond.Legs):
		r.Status = Up
	case up >= bond.MinLinks:
		r.Status = Degraded
	}
	return r
}

// inspectLeg goes from the cable upwards, because each layer's finding is only
// the consequence of the one below.
func inspectLeg(leg, master link, bond Bond) string {
	switch p := leg.Port; {
	case leg.Master != bond.Name:
		return fmt.Sprintf("is no leg of %s", bond.Name)
	case !leg.Up:
		return "is set down; try: ip link set " + leg.Name + " up"
	case !leg.Carrier:
		return "no carrier: its cable, its transceiver, or the switch port is off"
	case p.MII != "up":
		return fmt.Sprintf("link check says %q; updelay is %s", p.MII, bond.attributes().UpDelay)
	case bond.Mode != lacp:
		return ""
	default:
		return inspectLACP(p, master)
	}
}

func inspectLACP(p port, master link) string {
	switch {
	case p.Actor.up() && p.Partner.up() && p.Aggregator == master.Aggregator:
		return ""
	case p.Speed == 0:
		// With an unknown speed the port's key is 0 and it is alone in its
		// aggregator; virtio NICs without speed= are like that.
		return "speed unknown: its driver reports no speed, and LACP bundles only ports of equal speed"
	case p.Duplex != "full":
		return p.Duplex + " duplex: LACP needs full duplex"
	case p.PartnerMAC.IsZero():
		return "no LACP partner: the switch port does not speak LACP"
	case p.Aggregator != master.Aggregator:
		return fmt.Sprintf("in aggregator %d while %d is active: its LACP partner %s is not that of the other legs, or has another key there",
			p.Aggregator, master.Aggregator, p.PartnerMAC)
	default:
		return fmt.Sprintf("LACP with %s is not up: our port state is %s, the partner's %s", p.PartnerMAC, p.Actor, p.Partner)
	}
}

// Wait bounds how long [Verify] watches a bond.
type Wait struct {
	// Limit is for the first MinLinks legs, Settle for the others from then on.
	Limit, Settle time.Duration
	Interval      time.Duration // between two looks
}

// WaitFor returns how long bond may take: 30 s for LACP, which a partner with
// the slow rate can need, and its updelay.
func WaitFor(bond Bond) Wait {
	delay := bond.MIIMon + bond.attributes().UpDelay
	return Wait{Limit: 30*time.Second + delay, Settle: 5*time.Second + delay, Interval: 250 * time.Millisecond}
}

// Verify watches bond until all its legs carry traffic, or the time of w is
// over, and reports what it saw last. The error of a bond that has failed is
// [Report.err]; a degraded bond is none.
func Verify(ctx context.Context, k Kernel, bond Bond, w Wait) (Report, error) {
	limit, tick := time.NewTimer(w.Limit), time.NewTicker(w.Interval)
	defer limit.Stop()
	defer tick.Stop()
	var settled <-chan time.Time
	for {
		s, err := k.Observe(ctx)
		if err != nil {
			return Report{}, fmt.Errorf("observing %s: %w", bond.Name, err)
		}
		r := Inspect(s, bond)
		switch {
		case r.Status == Up:
			return r, nil
		case r.Status == Failed:
			settled = nil
		case settled == nil:
			settled = time.After(w.Settle)
		}
		select {
		case <-ctx.Done():
			return r, fmt.Errorf("waiting for %s: %w", r, ctx.Err())
		case <-limit.C:
			return r, r.err()
		case <-settled:
			return r, nil
		case <-tick.C:
		}
	}
}
