// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nodeprep/nodeprep/pkg/atomicfile"
	"github.com/nodeprep/nodeprep/pkg/draft/interview"
	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/usage"
)

// initFlags say where the plan goes, and what is not to be asked.
type initFlags struct {
	file       string
	force, yes bool
}

func planInitCommand() *cobra.Command {
	var f initFlags
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Ask a few questions and write a first plan",
		Long: `init asks for what a plan cannot do without, suggests an answer to each question,
and asks again when an answer does not fit those before it. It writes a plan with
comments that plan check finds no error in; go on from there with an editor.

Every question has a flag, and what has one is not asked: with --yes, or with all
of them, nothing is. Without a terminal and without answers it stops and says
which flags are missing.

Suggested are private AS numbers, the last addresses of the subnet for the leaves
and their shared address, and the first ones for the hosts.`,
		Example: `  joinsvc plan init -o plan.yaml
  joinsvc plan init --yes --cluster k8c2 --subnet 10.20.0.0/24 --hosts 40 -o k8c2.yaml
  joinsvc plan init --leaves leaf201=192.168.9.204,leaf202=192.168.9.205 --fabric-asn 64512`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVarP(&f.file, "output", "o", "", "write the plan to this file, which must not exist (default standard output)")
	cmd.Flags().BoolVar(&f.force, "force", false, "replace the file")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "ask nothing: take what is suggested")
	suggested := interview.Suggestions()
	for _, q := range interview.Questions() {
		cmd.Flags().String(q.Flag, "", flagUsage(q.Text)+" (suggested "+suggested[q.Flag]+")")
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return f.run(cmd) }
	return cmd
}

// flagUsage is a question in the form that flags are described in, which begins
// small unless it begins with an abbreviation.
func flagUsage(text string) string {
	if strings.ToUpper(text[:2]) == text[:2] {
		return text
	}
	return strings.ToLower(text[:1]) + text[1:]
}

func (f initFlags) run(cmd *cobra.Command) error {
	if err := f.mayWrite(); err != nil {
		return err
	}
	answers, err := f.answers(cmd)
	if err != nil {
		return err
	}
	text, err := answers.Draft().YAML()
	if err != nil {
		return err
	}
	_, report := plan.Parse([]byte(text))
	if err := report.Err(); err != nil {
		return fmt.Errorf("the answers do not make a plan: %w", err)
	}
	for _, problem := range report.Warnings() {
		fmt.Fprintln(cmd.ErrOrStderr(), problem)
	}
	return f.write(cmd, text)
}

// mayWrite is asked before the questions are, so that nobody answers in vain.
func (f initFlags) mayWrite() error {
	if f.file == "" || f.force {
		return nil
	}
	switch _, err := os.Lstat(f.file); {
	case err == nil:
		return fmt.Errorf("%s exists; --force replaces it", f.file)
	case !errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("looking for %s: %w", f.file, err)
	}
	return nil
}

func (f initFlags) write(cmd *cobra.Command, text string) error {
	if f.file == "" {
		_, err := io.WriteString(cmd.OutOrStdout(), text)
		return err
	}
	if err := atomicfile.Write(f.file, []byte(text), 0o644); err != nil {
		return err
	}
	_, err := fmt.Fprintf(cmd.ErrOrStderr(), "%s is written; see `joinsvc plan show %[1]s`\n", f.file)
	return err
}

func (f initFlags) answers(cmd *cobra.Command) (interview.Answers, error) {
	given, missing := map[string]string{}, []string{}
	for _, q := range interview.Questions() {
		if flag := cmd.Flags().Lookup(q.Flag); flag.Changed {
			given[q.Flag] = flag.Value.String()
		} else {
			missing = append(missing, "--"+q.Flag)
		}
	}
	if f.yes || len(missing) == 0 {
		return interview.Suggested(given)
	}
	if err := interview.Check(given); err != nil {
		return interview.Answers{}, err
	}
	if !converses(cmd.InOrStdin()) {
		return interview.Answers{}, usage.Errorf("standard input is no terminal to ask at; give %s, or --yes for what is suggested", strings.Join(missing, ", "))
	}
	return interview.Hold(given, conversation(cmd.InOrStdin(), cmd.ErrOrStderr()))
}

// converses reports whether somebody may answer: a file that is no terminal
// would leave the command waiting.
func converses(in io.Reader) bool {
	file, ok := in.(*os.File)
	return !ok || isTerminal(file)
}

// conversation asks on out, which is not where the plan goes.
func conversation(in io.Reader, out io.Writer) interview.Ask {
	lines := bufio.NewScanner(in)
	return func(q interview.Question, suggestion, complaint string) (string, error) {
		if complaint != "" {
			fmt.Fprintf(out, "  %s\n", complaint)
		}
		fmt.Fprintf(out, "%s [%s]: ", q.Text, suggestion)
		if !lines.Scan() {
			fmt.Fprintln(out)
			return "", errors.Join(errors.New("the answers ended here"), lines.Err())
		}
		if text := strings.TrimSpace(lines.Text()); text != "" {
			return text, nil
		}
		return suggestion, nil
	}
}
