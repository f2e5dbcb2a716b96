// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
)

// oneOf sets into to the text if it is one of the values, and nothing else.
func oneOf[T ~string](into *T, text []byte, values ...T) error {
	if slices.Contains(values, T(text)) {
		*into = T(text)
		return nil
	}
	last := len(values) - 1
	if last == 0 {
		return fmt.Errorf("want %s", values[0])
	}
	want := string(values[0])
	for _, v := range values[1:last] {
		want += ", " + string(v)
	}
	return fmt.Errorf("want %s or %s", want, values[last])
}

// Role is what a node is for.
type Role string

// The roles that kubeadm knows.
const (
	ControlPlane Role = "control-plane"
	Worker       Role = "worker"
)

// UnmarshalText accepts the two roles and nothing else.
func (r *Role) UnmarshalText(text []byte) error { return oneOf(r, text, ControlPlane, Worker) }

// SELinux is the mode that a host is brought to.
type SELinux string

// The modes; Leave changes nothing.
const (
	Permissive SELinux = "permissive"
	Enforcing  SELinux = "enforcing"
	Leave      SELinux = "leave"
)

// UnmarshalText accepts the three modes and nothing else.
func (s *SELinux) UnmarshalText(text []byte) error {
	return oneOf(s, text, Permissive, Enforcing, Leave)
}

// MAC is an IEEE 802 hardware address in the form that the kernel prints, so
// that two of them can be compared.
type MAC string

// UnmarshalText accepts what net.ParseMAC does, if it has six bytes.
func (m *MAC) UnmarshalText(text []byte) error {
	hw, err := net.ParseMAC(string(text))
	if err != nil || len(hw) != 6 {
		return errors.New("want six bytes such as 00:00:5e:00:53:01")
	}
	*m = MAC(hw.String())
	return nil
}

// Model says how AS numbers are given to nodes.
type Model string

// The models. With PerNode every node has a number of its own and the leaves
// one neighbour per node; with PerCluster all share one, the leaves take whoever
// calls from the subnet, and put their own number in place of the nodes'
// (as-override), without which a node refuses the routes of the others
// (RFC 4271 section 9.1.2: an AS path that holds one's own number is a loop).
const (
	PerNode    Model = "node"
	PerCluster Model = "cluster"
)

// UnmarshalText accepts the two models and nothing else.
func (m *Model) UnmarshalText(text []byte) error { return oneOf(m, text, PerNode, PerCluster) }

// Pace says how long the parts of a cluster wait for one another before one
// takes the other for dead.
type Pace string

// The paces. With Normal it is what Kubernetes has for hosts that answer at
// once; with Slow what keeps alive hosts that are emulated, or that share their
// processors or disks with much else.
const (
	Normal Pace = "normal"
	Slow   Pace = "slow"
)

// UnmarshalText accepts the two paces and nothing else.
func (p *Pace) UnmarshalText(text []byte) error { return oneOf(p, text, Normal, Slow) }

// CalicoAPI is where an installation of Calico keeps its objects.
type CalicoAPI string

// The places. CalicoAuto is Calico's own choice, made anew when it changes.
const (
	CalicoAuto   CalicoAPI = "auto"
	CalicoCRD    CalicoAPI = "crd"    // crd.projectcalico.org/v1
	CalicoNative CalicoAPI = "native" // projectcalico.org/v3, since Calico v3.32
)

// UnmarshalText accepts the three places and nothing else.
func (a *CalicoAPI) UnmarshalText(text []byte) error {
	return oneOf(a, text, CalicoAuto, CalicoCRD, CalicoNative)
}

// RuntimeName is a container runtime.
type RuntimeName string

// The runtime.
const (
	Containerd RuntimeName = "containerd"
)

// UnmarshalText accepts what hosts are prepared with and nothing else. Docker
// is what people ask for, and gets the reason.
func (r *RuntimeName) UnmarshalText(text []byte) error {
	if string(text) == "docker" {
		return fmt.Errorf("hosts are prepared with containerd alone; want %s", Containerd)
	}
	return oneOf(r, text, Containerd)
}

// Port is where a leg's cable ends: "leaf201:1/3".
type Port struct {
	Leaf string // a leaf's name
	ID   string // module and port: "1/3", behind a fabric extender "101/1/3"
}

var portID = regexp.MustCompile(`^([1-9]\d{0,2}/){1,2}[1-9]\d{0,2}$`)

// UnmarshalText reads a leaf's name, a colon, a module and a port.
func (p *Port) UnmarshalText(text []byte) error {
	leaf, id, _ := strings.Cut(string(text), ":")
	if !label.MatchString(leaf) || !portID.MatchString(id) {
		return errors.New("want a leaf and its port, such as leaf201:1/3")
	}
	*p = Port{leaf, id}
	return nil
}

// MarshalText is the port as it was read.
func (p Port) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// String is the port as it was read.
func (p Port) String() string { return p.Leaf + ":" + p.ID }
