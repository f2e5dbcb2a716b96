// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"github.com/spf13/viper"

	"github.com/nodeprep/nodeprep/pkg/identity"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

const (
	defaultConfigFile = "/etc/nodeprep/nodeprep.yaml"
	kernelCommandLine = "/proc/cmdline"
	tokenVariable     = "NODEPREP_TOKEN"
)

// config is how this host was told to find its plan: from joinsvc, or from a
// plan on its own disk.
type config struct {
	// Joinsvc is the coordinator's address, "https://10.9.0.2:8443".
	Joinsvc string `mapstructure:"joinsvc"`
	// Token admits the host once: "np1.<ca-sha256>.<id>.<secret>".
	Token string `mapstructure:"token"`
	// TokenFrom is where the token was found, for messages that may not show it.
	TokenFrom string `mapstructure:"-"`
	// Plan is a cluster plan on this disk; with Node it prepares the host
	// without joinsvc and stops before kubeadm.
	Plan string `mapstructure:"plan"`
	Node string `mapstructure:"node"`
	// StateDir keeps key, enrolment, network state and the last run.
	StateDir string `mapstructure:"stateDir"`
}

// keys are all settings; the same names serve file, environment, kernel
// command line and flags.
func keys() []string { return []string{"joinsvc", "token", "plan", "node", "stateDir"} }

// addConfigFlags gives a command the settings as flags. The token is not among
// them: arguments are readable by every user of the host (proc(5), cmdline).
func addConfigFlags(flags *pflag.FlagSet) {
	flags.String("joinsvc", "", "address of joinsvc, https://HOST:PORT")
	flags.String("plan", "", "cluster plan on this disk, instead of joinsvc")
	flags.String("node", "", "name of this host in --plan")
	flags.String("stateDir", "/var/lib/nodeprep", "folder of key, enrolment and state")
}

// loadConfig merges file, environment, kernel command line and flags, the
// later ones winning, and refuses unknown settings. A token of the kernel command
// line is taken once (takeToken). What is wrong with them is
// a *configError: no retry mends it, and the unit does not try (its
// RestartPreventExitStatus). A file that cannot be read now is none: a disk or a
// full table of files may pass.
func loadConfig(flags *pflag.FlagSet, cmdline string) (config, error) {
	c, err := mergeConfig(flags, cmdline)
	if err == nil {
		err = c.check()
	}
	var unread *fs.PathError
	if err != nil && !errors.As(err, &unread) {
		err = &configError{err}
	}
	return c, err
}

func mergeConfig(flags *pflag.FlagSet, cmdline string) (config, error) {
	v := viper.New()
	path, err := flags.GetString("config")
	if err != nil {
		return config{}, fmt.Errorf("reading --config: %w", err)
	}
	v.SetConfigFile(path)
	v.SetConfigType("yaml")
	if err := v.ReadInConfig(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return config{}, fmt.Errorf("reading %s: %w", path, err)
	}
	kernel, err := kernelSettings(cmdline)
	if err != nil {
		return config{}, err
	}
	if err := bind(v, flags, kernel); err != nil {
		return config{}, err
	}
	var c config
	if err := v.UnmarshalExact(&c); err != nil {
		return config{}, fmt.Errorf("reading %s: %w; known settings: %s", path, err, strings.Join(keys(), ", "))
	}
	c.TokenFrom = path
	if os.Getenv(tokenVariable) != "" {
		c.TokenFrom = tokenVariable + " in the environment"
	}
	return c, c.chooseToken(kernel["token"])
}

func bind(v *viper.Viper, flags *pflag.FlagSet, kernel map[string]string) error {
	for _, key := range keys() {
		if err := v.BindEnv(key, "NODEPREP_"+strings.ToUpper(key)); err != nil {
			return fmt.Errorf("binding the environment for %s: %w", key, err)
		}
		flag := flags.Lookup(key)
		if value, ok := kernel[key]; ok && key != "token" && (flag == nil || !flag.Changed) {
			v.Set(key, value)
			continue
		}
		if flag != nil {
			if err := v.BindPFlag(key, flag); err != nil {
				return fmt.Errorf("binding --%s: %w", key, err)
			}
		}
	}
	return nil
}

// kernelSettings reads nodeprep.KEY=VALUE from the kernel command line
// (Documentation/admin-guide/kernel-parameters.rst), where PXE puts them.
func kernelSettings(cmdline string) (map[string]string, error) {
	settings := map[string]string{}
	for field := range strings.FieldsSeq(cmdline) {
		rest, ours := strings.CutPrefix(field, "nodeprep.")
		if !ours {
			continue
		}
		key, value, _ := strings.Cut(rest, "=")
		if !slices.Contains(keys(), key) {
			return nil, fmt.Errorf("reading the kernel command line: unknown setting nodeprep.%s; known: %s", key, strings.Join(keys(), ", "))
		}
		settings[key] = value
	}
	return settings, nil
}

// commandLine returns the running kernel's command line, or nothing where /proc
// is not mounted.
func (here edges) commandLine() string {
	text, err := here.root.Read(kernelCommandLine)
	if err != nil {
		return ""
	}
	return text
}

func (c config) check() error {
	var errs []error
	if c.Joinsvc == "" && c.Plan == "" {
		errs = append(errs, errors.New("neither joinsvc nor plan is set: where does this host's plan come from?"))
	}
	if c.Joinsvc != "" && c.Plan != "" {
		errs = append(errs, errors.New("both joinsvc and plan are set; want one"))
	}
	if c.Plan != "" && c.Node == "" {
		errs = append(errs, errors.New("plan is set without node: which of its nodes is this host?"))
	}
	if u, err := url.Parse(c.Joinsvc); c.Joinsvc != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
		errs = append(errs, fmt.Errorf("joinsvc: %q is no https://HOST:PORT", c.Joinsvc))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("checking the configuration: %w", err)
	}
	return nil
}

// checkToken refuses a token that no joinsvc can have made. It comes after a
// token of the kernel command line was taken, so that the configuration's wins in
// the next run: the command line may not be the operator's to change. A host that
// has enrolled has no need of a token, and comes back after a reboot with any.
func (c config) checkToken() error {
	if c.Joinsvc == "" || c.Token == "" {
		return nil
	}
	if _, enrolled, err := (identity.Store{Dir: c.StateDir}).Load(time.Now()); enrolled && err == nil {
		return nil
	}
	if _, err := joinapi.ParseToken(c.Token); err != nil {
		return &configError{fmt.Errorf("checking the token of %s: %w", c.TokenFrom, err)}
	}
	return nil
}
