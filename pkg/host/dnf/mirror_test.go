// SPDX-License-Identifier: Apache-2.0

package dnf

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nodeprep/nodeprep/pkg/command"
	"github.com/nodeprep/nodeprep/pkg/phase"
)

// Of dnf 4.14 (Enterprise Linux 9) and dnf5 5.2, and of what they say beside it.
const (
	noName = `Errors during downloading metadata for repository 'appstream':
  - Curl error (6): Couldn't resolve host name for https://mirrors.example/metalink?repo=appstream [Could not resolve host: mirrors.example]
Error: Failed to download metadata for repo 'appstream': Cannot prepare internal mirrorlist: Curl error (6): Couldn't resolve host name for https://mirrors.example/metalink?repo=appstream [Could not resolve host: mirrors.example]
`
	busy = `Failed to download metadata (baseurl: "http://mirror.example/") for repository "base"
 Usable URL not found
>>> Status code: 503 for http://mirror.example/repodata/repomd.xml (IP: 192.0.2.7)
`
	// The repository that was left out, which its owner lets be absent, may have it.
	left = busy + `Ignoring repositories: base
No match for argument: kubelet-1.37.2
Error: Unable to find a match: kubelet-1.37.2
`
)

// transaction is dnf's on a host where it fails so, a minute at a time, until then.
func transaction(t *testing.T, output string, until time.Duration) (attempts int, notes []string, took time.Duration, err error) {
	t.Helper()
	start := time.Now()
	p := Packages{
		Want: []Package{{"kubelet", "1.37.2"}},
		Run: func(_ context.Context, c command.Command) (string, error) {
			if c.Name == "rpm" {
				if attempts > 0 {
					return "kubelet\t1.37.2\t1\n", nil
				}
				return "", nil
			}
			attempts++
			time.Sleep(time.Minute)
			if time.Since(start) < until {
				return "", &command.Error{Command: c, Output: output, Err: errors.New("exit status 1")}
			}
			return "", nil
		},
		Reload: func(context.Context) error { return nil },
	}
	r := phase.Runner{Now: time.Now, Report: func(e phase.Event) {
		if e.Waits() {
			notes = append(notes, e.Message)
		}
	}}
	_, err = r.Run(t.Context(), []phase.Phase{{Name: "packages", Plan: p.Plan}})
	return attempts, notes, time.Since(start), err
}

// A mirror that is not there yet, or a name that is not resolved, is waited for
// within the phase.
func TestRepositoriesThatDoNotAnswer(t *testing.T) {
	for output, says := range map[string]string{
		noName: "waiting for 1m0s: a repository does not answer: Curl error (6): Couldn't resolve host name for https://mirrors.example/metalink?repo=appstream",
		busy:   "waiting for 1m0s: a repository does not answer: Status code: 503 for http://mirror.example/repodata/repomd.xml (IP: 192.0.2.7)",
		left:   "waiting for 1m0s: a repository does not answer: Status code: 503",
	} {
		synctest.Test(t, func(t *testing.T) {
			attempts, notes, took, err := transaction(t, output, 5*time.Minute)
			if err != nil || attempts < 3 || took > 8*time.Minute {
				t.Errorf("%d attempts in %s: %v", attempts, took, err)
			}
			if len(notes) < 3 || !strings.HasPrefix(notes[0], says) || strings.Contains(notes[0], "\n") {
				t.Errorf("noted %q", notes)
			}
		})
		synctest.Test(t, func(t *testing.T) {
			_, _, took, err := transaction(t, output, 24*time.Hour)
			if took < mirrorTimeout-2*time.Minute || took > mirrorTimeout+2*time.Minute {
				t.Errorf("it ended after %s", took)
			}
			if err == nil || !strings.Contains(err.Error(), "running `LC_ALL=C dnf -y install kubelet-1.37.2`") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// What another attempt does not mend ends the phase at once.
func TestWhatNoMirrorMends(t *testing.T) {
	for name, output := range map[string]string{
		"no such package":                   "No match for argument: kubelet-1.37.2\nError: Unable to find a match: kubelet-1.37.2\n",
		"no such folder":                    "  - Curl error (37): Couldn't read a file:// file for file:///srv/packages/repodata/repomd.xml [Couldn't open file]\n",
		"not of this server's":              "  - Status code: 404 for http://mirror.example/repodata/repomd.xml (IP: 192.0.2.7)\n",
		"a scriptlet":                       noName + "Running transaction\nError in PREIN scriptlet in rpm package kubelet\nError: Transaction failed\n",
		"none, of a mirror that was mended": noName + "No match for argument: kubelet-1.38.0\nError: Unable to find a match: kubelet-1.38.0\n",
		"a wrong key":                       noName + "Error: GPG check FAILED\n",
		"nothing":                           "",
	} {
		synctest.Test(t, func(t *testing.T) {
			attempts, notes, _, err := transaction(t, output, 24*time.Hour)
			if err == nil || attempts != 1 || len(notes) != 0 {
				t.Errorf("%s: %d attempts, noted %q: %v", name, attempts, notes, err)
			}
		})
	}
}
