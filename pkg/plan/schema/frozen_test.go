// SPDX-License-Identifier: Apache-2.0

package schema_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/internal/golden"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// frozen are the plans in testdata of a published version. They are never
// changed; what a later field brings gets a plan of its own.
func frozen(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/" + path.Base(plan.APIVersion) + "/*.yaml")
	if err != nil || len(paths) < 5 {
		t.Fatalf("frozen plans are %v, %v", paths, err)
	}
	return paths
}

// A frozen plan goes on meaning what it meant: all values that were read from it
// when it was added are read from it today, defaults included. Fields that came
// later may have values besides.
func TestFrozenPlans(t *testing.T) {
	v := newValidator(t)
	for _, file := range frozen(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p, report := plan.Parse(text)
		if err := report.Err(); err != nil {
			t.Errorf("%s was valid when it was added: %v", file, err)
			continue
		}
		if err := v.validate(text); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		then, now := values(t, strings.TrimSuffix(file, ".yaml")+".json", p)
		if diff := cmp.Diff(then, common(then, now)); diff != "" {
			t.Errorf("%s means something else (-then +now); bump plan.APIVersion, or leave the change out:\n%s", file, diff)
		}
	}
}

// values are those that a plan had when its file was written, and those it has
// now. With -update a missing file is written; none is written twice.
func values(t *testing.T, file string, p plan.Plan) (then, now any) {
	t.Helper()
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	was, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) && golden.Updating() {
		was, err = text, os.WriteFile(file, append(text, '\n'), 0o644)
	}
	if err != nil {
		t.Fatalf("%v; %s", err, again)
	}
	if err := errors.Join(json.Unmarshal(was, &then), json.Unmarshal(text, &now)); err != nil {
		t.Fatal(fmt.Errorf("reading the values of %s: %w", file, err))
	}
	return then, now
}

// common is now without the fields that then did not have.
func common(then, now any) any {
	switch then := then.(type) {
	case map[string]any:
		now, ok := now.(map[string]any)
		if !ok {
			return now
		}
		out := map[string]any{}
		for name, value := range then {
			if _, ok := now[name]; ok {
				out[name] = common(value, now[name])
			}
		}
		return out
	case []any:
		now, ok := now.([]any)
		if !ok || len(now) != len(then) {
			return now
		}
		out := make([]any, len(then))
		for i := range then {
			out[i] = common(then[i], now[i])
		}
		return out
	}
	return now
}
