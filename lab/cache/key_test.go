// SPDX-License-Identifier: Apache-2.0

package cache_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/lab/cache"
)

func key(t *testing.T, inputs ...cache.Input) string {
	t.Helper()
	k, err := cache.Key(inputs...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestKeyOfTexts(t *testing.T) {
	base := key(t, cache.Text("ab", "c"), cache.Text("d", "e"))
	if len(base) != 32 {
		t.Errorf("key %q has %d digits, want 32", base, len(base))
	}
	others := map[string]string{
		"moved boundary": key(t, cache.Text("a", "bc"), cache.Text("d", "e")),
		"other order":    key(t, cache.Text("d", "e"), cache.Text("ab", "c")),
		"one less":       key(t, cache.Text("ab", "c")),
		"other value":    key(t, cache.Text("ab", "c"), cache.Text("d", "f")),
	}
	for what, k := range others {
		if k == base {
			t.Errorf("%s: the same key", what)
		}
	}
	if again := key(t, cache.Text("ab", "c"), cache.Text("d", "e")); again != base {
		t.Errorf("same inputs: keys %s and %s", base, again)
	}
}

func TestKeyOfATree(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "sub", "file")
	write(t, file, "text", 0o644)
	base := key(t, cache.Tree(dir))

	same := map[string]func() error{
		"time":  func() error { return os.Chtimes(file, time.Unix(1, 0), time.Unix(1, 0)) },
		"umask": func() error { return os.Chmod(file, 0o640) },
	}
	for what, change := range same {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if key(t, cache.Tree(dir)) != base {
			t.Errorf("%s: another key", what)
		}
	}
	changed := []struct {
		what   string
		change func() error
	}{
		{"content", func() error { return os.WriteFile(file, []byte("tex2"), 0o644) }},
		{"execute bit", func() error { return os.Chmod(file, 0o755) }},
		{"name", func() error { return os.Rename(file, file+"2") }},
		{"link", func() error { return os.Symlink("file2", file) }},
		{"empty folder", func() error { return os.Mkdir(filepath.Join(dir, "empty"), 0o755) }},
	}
	last := base
	for _, c := range changed {
		if err := c.change(); err != nil {
			t.Fatal(err)
		}
		k := key(t, cache.Tree(dir))
		if k == last {
			t.Errorf("%s: the same key", c.what)
		}
		last = k
	}
}

func TestKeyOfAFile(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	write(t, a, "text", 0o644)
	write(t, b, "text", 0o644)
	if key(t, cache.File(a)) != key(t, cache.File(b)) {
		t.Error("the same content under two names: two keys")
	}
	if _, err := cache.Key(cache.File(filepath.Join(dir, "absent"))); err == nil {
		t.Error("an absent file has a key")
	}
}
