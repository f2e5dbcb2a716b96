// SPDX-License-Identifier: Apache-2.0

package joinhttp

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func readPage(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// docs/operations.md tells the bounds for strangers by number.
func TestTheBoundsAreDocumented(t *testing.T) {
	_, table, _ := strings.Cut(readPage(t, "../../docs/operations.md"), "## Strangers at joinsvc's address")
	table, _, _ = strings.Cut(table, "\n## ")
	limit := regexp.MustCompile(`(?m)^LimitNOFILE=(\d+)$`).FindStringSubmatch(readPage(t, "../../packaging/rpm/joinsvc/joinsvc.service"))
	if limit == nil {
		t.Fatal("joinsvc.service has no LimitNOFILE")
	}
	files, err := strconv.Atoi(limit[1])
	if err != nil {
		t.Fatal(err)
	}
	thousands := func(n int) string { return fmt.Sprintf("%d,%03d", n/1000, n%1000) }
	s := Server(http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	head := s.ReadHeaderTimeout.Seconds()
	for _, want := range []string{
		fmt.Sprintf("%s, or half of the files that joinsvc may open (`LimitNOFILE`, %s as shipped)", thousands(maxConnections), thousands(files)),
		fmt.Sprintf("%v s until the handshake is over, %v s for a request's head, %v s with its body, %v min between two requests",
			head, head, s.ReadTimeout.Seconds(), s.IdleTimeout.Minutes()),
		fmt.Sprintf("%d at once, then one a second", failuresAtOnce),
		fmt.Sprintf("%d kB and %d kB (%d kB for a cluster's access)", s.MaxHeaderBytes>>10, maxBody>>10, maxAccess>>10),
	} {
		if !strings.Contains(table, want) {
			t.Errorf("docs/operations.md does not say %q of strangers", want)
		}
	}
}
