// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
	"fmt"
	"net"
)

// Role is what a node is for.
type Role string

// The roles that kubeadm knows.
const (
	ControlPlane Role = "control-plane"
	Worker       Role = "worker"
)

// UnmarshalText accepts the two roles and nothing else.
func (r *Role) UnmarshalText(text []byte) error {
	switch role := Role(text); role {
	case ControlPlane, Worker:
		*r = role
		return nil
	}
	return fmt.Errorf("want %s or %s", ControlPlane, Worker)
}

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
	switch mode := SELinux(text); mode {
	case Permissive, Enforcing, Leave:
		*s = mode
		return nil
	}
	return fmt.Errorf("want %s, %s or %s", Permissive, Enforcing, Leave)
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
