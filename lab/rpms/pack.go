// SPDX-License-Identifier: Apache-2.0

package rpms

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/goreleaser/nfpm/v2"
	nfiles "github.com/goreleaser/nfpm/v2/files"
	"github.com/goreleaser/nfpm/v2/rpm"
)

// compression is zstd at its fastest: hosts unpack under emulation, where both
// reading the package and decompressing it cost time.
const compression = "zstd:1"

// packed is the time that all packages and files bear, so that the same inputs
// make the same package to the byte.
func packed() time.Time { return time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC) }

// pack writes s as an RPM into folder out and returns its path. The folder
// scratch takes the texts on their way.
func pack(s spec, scratch, out string) (string, error) {
	info, err := describe(s, scratch)
	if err != nil {
		return "", fmt.Errorf("describing package %s: %w", s.name, err)
	}
	path := filepath.Join(out, fmt.Sprintf("%s-%s-%s.%s.rpm", s.name, s.version, s.release, s.arch))
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	if err := errors.Join(rpm.DefaultRPM.Package(info, f), f.Close()); err != nil {
		return "", fmt.Errorf("writing package %s: %w", path, err)
	}
	return path, nil
}

func describe(s spec, scratch string) (*nfpm.Info, error) {
	contents, err := list(s, scratch)
	if err != nil {
		return nil, err
	}
	info := &nfpm.Info{
		Name: s.name, Arch: s.arch, Platform: "linux",
		Version: s.version, VersionSchema: "none", Release: s.release,
		Description: s.summary, License: s.license, Homepage: s.url, Vendor: "nodeprep lab",
		DisableGlobbing: true, MTime: packed(),
		Overridables: nfpm.Overridables{
			Provides: s.provides, Depends: s.requires, Recommends: s.recommends, Conflicts: s.conflicts,
			Contents: contents,
			RPM:      nfpm.RPM{Summary: s.summary, Compression: compression, BuildHost: "lab"},
		},
	}
	return info, scriptlets(s, scratch, info)
}

func list(s spec, scratch string) (nfiles.Contents, error) {
	var all nfiles.Contents
	for _, at := range s.folders {
		all = append(all, &nfiles.Content{Destination: at, Type: nfiles.TypeDir, FileInfo: owned(0o755)})
	}
	for _, c := range s.contents {
		source := c.from
		if source == "" {
			var err error
			if source, err = jot(scratch, s.name+strings.ReplaceAll(c.at, "/", "_"), c.text); err != nil {
				return nil, err
			}
		}
		kind := nfiles.TypeFile
		if c.config {
			kind = nfiles.TypeConfigNoReplace
		}
		all = append(all, &nfiles.Content{Source: source, Destination: c.at, Type: kind, FileInfo: owned(c.mode)})
	}
	return all, nil
}

func owned(mode uint32) *nfiles.ContentFileInfo {
	return &nfiles.ContentFileInfo{Owner: "root", Group: "root", Mode: os.FileMode(mode), MTime: packed()}
}

// hook says which of a package's scriptlets runs which text.
type hook struct {
	into       *string
	kind, text string
}

// scriptlets writes those that s needs and sets their paths in info.
func scriptlets(s spec, scratch string, info *nfpm.Info) error {
	var hooks []hook
	if s.unit != "" {
		hooks = append(hooks,
			hook{&info.Scripts.PostInstall, "post", scriptlet(afterInstall, s.unit)},
			hook{&info.Scripts.PreRemove, "preun", scriptlet(beforeRemoval, s.unit)})
	}
	if s.unit != "" || s.dropIn {
		hooks = append(hooks,
			hook{&info.RPM.Scripts.PostTrans, "posttrans", reload},
			hook{&info.Scripts.PostRemove, "postun", reload})
	}
	var errs []error
	for _, h := range hooks {
		var err error
		*h.into, err = jot(scratch, s.name+"."+h.kind, h.text)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func jot(folder, name, text string) (string, error) {
	path := filepath.Join(folder, name)
	return path, os.WriteFile(path, []byte(text), 0o644)
}
