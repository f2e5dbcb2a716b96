// SPDX-License-Identifier: Apache-2.0

package aci

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// maxReport bounds a host's report: thousands of neighbours fit, and a file that
// is something else altogether does not fill the memory.
const maxReport = 1 << 20

// ReadLLDP reads what `lldpctl -f json` printed on the hosts, a file <node>.json
// each, at the root of fsys; other files are let be. Interfaces whose neighbour
// is no ACI leaf are left out. The error joins what is wrong with every file.
func ReadLLDP(fsys fs.FS) (Cabling, error) {
	names, err := fs.Glob(fsys, "*.json")
	if err != nil {
		return nil, fmt.Errorf("listing the LLDP reports: %w", err)
	}
	cabling := Cabling{}
	var errs []error
	for _, name := range names {
		ports, err := readReport(fsys, name)
		if err != nil {
			errs = append(errs, fmt.Errorf("reading the LLDP report %s: %w", name, err))
			continue
		}
		cabling[strings.TrimSuffix(path.Base(name), ".json")] = ports
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return cabling, nil
}

func readReport(fsys fs.FS, name string) (map[string]LeafPort, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxReport {
		return nil, fmt.Errorf("has %d bytes, want at most %d; write it with lldpctl -f json", info.Size(), maxReport)
	}
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	return parseReport(data)
}

// parseReport reads one host's report.
func parseReport(data []byte) (map[string]LeafPort, error) {
	var r report
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("decoding what lldpctl -f json prints: %w", err)
	}
	if r.LLDP == nil {
		return nil, errors.New(`has no "lldp"; write it with lldpctl -f json`)
	}
	ports := map[string]LeafPort{}
	for _, n := range r.LLDP.Interface {
		port, ok := parseLeafPort(n.Port.Descr)
		if !ok {
			continue
		}
		if other, twice := ports[n.name]; twice && other != port {
			return nil, fmt.Errorf("%s sees two leaf ports, %s and %s; what is between them must not forward LLDP", n.name, other, port)
		}
		ports[n.name] = port
	}
	return ports, nil
}

// A report is what lldpctl prints, as far as it is used here.
type report struct {
	LLDP *struct {
		Interface neighbours `json:"interface"`
	} `json:"lldp"`
}

// A neighbour is what lldpd tells of one interface.
type neighbour struct {
	name string
	Port struct {
		Descr string `json:"descr"`
	} `json:"port"`
}

// neighbours are an object with one member, or a list of such objects: lldpd's
// JSON writer leaves out the list where there is one neighbour only.
type neighbours []neighbour

// UnmarshalJSON reads either form.
func (n *neighbours) UnmarshalJSON(data []byte) error {
	var list []map[string]neighbour
	if len(data) > 0 && data[0] == '{' {
		list = make([]map[string]neighbour, 1)
		if err := json.Unmarshal(data, &list[0]); err != nil {
			return err
		}
	} else if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	for _, members := range list {
		for name, one := range members {
			one.name = name
			*n = append(*n, one)
		}
	}
	return nil
}

// leafPath is the port description that an ACI leaf sends: the path's
// distinguished name in the APIC. Ports of fabric extenders have extpaths in it.
var leafPath = regexp.MustCompile(`^topology/pod-([1-9]\d{0,2})/paths-([1-9]\d{2,3})/pathep-\[eth([1-9]\d{0,2}/[1-9]\d{0,2})\]$`)

func parseLeafPort(descr string) (LeafPort, bool) {
	m := leafPath.FindStringSubmatch(descr)
	if m == nil {
		return LeafPort{}, false
	}
	pod, err := strconv.ParseUint(m[1], 10, 8)
	node, _ := strconv.ParseUint(m[2], 10, 16) // four digits fit
	return LeafPort{Pod: uint8(pod), Node: uint16(node), ID: m[3]}, err == nil
}
