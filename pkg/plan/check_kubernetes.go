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
	firstWithV1beta4 = 31 // kubeadm.k8s.io/v1beta4
	lastTested       = 37
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

// Since tells whether the release is 1.minor or a later one.
func (k Kubernetes) Since(minor int) bool {
	n, ok := k.minor()
	return ok && n >= minor
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
	switch folder := s.Packages.Folder; {
	case folder == "":
	case !filepath.IsAbs(folder):
		c.errorf("spec.packages.folder", "%q is not an absolute path", folder)
	case !plain.MatchString(folder):
		c.errorf("spec.packages.folder", "%q has characters that dnf's baseurl and a kickstart line would take otherwise; want letters, digits and / . _ + -", folder)
	}
}

// plain is what stands as it is in a list of URLs, in dnf's files and in a shell.
var plain = regexp.MustCompile(`^[A-Za-z0-9/._+-]*$`)

// manifest warns of what `joinsvc serve` does not start with. It is no error:
// leaves and hosts can be made ready by a plan without it.
func (c *checker) manifest(s Spec) {
	const path = "spec.calico.manifest"
	switch file := s.Calico.Manifest; {
	case file == "":
		c.warnf(path, "is missing; `joinsvc serve` does not start without it: want the file of Calico's manifest on joinsvc's machine, such as /etc/joinsvc/calico.yaml")
	case !filepath.IsAbs(file):
		c.warnf(path, "%q is not an absolute path; `joinsvc serve` looks for it in the folder that it is started in, which under systemd is /", file)
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
