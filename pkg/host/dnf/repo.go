// SPDX-License-Identifier: Apache-2.0

package dnf

import (
	"context"
	"fmt"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/phase"
	"github.com/nodeprep/nodeprep/pkg/rooted"
)

// A Repo is a folder on the host that holds packages and their repodata.
type Repo struct {
	Root   rooted.Root
	ID     string // names the file /etc/yum.repos.d/<ID>.repo too
	Folder string // absolute path
	// Pinned packages are hidden from every transaction but ours, so that a
	// plain `dnf upgrade` does not take Kubernetes along.
	Pinned []string
}

// Plan compares the repository's file.
func (r Repo) Plan(ctx context.Context) ([]phase.Change, error) {
	if !r.Root.Exists(r.Folder + "/repodata/repomd.xml") {
		return nil, fmt.Errorf("package folder %s has no repodata/repomd.xml: put the packages there and run `createrepo_c %s`", r.Folder, r.Folder)
	}
	return rooted.File{Root: r.Root, Name: r.file(), Content: r.content(), Mode: 0o644}.Plan(ctx)
}

func (r Repo) file() string { return "/etc/yum.repos.d/" + r.ID + ".repo" }

// content is the file as dnf.conf(5) has it. Packages are not checked against
// a key: the folder is as much root's own as the key would be. Metadata is
// read anew when it is older than two seconds, since a folder changes without
// notice and costs nothing to read.
func (r Repo) content() string {
	var b strings.Builder
	b.WriteString("# Written by nodeprep, see dnf.conf(5).\n")
	fmt.Fprintf(&b, "[%s]\nname=Package folder of the cluster's plan\nbaseurl=file://%s\n", r.ID, r.Folder)
	b.WriteString("enabled=1\ngpgcheck=0\nrepo_gpgcheck=0\nskip_if_unavailable=0\nmetadata_expire=1\n")
	if len(r.Pinned) > 0 {
		fmt.Fprintf(&b, "excludepkgs=%s\n", strings.Join(r.Pinned, ","))
	}
	return b.String()
}
