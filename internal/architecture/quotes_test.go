// SPDX-License-Identifier: Apache-2.0

package architecture_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Who looks for a message in a document searches for what the program printed.
// So whatever the operators' pages quote has to be in the code, word by word:
// every three words in a row stand so in some text of it, where a value may be
// in the place of a verb such as %s.
func TestDocumentsQuoteWhatTheProgramsSay(t *testing.T) {
	says := phrases(t)
	if len(says) < 5000 {
		t.Fatalf("only %d phrases were found in the code, so the search is broken", len(says))
	}
	quoted := 0
	for _, page := range []string{"README.md", "docs/calico.md", "docs/hosts.md", "docs/operations.md", "docs/plans.md", "docs/problems.md", "docs/states.md"} {
		for _, quote := range quotes(read(t, filepath.Join(root, page))) {
			quoted++
			if missing := unsaid(says, quote); len(missing) > 0 {
				t.Errorf("%s quotes %q, and no program says %q of it", page, strings.Join(quote, " "), missing)
			}
		}
	}
	if quoted < 30 {
		t.Errorf("only %d quotations were found, so the search is broken", quoted)
	}
}

func TestWhatNobodySaysIsFound(t *testing.T) {
	says := phrases(t)
	for text, want := range map[string]bool{
		"k8c1s2 holds a certificate of this joinsvc, but is not enrolled here": true,
		"k8c1s2 holds a certificate of this joinsvc, but is a stranger here":   false,
		"place 3 of 12; one joins at a time because the API server answers":    true,
		"place 3 of 12; one joins after the other because it answers":          false,
	} {
		if missing := unsaid(says, quotedWords(text)); (len(missing) == 0) != want {
			t.Errorf("%q: nobody says %q", text, missing)
		}
	}
}

type phrase [3]string

// phrases are all three words in a row of the product's texts, a verb as "%".
func phrases(t *testing.T) map[phrase]bool {
	t.Helper()
	found := map[phrase]bool{}
	verb := regexp.MustCompile(`\S*%[-+#.\d]*(?:\[\d+\])?[a-zA-Z]\S*`)
	for _, text := range productTexts(t, "cmd", "pkg") {
		each(quotedWords(verb.ReplaceAllString(text, "%")), func(_ int, p phrase) { found[p] = true })
	}
	return found
}

// productTexts are those of all the code below these folders, tests apart.
func productTexts(t *testing.T, dirs ...string) (all []string) {
	t.Helper()
	for _, dir := range dirs {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			all = append(all, texts(file)...)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// texts are a file's, those that are put together with + as one.
func texts(file *ast.File) []string {
	var all []string
	ast.Inspect(file, func(n ast.Node) bool {
		e, ok := n.(ast.Expr)
		if !ok {
			return true
		}
		text := literal(e)
		if text != "" {
			all = append(all, text)
		}
		return text == ""
	})
	return all
}

func literal(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); e.Kind == token.STRING && err == nil {
			return text
		}
	case *ast.BinaryExpr:
		if left, right := literal(e.X), literal(e.Y); e.Op == token.ADD && left != "" && right != "" {
			return left + right
		}
	}
	return ""
}

// quotes are the messages of a page: spans of code and quotation marks that are no
// command, in pieces where … leaves something out, and what a problem document in
// it says.
func quotes(text string) [][]string {
	programs := strings.Fields("chgrp chown cp createrepo_c dnf etcdctl firewall-cmd git go joinsvc journalctl kubeadm kubectl make nodeprep openssl ss sudo systemctl tar")
	prose := regexp.MustCompile("(?ms)^ *```.*?^ *```").ReplaceAllString(text, "")
	var all [][]string
	for _, said := range firstGroups(`"(?:title|detail)": "([^"]+)"`, text) {
		all = append(all, quotedWords(said))
	}
	for paragraph := range strings.SplitSeq(prose, "\n\n") {
		for _, span := range firstGroups("(?s)(`[^`]+`|“[^”]+”)", paragraph) {
			for piece := range strings.SplitSeq(span, "…") {
				w := quotedWords(piece)
				if len(w) >= 3 && !slices.Contains(programs, w[0]) {
					all = append(all, w)
				}
			}
		}
	}
	return all
}

func quotedWords(text string) []string {
	var out []string
	for _, w := range strings.Fields(text) {
		if w = strings.Trim(w, ".,:;()[]'\"`‘’“”"); w != "" {
			out = append(out, w)
		}
	}
	return out
}

func each(w []string, do func(at int, p phrase)) {
	for i := 0; i+3 <= len(w); i++ {
		do(i, phrase{w[i], w[i+1], w[i+2]})
	}
}

// unsaid are the words of a quotation that nobody says. One with a capital or a
// digit may be a value.
func unsaid(says map[phrase]bool, quote []string) []string {
	said := make([]bool, len(quote))
	each(quote, func(at int, p phrase) {
		for _, q := range []phrase{p, {"%", p[1], p[2]}, {p[0], "%", p[2]}, {p[0], p[1], "%"}, {"%", p[1], "%"}} {
			if says[q] {
				said[at], said[at+1], said[at+2] = true, true, true
			}
		}
	})
	var missing []string
	for i, w := range quote {
		if !said[i] && w == strings.ToLower(w) && !strings.ContainsAny(w, "0123456789") {
			missing = append(missing, w)
		}
	}
	return missing
}
