// SPDX-License-Identifier: Apache-2.0

package containerd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// marker is the first line of a file that is ours to rewrite.
const marker = "# Written by nodeprep; remove this line to keep a version of your own."

// ours is the configuration in full. What it does not say is containerd's
// default: overlayfs, CNI in /opt/cni/bin and /etc/cni/net.d. Version 3 came
// with containerd 2.0 (docs/cri/config.md there).
func ours(sandboxImage string) string {
	return fmt.Sprintf(`%s
version = 3

[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = '%s'

# kubelet looks every ten seconds (cAdvisor's housekeeping interval). containerd
# 2.4 asks every pod's shim every second if not told otherwise.
[plugins.'io.containerd.cri.v1.runtime']
  stats_collect_period = '10s'

# One manager of cgroups: kubelet's driver is systemd too.
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = 'io.containerd.runc.v2'
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
    SystemdCgroup = true
`, marker, sandboxImage)
}

// config is as much of a foreign file as has to be right for kubelet.
type config struct {
	Disabled []string `toml:"disabled_plugins"`
	Plugins  map[string]struct {
		Containerd struct {
			Runtimes map[string]struct {
				Options struct {
					SystemdCgroup bool `toml:"SystemdCgroup"`
				} `toml:"options"`
			} `toml:"runtimes"`
		} `toml:"containerd"`
	} `toml:"plugins"`
}

// criPlugins are the names of the part that runs pods, in versions 3 and 2 of
// the configuration.
func criPlugins() []string {
	return []string{"io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri"}
}

// unfit says why a foreign configuration cannot stay, or "" if it can.
func unfit(content string) string {
	var c config
	if err := toml.Unmarshal([]byte(content), &c); err != nil {
		return "it is no TOML: " + strings.ReplaceAll(err.Error(), "\n", " ")
	}
	// The package of docker.com ships its file with disabled_plugins = ["cri"].
	for _, name := range append(criPlugins(), "cri") {
		if slices.Contains(c.Disabled, name) {
			return "it disables the plugin " + name
		}
	}
	for _, name := range criPlugins() {
		if c.Plugins[name].Containerd.Runtimes["runc"].Options.SystemdCgroup {
			return ""
		}
	}
	return "its runtime runc has no SystemdCgroup = true"
}
