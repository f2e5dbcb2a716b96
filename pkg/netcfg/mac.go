// SPDX-License-Identifier: Apache-2.0

package netcfg

import (
	"fmt"
	"net"
)

// MAC is a 48-bit link-layer address. Unlike net.HardwareAddr it can be
// compared, and reads as text in JSON.
type MAC [6]byte

// ParseMAC reads an address such as 00:00:5e:00:53:01.
func ParseMAC(s string) (MAC, error) {
	addr, err := net.ParseMAC(s)
	if err != nil {
		return MAC{}, fmt.Errorf("parsing MAC: %w", err)
	}
	if len(addr) != len(MAC{}) {
		return MAC{}, fmt.Errorf("parsing MAC: %s has %d bytes, want 6", s, len(addr))
	}
	return MAC(addr), nil
}

// IsZero reports whether m is unset; all zeros is also how the kernel writes
// an LACP partner that was never heard.
func (m MAC) IsZero() bool { return m == MAC{} }

func (m MAC) String() string { return net.HardwareAddr(m[:]).String() }

// MarshalText writes m as String does.
func (m MAC) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads what ParseMAC does.
func (m *MAC) UnmarshalText(text []byte) error {
	parsed, err := ParseMAC(string(text))
	if err != nil {
		return err
	}
	*m = parsed
	return nil
}
