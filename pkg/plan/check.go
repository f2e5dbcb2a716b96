// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/yamldoc"
)

// label is a DNS label (RFC 1123 section 2.1), which host and object names are.
var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// A checker holds a plan against itself and collects what is to be said.
type checker struct {
	report    Report
	places    []place // of each node, in the order of Spec.Nodes
	addresses seen    // of gateways, leaves and nodes
	partial   bool    // of some pool the nodes cannot be told, which was said

	repeats map[string]int // of one problem within one pool
	counted []counted
}

func newChecker() *checker {
	return &checker{addresses: seen{}, repeats: map[string]int{}}
}

func (c *checker) check(p Plan) {
	s := p.Spec
	c.header(p)
	c.bond(s)
	c.fabric(s)
	c.racks(s)
	c.asn(s)
	c.pods(s)
	c.services(s)
	c.loadBalancers(s)
	c.overlaps(s)
	c.kubernetes(s)
	c.manifest(s)
	c.nodes(s)
	c.endpoint(s)
	c.aci(s)
	c.count()
}

func (c *checker) errorf(path, format string, args ...any) {
	c.add(Error, path, format, args...)
}

func (c *checker) warnf(path, format string, args ...any) {
	c.add(Warning, path, format, args...)
}

// add says a thing. What is wrong with one node of a pool is often wrong with
// all of them: the first is shown, the others are counted.
func (c *checker) add(s Severity, path, format string, args ...any) {
	if strings.HasPrefix(path, "spec.pools[") {
		key := path + format
		if c.repeats[key]++; c.repeats[key] > 1 {
			return
		}
		c.counted = append(c.counted, counted{len(c.report), key})
	}
	c.report = append(c.report, Problem{s, yamldoc.Problem{Path: path, Message: fmt.Sprintf(format, args...)}})
}

// A counted problem stands at a place in the report for all of its key.
type counted struct {
	at  int
	key string
}

// count adds to the problems of pools how many more there are.
func (c *checker) count() {
	for _, p := range c.counted {
		if more := c.repeats[p.key] - 1; more > 0 {
			c.report[p.at].Message += fmt.Sprintf(" (and %d more of this pool)", more)
		}
	}
}

func (c *checker) header(p Plan) {
	if p.APIVersion != APIVersion {
		c.errorf("apiVersion", "is %q, want %s", p.APIVersion, APIVersion)
	}
	if p.Kind != Kind {
		c.errorf("kind", "is %q, want %s", p.Kind, Kind)
	}
	if !label.MatchString(p.Metadata.Name) {
		c.errorf("metadata.name", "%q is no DNS label (lower-case letters, digits, dashes)", p.Metadata.Name)
	}
	for part := range strings.SplitSeq(p.Spec.Domain, ".") {
		if !label.MatchString(part) {
			c.errorf("spec.domain", "%q is no DNS domain", p.Spec.Domain)
			return
		}
	}
	c.longestName(p)
}

// maxNodeName is the most characters of a node's name: kubelet makes it the
// value of the label kubernetes.io/hostname, and hosts have it as hostname
// (64, sethostname(2)).
const maxNodeName = 63

func (c *checker) longestName(p Plan) {
	longest := ""
	for _, n := range p.Spec.Nodes {
		if name := p.FQDN(n); len(name) > len(longest) {
			longest = name
		}
	}
	if len(longest) > maxNodeName {
		c.errorf("spec.domain", "makes the node's name %s of %d characters; want at most %d, which Kubernetes takes as the value of a label", longest, len(longest), maxNodeName)
	}
}

// text is "" for an address that is missing: two of those are not one twice.
func text(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// seen maps a value to the path where it was met first.
type seen map[string]string

func (s seen) first(value, path string) (string, bool) {
	if at, ok := s[value]; ok {
		return at, false
	}
	s[value] = path
	return path, true
}

func (c *checker) unique(path, value string, s seen) {
	if at, ok := s.first(value, path); !ok && value != "" {
		c.errorf(path, "%s is taken by %s", value, at)
	}
}

func (c *checker) name(path, name string, s seen) {
	if !label.MatchString(name) {
		c.errorf(path, "%q is no DNS label (lower-case letters, digits, dashes)", name)
		return
	}
	c.unique(path, name, s)
}
