// SPDX-License-Identifier: Apache-2.0

package aci

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// The contracts that every cluster has. CNT_K8_APP_<name> comes with each
// application.
const (
	management = "LINUX_MGMT"    // from outside to the nodes
	internet   = "INTERNET"      // from nodes, and pods if the plan says so, to outside
	apiServer  = "K8_API_SERVER" // between nodes and pods
)

// An entry is what a filter lets through: a protocol and, for TCP and UDP, the
// port that is called. One without a protocol lets everything through.
type entry struct {
	name, protocol string
	port           uint16
}

// contracts are the filters and the contracts that use them, one each.
func (l layout) contracts() []*Object {
	objects := slices.Concat(
		contract(management,
			entry{"ssh", "tcp", 22},
			entry{"icmp", "icmp", 0},
			entry{"kube-apiserver", "tcp", l.Spec.Kubernetes.APIEndpoint.Port()}, // kubectl and joinsvc
		),
		contract(internet,
			entry{"http", "tcp", 80},
			entry{"https", "tcp", 443},
			entry{"ssh", "tcp", 22},
			entry{"icmp", "icmp", 0},
			entry{"dns", "udp", 53},
			entry{"dns-tcp", "tcp", 53},
			entry{"ntp", "udp", 123},
			entry{"joinsvc", "tcp", 8443}, // where it listens unless told otherwise
		),
		contract(apiServer, entry{name: "any"}),
	)
	for _, app := range l.aci.Applications {
		var entries []entry
		for _, port := range app.Ports {
			entries = append(entries, entry{fmt.Sprintf("tcp-%d", port), "tcp", port})
		}
		objects = append(objects, contract(appSuffix(app), entries...)...)
	}
	return objects
}

// appSuffix ends the names of an application's objects.
func appSuffix(a plan.Application) string { return "K8_APP_" + a.Name }

func appName(kind string, a plan.Application) string { return kind + "_" + appSuffix(a) }

// contract is a filter and a contract of one subject, in the scope of the VRF.
// Replies pass, for the subject's filter is reversed for them.
func contract(suffix string, entries ...entry) []*Object {
	filter, subject, name := "FLT_"+suffix, "SBJ_"+suffix, "CNT_"+suffix
	f := mo("vzFilter", "flt-"+filter, attributes{"name": filter})
	for _, e := range entries {
		f.Children = append(f.Children, mo("vzEntry", "e-"+e.name, e.attributes()))
	}
	return []*Object{f, mo("vzBrCP", "brc-"+name, attributes{"name": name, "scope": "context"},
		mo("vzSubj", "subj-"+subject, attributes{"name": subject, "revFltPorts": "yes"},
			mo("vzRsSubjFiltAtt", "rssubjFiltAtt-"+filter, attributes{"tnVzFilterName": filter})))}
}

func (e entry) attributes() attributes {
	switch e.protocol {
	case "":
		return attributes{"name": e.name, "etherT": "unspecified"}
	case "icmp":
		return attributes{"name": e.name, "etherT": "ip", "prot": "icmp"}
	}
	port := portName(e.port)
	attrs := attributes{"name": e.name, "etherT": "ip", "prot": e.protocol, "dFromPort": port, "dToPort": port}
	if e.protocol == "tcp" {
		attrs["stateful"] = "yes" // replies need the ACK flag
	}
	return attrs
}

// portName is a port as the APIC prints it. It takes numbers for these too, but
// what is read back would then differ from what was written.
func portName(port uint16) string {
	names := map[uint16]string{
		20: "ftpData", 22: "ssh", 25: "smtp", 53: "dns", 80: "http", 110: "pop3", 443: "https", 554: "rtsp",
	}
	if name, ok := names[port]; ok {
		return name
	}
	return strconv.Itoa(int(port))
}
