// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"path/filepath"
	"regexp"
	"strconv"
)

var release = regexp.MustCompile(`^1\.(\d{1,2})\.\d{1,3}$`)

// The releases of Kubernetes, by their second number, that decide.
const (
	firstWithV1beta4      = 31 // kubeadm.k8s.io/v1beta4
	firstWithoutDocker    = 24 // dockershim was removed (KEP-2221)
	firstWithoutCgroupsV1 = 35 // kubelet's failCgroupV1 became true (KEP-5573)
	lastTested            = 37
)

// minor is the second number of a release; false for what is none.
func (k Kubernetes) minor() (int, bool) {
	m := release.FindStringSubmatch(k.Version)
	if m == nil {
		return 0, false
	}
	n, err := strconv.Atoi(m[1])
	return n, err == nil
}

func (c *checker) kubernetes(s Spec) {
	const path = "spec.kubernetes.version"
	switch minor, ok := s.Kubernetes.minor(); {
	case !ok:
		c.errorf(path, "%q is no release; want one such as 1.37.2", s.Kubernetes.Version)
	case minor < firstWithV1beta4:
		c.errorf(path, "%s is older than 1.%d, the first release that reads kubeadm.k8s.io/v1beta4", s.Kubernetes.Version, firstWithV1beta4)
	case minor > lastTested:
		c.warnf(path, "%s is newer than 1.%d, the last that this version was tested with", s.Kubernetes.Version, lastTested)
	}
	if s.Packages.Folder != "" && !filepath.IsAbs(s.Packages.Folder) {
		c.errorf("spec.packages.folder", "%q is not an absolute path", s.Packages.Folder)
	}
}

// runtime refuses pairs of a release and a runtime that do not exist.
func (c *checker) runtime(s Spec) {
	minor, known := s.Kubernetes.minor()
	c.dockerBridge(s.Runtime)
	if !known {
		return
	}
	c.docker(s.Runtime, minor)
	if s.Runtime.Cgroups != CgroupsV1 {
		return
	}
	if minor >= firstWithoutCgroupsV1 {
		c.errorf("spec.runtime.cgroups", "v1 has no kubelet from Kubernetes 1.%d on, the plan has %s; want v2 (boot with systemd.unified_cgroup_hierarchy=1)", firstWithoutCgroupsV1, s.Kubernetes.Version)
		return
	}
	c.warnf("spec.runtime.cgroups", "v1 is in maintenance only and gone from Kubernetes 1.%d on; want v2", firstWithoutCgroupsV1)
}

func (c *checker) docker(r Runtime, minor int) {
	switch {
	case r.Name != Docker && r.CRIDockerd:
		c.errorf("spec.runtime.criDockerd", "is for docker, the runtime is %s; leave it out", r.Name)
	case r.Name != Docker:
	case minor >= firstWithoutDocker && !r.CRIDockerd:
		c.errorf("spec.runtime.name", "docker is no runtime for Kubernetes 1.%d: from 1.%d on kubelet needs cri-dockerd before it; want containerd", minor, firstWithoutDocker)
	default:
		c.errorf("spec.runtime.name", "docker can be the runtime of Kubernetes 1.%d, but this version of nodeprep prepares hosts with containerd alone; want containerd", minor)
	}
}

// dockerBridge wants an address of docker's own, not the network.
func (c *checker) dockerBridge(r Runtime) {
	const path = "spec.runtime.dockerBridge"
	b := r.DockerBridge
	switch {
	case !b.IsValid():
	case !b.Addr().Is4():
		c.errorf(path, "%s is not IPv4", b)
	case b.Addr() == b.Masked().Addr():
		c.errorf(path, "%s is the network; docker's bip is the bridge's own address, such as %s/%d", b, b.Addr().Next(), b.Bits())
	}
}

// endpoint wants the API server's address to be the control plane's: kubeadm
// puts no other into the certificate.
func (c *checker) endpoint(s Spec) {
	const path = "spec.kubernetes.apiEndpoint"
	ep := s.Kubernetes.APIEndpoint
	switch {
	case !ep.IsValid():
		c.errorf(path, "is missing; want an address and port such as 192.168.9.193:6443")
		return
	case ep.Port() == 0:
		c.errorf(path, "%s has no port that one can listen on; want one such as 6443", ep)
		return
	}
	plane := ""
	for _, n := range s.Nodes {
		if n.Role == "" || !n.Address.IsValid() {
			return // reported there; whose address this is cannot be told
		}
		if n.Role == ControlPlane && n.Address.Addr() == ep.Addr() {
			return
		}
		if n.Role == ControlPlane {
			plane = n.Address.Addr().String()
		}
	}
	if plane == "" {
		return // that no node is a control plane was said
	}
	for _, r := range s.AllRacks() {
		if r.NodeNetwork.Subnet.Contains(ep.Addr()) {
			c.errorf(path, "%s is the address of no control plane; want %s", ep.Addr(), plane)
			return
		}
	}
	c.errorf(path, "%s is in no network of the plan, and not in the API server's certificate; want the control plane's %s", ep.Addr(), plane)
}
