// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"path/filepath"
	"strings"

	"github.com/spf13/viper"
)

const defaultConfig = "/etc/joinsvc/joinsvc.yaml"

// config is joinsvc's own configuration; what the cluster should be is in the
// plan. A key can be set by the environment too: JOINSVC_LISTEN.
type config struct {
	Plan        string   `mapstructure:"plan"`        // file of the ClusterPlan
	Listen      string   `mapstructure:"listen"`      // address:port for the hosts
	Names       []string `mapstructure:"names"`       // further names and addresses of the server certificate
	DataDir     string   `mapstructure:"dataDir"`     // CA, keys and etcd
	AdminSocket string   `mapstructure:"adminSocket"` // where status and token create ask
}

// loadConfig reads file, or the default file if there is one. Unknown keys are
// errors.
func loadConfig(file string) (config, error) {
	v := viper.New()
	v.SetDefault("plan", "/etc/joinsvc/plan.yaml")
	v.SetDefault("listen", ":8443")
	v.SetDefault("names", []string{})
	v.SetDefault("dataDir", "/var/lib/joinsvc")
	v.SetDefault("adminSocket", "/run/joinsvc/admin.sock")
	v.SetEnvPrefix("JOINSVC")
	v.AutomaticEnv()
	v.SetConfigType("yaml")
	v.SetConfigFile(defaultConfig)
	if file != "" {
		v.SetConfigFile(file)
	}
	err := v.ReadInConfig()
	if err != nil && (file != "" || !errors.Is(err, fs.ErrNotExist)) {
		return config{}, fmt.Errorf("reading the configuration %s: %w", v.ConfigFileUsed(), err)
	}
	var c config
	if err := v.UnmarshalExact(&c); err != nil {
		return config{}, fmt.Errorf("reading the configuration %s: %w; known settings: plan, listen, names, dataDir, adminSocket", v.ConfigFileUsed(), err)
	}
	return c, c.check()
}

// check reports every problem at once.
func (c config) check() error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if _, err := c.serverNames(); err != nil {
		problems = append(problems, err)
	}
	for key, path := range map[string]string{"plan": c.Plan, "dataDir": c.DataDir, "adminSocket": c.AdminSocket} {
		if !filepath.IsAbs(path) {
			add("%s: %q is not an absolute path", key, path)
		}
	}
	for i, name := range c.Names {
		if name == "" || strings.ContainsAny(name, ":/ ") && net.ParseIP(name) == nil {
			add("names[%d]: %q is neither a host name nor an address", i, name)
		}
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("the configuration has %d error(s):\n%w", len(problems), err)
	}
	return nil
}

// serverNames are the names that hosts may call this server by: the address
// that it listens on, or each of the machine's when it listens on all.
func (c config) serverNames() ([]string, error) {
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil || port == "" {
		return nil, fmt.Errorf("listen: %q is not address:port", c.Listen)
	}
	names := append([]string{}, c.Names...)
	addr, err := netip.ParseAddr(host)
	if host != "" && (err != nil || !addr.IsUnspecified()) {
		return append(names, host), nil
	}
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("reading the machine's addresses: %w", err)
	}
	for _, a := range all {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			names = append(names, prefix.Addr().WithZone("").String())
		}
	}
	return names, nil
}
