// SPDX-License-Identifier: Apache-2.0

package aci

import (
	"strconv"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// pathPeers are the sessions over the path of the rack's i-th host. With an AS
// number of its own a host is a neighbour. With one for the cluster the leaves
// take whoever calls from the subnet; a leaf knows that neighbour once, however
// many paths its SVI has, so that the first path has it.
func (l layout) pathPeers(r rack, i int) []*Object {
	switch {
	case l.Spec.ASN.Model == plan.PerNode:
		return []*Object{l.hostPeer(r, r.hosts[i])}
	case i == 0:
		return []*Object{l.subnetPeer(r)}
	}
	return nil
}

// anchorPeers are the sessions of an anchor of a floating SVI.
func (l layout) anchorPeers(r rack) []*Object {
	if l.Spec.ASN.Model == plan.PerCluster {
		return []*Object{l.subnetPeer(r)}
	}
	var peers []*Object
	for _, h := range r.hosts {
		peers = append(peers, l.hostPeer(r, h))
	}
	return peers
}

// hostPeer is a session with one host. The leaf names itself as the next hop,
// which keeps the traffic between hosts on it.
func (l layout) hostPeer(r rack, h host) *Object {
	return l.peer(r, h.Address.Addr().String(), h.asn, attributes{"ctrl": "nh-self", "descr": h.Name})
}

// subnetPeer is a session with any host of the rack. As all have one number,
// the leaf puts its own in its place (as-override), and does not hold back
// routes that have the neighbour's number in their path (dis-peer-as-check). A
// node so hears its own routes, too. Their next hop stays the node itself, as in
// the peers that Cisco's acc-provision makes.
func (l layout) subnetPeer(r rack) *Object {
	return l.peer(r, r.NodeNetwork.Subnet.String(), l.Spec.ASN.First, attributes{"ctrl": "as-override,dis-peer-as-check"})
}

func (l layout) peer(r rack, addr string, asn uint32, attrs attributes) *Object {
	attrs["addr"] = addr
	if l.bfd() {
		attrs["peerCtrl"] = "bfd"
	}
	peer := mo("bgpPeerP", "peerP-["+addr+"]", attrs,
		mo("bgpAsP", "as", attributes{"asn": formatASN(asn)}),
		mo("bgpRsPeerPfxPol", "rspeerPfxPol", attributes{"tnBgpPeerPfxPolName": l.named("BGP")}))
	if r.LeafASN != l.fabricASN() {
		// Plain local-as: the leaf's number stands before the fabric's in what
		// it announces, and before the node's in what it hears. The APIC
		// refuses the fabric's own number here.
		peer.Children = append(peer.Children, mo("bgpLocalAsnP", "localasn",
			attributes{"localAsn": formatASN(r.LeafASN), "asnPropagate": "none"}))
	}
	return peer
}

// fabricASN is the number of the fabric's route reflectors, which is its
// switches' own.
func (l layout) fabricASN() uint32 {
	if internal := l.Spec.Fabric.InternalASN; internal != 0 {
		return internal
	}
	return l.Spec.Fabric.ASN
}

func formatASN(asn uint32) string { return strconv.FormatUint(uint64(asn), 10) }
