// SPDX-License-Identifier: Apache-2.0

package kubeadm

import (
	"context"
	"fmt"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/command"
)

// SandboxImage asks the installed kubeadm which pause image its release wants,
// for example "registry.k8s.io/pause:3.10.1". Only kubeadm knows: the image's
// version is a constant of each release (cmd/kubeadm/app/constants).
func (n Node) SandboxImage(ctx context.Context, release string) (string, error) {
	// With the version given, kubeadm asks nobody on the Internet for it.
	out, err := n.Run(ctx, command.New("kubeadm", "config", "images", "list", "--kubernetes-version", "v"+release))
	if err != nil {
		return "", fmt.Errorf("asking kubeadm for its images: %w", err)
	}
	for image := range strings.FieldsSeq(out) {
		if strings.Contains(image, "/pause:") {
			return image, nil
		}
	}
	return "", fmt.Errorf("asking kubeadm for its images: no pause image among %q", strings.Fields(out))
}
