// SPDX-License-Identifier: Apache-2.0

package netcfg

import (
	"fmt"
	"net"
)

// mac is a 48-bit link-layer address. Unlike net.HardwareAddr it can be
// compared, and reads as text in JSON.
type mac [6]byte

// parseMAC reads an address such as 00:00:5e:00:53:01.
func parseMAC(s string) (mac, error) {
	addr, err := net.ParseMAC(s)
	if err != nil {
		return mac{}, fmt.Errorf("parsing MAC: %w", err)
	}
	if len(addr) != len(mac{}) {
		return mac{}, fmt.Errorf("parsing MAC: %s has %d bytes, want 6", s, len(addr))
	}
	return mac(addr), nil
}

// IsZero reports whether m is unset; all zeros is also how the kernel writes
// an LACP partner that was never heard.
func (m mac) IsZero() bool { return m == mac{} }

func (m mac) String() string { return net.HardwareAddr(m[:]).String() }

// MarshalText writes m as String does.
func (m mac) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads what parseMAC does.
func (m *mac) UnmarshalText(text []byte) error {
	parsed, err := parseMAC(string(text))
	if err != nil {
		return err
	}
	*m = parsed
	return nil
}
