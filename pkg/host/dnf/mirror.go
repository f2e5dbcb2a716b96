// SPDX-License-Identifier: Apache-2.0

package dnf

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/nodeprep/nodeprep/pkg/command"
	"github.com/nodeprep/nodeprep/pkg/phase"
	"github.com/nodeprep/nodeprep/pkg/retry"
)

// mirrorTimeout is how long repositories are waited for that do not answer. dnf
// tries each mirror ten times by itself (dnf.conf(5), retries), which a name that
// is not resolved or a port that is closed makes seconds.
const mirrorTimeout = 15 * time.Minute

// dnf runs a transaction. What it cannot fetch now is fetched in another attempt:
// it downloads before it installs, and keeps what it has. What it prints meanwhile,
// such as whose lock it waits for, is told of one that takes long.
func (p Packages) dnf(ctx context.Context, args []string) error {
	transaction := command.New("dnf", args...)
	transaction.Said = func(line string) { phase.Aside(ctx, line) }
	policy := retry.Policy{Limit: mirrorTimeout, Whole: true, Judge: judge, Waiting: phase.Waiting(ctx)}
	_, err := retry.Do(ctx, policy, func(ctx context.Context) (string, error) {
		out, err := p.Run(ctx, transaction)
		return out, asUnfetched(err)
	})
	var unfetched *unfetchedError
	if errors.As(err, &unfetched) {
		err = fmt.Errorf("%w: %w", err, unfetched.err) // what the notes leave out
	}
	return err
}

// unfetchedError is a transaction that has not begun, because a repository did not
// answer as it should.
type unfetchedError struct {
	said string // of dnf's last attempt, one line
	err  error
}

func (e *unfetchedError) Error() string { return "a repository does not answer: " + e.said }
func (e *unfetchedError) Unwrap() error { return e.err }

// unanswered is what librepo says of a download, for dnf and dnf5 (librepo,
// downloader.c): names that are not resolved, connections that are not made or
// break off (libcurl-errors(3)), and servers that are too busy or in trouble.
var unanswered = regexp.MustCompile(`Curl error \((?:5|6|7|16|18|28|35|52|55|56|92)\): [^\n]*|Status code: (?:408|429|5\d\d) for [^\n]*`)

// final is what dnf ends with for a reason of its own, whatever it said of downloads
// before that: one that another mirror mended, or of a repository that is none of
// ours. It is not final of packages when a repository was left out.
var (
	final   = regexp.MustCompile(`GPG check FAILED|(?m:^Error: (?:GPG|Transaction test error))`)
	absent  = regexp.MustCompile(`Unable to find a match|No match for argument|nothing provides`)
	leftOut = regexp.MustCompile(`Ignoring repositories: |(?i:skipping (?:unavailable )?repositor)`)
)

func hopeless(output string) bool {
	return final.MatchString(output) || absent.MatchString(output) && !leftOut.MatchString(output)
}

func asUnfetched(err error) error {
	var failed *command.Error
	if !errors.As(err, &failed) {
		return err
	}
	said := unanswered.FindAllString(failed.Output, -1)
	if len(said) == 0 || strings.Contains(failed.Output, "Running transaction") || hopeless(failed.Output) {
		return err // the second: what there was to fetch is here
	}
	return &unfetchedError{said: strings.TrimSpace(said[len(said)-1]), err: err}
}

func judge(err error) retry.Verdict {
	var unfetched *unfetchedError
	return retry.Verdict{Again: errors.As(err, &unfetched)}
}
