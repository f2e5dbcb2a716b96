// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/nodeprep/nodeprep/pkg/fabric/aci"
	"github.com/nodeprep/nodeprep/pkg/fabric/apic"
	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/usage"
)

// passwordVariable holds the APIC's password. A flag would show it to everybody
// on the machine, in the list of processes.
const passwordVariable = "JOINSVC_APIC_PASSWORD"

// maxPassword bounds a password file, in bytes.
const maxPassword = 4096

// apicFlags say which APIC a command works on, and as whom.
type apicFlags struct {
	url, user, passwordFile, ca, pin, lldp string
	by                                     holders
}

func (f *apicFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.url, "apic", "", "`URL` of the APIC: https://HOST")
	flags.StringVar(&f.user, "user", "joinsvc", "user of the APIC")
	flags.StringVar(&f.passwordFile, "password-file", "", "`file` of mode 0600 with the password (default $"+passwordVariable+")")
	flags.StringVar(&f.ca, "ca", "", "`file` of the CA that signed the APIC's certificate, PEM")
	flags.StringVar(&f.pin, "pin", "", "the APIC's public `key`: sha256: and the SHA-256 of its SubjectPublicKeyInfo in hexadecimal")
}

// registerTree is for what the tree of objects is made of beside the plan.
func (f *apicFlags) registerTree(cmd *cobra.Command) {
	f.by.register(cmd)
	cmd.Flags().StringVar(&f.lldp, "lldp", "", "`folder` with a NODE.json of each host, made by lldpctl -f json, for ports that the plan leaves out")
}

// client is made of the flags; it has sent nothing yet.
func (f apicFlags) client(p plan.Plan) (*apic.Client, error) {
	if f.url == "" {
		return nil, usage.Errorf("--apic is missing; want https://HOST")
	}
	trust, err := f.trust()
	if err != nil {
		return nil, err
	}
	password, err := f.password()
	if err != nil {
		return nil, err
	}
	return apic.New(apic.Config{
		URL: f.url, User: f.user, Password: password, Trust: trust,
		Owner: aci.Owner(p.Metadata.Name),
	})
}

func (f apicFlags) trust() (apic.Trust, error) {
	var t apic.Trust
	var err error
	if f.ca != "" && f.pin != "" {
		return t, usage.Errorf("--ca and --pin: want one of them; either says by itself whom to trust")
	}
	if f.ca != "" {
		if t.CA, err = os.ReadFile(f.ca); err != nil {
			return t, fmt.Errorf("reading --ca: %w", err)
		}
	}
	if f.pin != "" {
		if t.Pin, err = apic.ParsePin(f.pin); err != nil {
			return t, usage.Errorf("--pin: %w", err)
		}
	}
	return t, nil
}

func (f apicFlags) password() (apic.Secret, error) {
	if f.passwordFile != "" {
		return readPassword(f.passwordFile)
	}
	if p := os.Getenv(passwordVariable); p != "" {
		return apic.Secret(p), nil
	}
	return "", usage.Errorf("no password for %s; set %s or name a file with --password-file", f.user, passwordVariable)
}

// readPassword reads a file that only its owner may. One line end is not part of
// the password.
func readPassword(path string) (apic.Secret, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("reading --password-file: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", fmt.Errorf("reading --password-file: %w", err)
	}
	if mode := info.Mode(); !mode.IsRegular() || mode.Perm()&0o077 != 0 {
		return "", fmt.Errorf("--password-file: %s has mode %v, others may read it; run: chmod 600 %s", path, mode, path)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxPassword+1))
	if err != nil {
		return "", fmt.Errorf("reading --password-file: %w", err)
	}
	data = bytes.TrimSuffix(bytes.TrimSuffix(data, []byte("\n")), []byte("\r"))
	if len(data) == 0 || len(data) > maxPassword {
		return "", fmt.Errorf("--password-file: %s is empty or longer than %d bytes", path, maxPassword)
	}
	return apic.Secret(data), nil
}
