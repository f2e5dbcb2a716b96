// SPDX-License-Identifier: Apache-2.0

// Package imported makes a plan of the files that a cluster was set up with by
// hand: the hosts' ifcfg files and the objects of Calico and MetalLB. It finds
// where they contradict one another, and says what they cannot tell.
package imported

import (
	"fmt"
	"net/netip"
	"path"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/draft"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// A File is one of those files. ifcfg files that share a folder are of one host.
type File struct {
	Name    string
	Content []byte
}

// Hints are what no such file says. What is left out is a gap of the result.
type Hints struct {
	Cluster       string
	ControlPlanes []string // names of nodes, short or fully qualified
	APIEndpoint   netip.AddrPort
	Release       string
	Services      netip.Prefix
	MACs          map[string][]plan.MAC // by the node's short name
}

// A Place is a line of a file; line 0 is the file as a whole.
type Place struct {
	File string `json:"file"`
	Line int    `json:"line,omitempty"`
}

// String is the place in the form that editors jump to: "ifcfg-bond0:3".
func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// A Problem is something in a file that cannot be read, contradicts another
// one, or that no plan can say.
type Problem struct {
	Place
	Message string `json:"message"`
}

// String returns "file:line: message".
func (p Problem) String() string { return p.Place.String() + ": " + p.Message }

// A Gap is a field that the files do not tell.
type Gap struct {
	Path string `json:"path"` // "spec.kubernetes.version"
	Want string `json:"want"` // what it wants, and the flag that gives it
}

// A Result is the plan with all that is to be said about it.
type Result struct {
	Draft    draft.Draft
	Problems []Problem
	Gaps     []Gap
}

// Plan reads the files and puts together what they say. Of values that
// contradict one another, the first one is taken.
func Plan(files []File, hints Hints) Result {
	c := collector{nodeAt: map[string]Place{}}
	var interfaces []ifcfg
	for _, f := range files {
		if isIfcfg(f) {
			interfaces = append(interfaces, c.readIfcfg(f))
			continue
		}
		c.readObjects(f)
	}
	c.hosts(interfaces)
	b := builder{collector: &c, hints: hints, spec: &plan.Spec{}}
	b.build()
	return Result{Draft: b.draft, Problems: c.problems, Gaps: b.gaps}
}

// isIfcfg goes by the name that network scripts need, or else by the first line
// that says something: an assignment, which no YAML begins with.
func isIfcfg(f File) bool {
	if strings.HasPrefix(path.Base(f.Name), "ifcfg-") {
		return true
	}
	for line := range strings.Lines(string(f.Content)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return assignment.MatchString(line)
		}
	}
	return false
}

// A fact is a value with the place that told it first.
type fact[T any] struct {
	value T
	at    Place
	known bool
}

// learn takes a value, or reports that it contradicts the one that is known.
func learn[T any](c *collector, f *fact[T], what string, value T, at Place) {
	if !f.known {
		*f = fact[T]{value, at, true}
		return
	}
	if was, is := fmt.Sprint(f.value), fmt.Sprint(value); was != is {
		c.problem(at, "%s is %s here, but %s in %s; the latter is taken", what, is, was, f.at)
	}
}

// collector is what the files say.
type collector struct {
	problems []Problem

	subnet                  fact[netip.Prefix]
	vlan                    fact[uint16]
	gateway                 fact[netip.Addr]
	dns                     fact[[]netip.Addr]
	domain                  fact[string]
	bond                    bonding
	addresses               []host
	nodes                   []calicoNode
	nodeAt                  map[string]Place // by name
	peers                   []peer
	pods                    fact[netip.Prefix]
	blockSize               fact[int]
	services, loadBalancers fact[netip.Prefix]
	commonASN, fabricASN    fact[uint32]
	unused                  []string // files that say nothing that a plan has
}

func (c *collector) problem(at Place, format string, args ...any) {
	c.problems = append(c.problems, Problem{at, draft.Printable(fmt.Sprintf(format, args...))})
}
