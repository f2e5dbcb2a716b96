// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/nodeprep/nodeprep/lab/stack"
	"github.com/nodeprep/nodeprep/pkg/command"
)

// Names returns the full references of the images that a node pulls, by the
// last part of their repository ("kube-apiserver", "etcd", "node", …). The
// first ones are what the kubeadm binary prints, the rest is in Calico's
// manifest, a path.
func Names(ctx context.Context, kubeadm, manifest string) (map[string]string, error) {
	refs, err := kubernetesRefs(ctx, kubeadm)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(manifest)
	if err != nil {
		return nil, fmt.Errorf("reading Calico's manifest: %w", err)
	}
	return byName(append(refs, calicoRefs(string(text))...))
}

func kubernetesRefs(ctx context.Context, kubeadm string) ([]string, error) {
	versions, err := stack.ReadVersions(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the stack's versions: %w", err)
	}
	// A version that is spelt out keeps kubeadm from asking dl.k8s.io.
	out, err := command.Run(ctx, command.New(kubeadm, "config", "images", "list",
		"--kubernetes-version", versions.Kubernetes))
	if err != nil {
		return nil, fmt.Errorf("asking kubeadm for its images: %w", err)
	}
	return strings.Fields(out), nil
}

func calicoRefs(manifest string) []string {
	var refs []string
	for _, match := range regexp.MustCompile(`(?m)^\s*(?:- )?image:\s*(\S+)\s*$`).FindAllStringSubmatch(manifest, -1) {
		refs = append(refs, match[1])
	}
	slices.Sort(refs)
	return slices.Compact(refs)
}

func byName(refs []string) (map[string]string, error) {
	names := make(map[string]string, len(refs))
	for _, ref := range refs {
		repository, _, tagged := strings.Cut(path.Base(ref), ":")
		if !tagged {
			return nil, fmt.Errorf("image %q has no tag", ref)
		}
		if other, taken := names[repository]; taken {
			return nil, fmt.Errorf("images %s and %s have the same last name", other, ref)
		}
		names[repository] = ref
	}
	return names, nil
}
