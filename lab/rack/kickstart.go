// SPDX-License-Identifier: Apache-2.0

package rack

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/nodeprep/nodeprep/lab/vm"
	"github.com/nodeprep/nodeprep/pkg/fabric/leaf"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// writeKickstart fills the folder that a machine's kickstart unit reads.
func (r *Rack) writeKickstart(name, dir string) error {
	files, err := r.kickstartFiles(name)
	if err != nil {
		return fmt.Errorf("kickstart of %s: %w", name, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("kickstart of %s: %w", name, err)
	}
	for file, content := range files {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
			return fmt.Errorf("kickstart of %s: %w", name, err)
		}
	}
	return nil
}

func (r *Rack) kickstartFiles(name string) (map[string]string, error) {
	if name == Infra {
		return r.infraFiles()
	}
	for _, h := range r.Hosts {
		if h.Name == name {
			return map[string]string{"post.sh": hostScript(h)}, nil
		}
	}
	return nil, fmt.Errorf("no machine %q in the plan", name)
}

func (r *Rack) infraFiles() (map[string]string, error) {
	calico, err := r.calicoManifest()
	if err != nil {
		return nil, err
	}
	files := map[string]string{
		"post.sh": infraScript(r.Topology), "plan.yaml": string(r.config.Plan),
		"calico.yaml": string(calico), "joinsvc.yaml": serviceConfig(),
	}
	for _, l := range r.Plan.Spec.Fabric.Leaves {
		config, err := leaf.FRR(r.Plan, l.Name)
		if err != nil {
			return nil, err
		}
		files[l.Name+".conf"] = string(config)
	}
	return files, nil
}

// calicoManifest is what the operator hands to joinsvc: as its makers ship it,
// except where a host is emulated.
func (r *Rack) calicoManifest() ([]byte, error) {
	manifest, err := os.ReadFile(r.config.CalicoManifest)
	if err != nil || r.config.Accel == vm.KVM {
		return manifest, err
	}
	return lean(manifest)
}

// enrolmentDir is shared with every host.
func (r *Rack) enrolmentDir() string { return filepath.Join(r.config.Dir, "enrolment") }

// HandOut writes the enrolment line for the hosts of a role, which wait for it.
// A rename makes it appear whole: the host reads it the moment it is there.
func (r *Rack) HandOut(role plan.Role, token string) error {
	final := filepath.Join(r.enrolmentDir(), enrolmentFile(role))
	if err := os.WriteFile(final+".new", []byte(enrolment(token)), 0o600); err != nil {
		return fmt.Errorf("writing the enrolment line: %w", err)
	}
	if err := os.Rename(final+".new", final); err != nil {
		return fmt.Errorf("writing the enrolment line: %w", err)
	}
	return nil
}
