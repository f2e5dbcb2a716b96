// SPDX-License-Identifier: Apache-2.0

package checks

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/lab/operator"
	"github.com/nodeprep/nodeprep/lab/rack"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

func TestUnchanged(t *testing.T) {
	const end = `{"phase":"run","kind":"done","message":"no change: this host is as planned"}`
	cases := map[string]struct {
		events string
		ok     bool
	}{
		"nothing to do":     {`{"phase":"swap","kind":"done"}` + "\n" + end, true},
		"a note":            {`{"phase":"lacp","kind":"noted","message":"x"}` + "\n" + end, true},
		"a change":          {`{"phase":"swap","kind":"applied","change":"/swap"}` + "\n" + end, false},
		"an announcement":   {`{"phase":"swap","kind":"planned","change":"/swap"}` + "\n" + end, false},
		"not planned":       {`{"phase":"swap","kind":"unknown"}` + "\n" + end, false},
		"ends in a failure": {`{"phase":"run","kind":"failed","message":"no change"}`, false},
		"claims changes":    {`{"phase":"run","kind":"done","message":"3 change(s) made"}`, false},
		"cut short":         {`{"phase":"swap","kind":"done"}`, false},
		"no events":         {"", false},
		"no JSON":           {"Killed", false},
	}
	for name, c := range cases {
		if err := unchanged([]byte(c.events)); (err == nil) != c.ok {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestSameNodes(t *testing.T) {
	before := joinapi.Status{Nodes: []joinapi.NodeStatus{{Name: "a", Phase: joinapi.PhaseRouted, ASN: 63551, Address: "192.168.9.193/28"}}}
	if err := sameNodes(before, before); err != nil {
		t.Error(err)
	}
	after := joinapi.Status{Nodes: []joinapi.NodeStatus{{Name: "a", Phase: joinapi.PhaseEnrolled, ASN: 63551, Address: "192.168.9.193/28"}}}
	if err := sameNodes(before, after); !errors.Is(err, ErrCheck) {
		t.Errorf("a node that fell back: %v", err)
	}
}

func TestVerifyRunsAllAndCounts(t *testing.T) {
	at := time.Unix(0, 0)
	o := operator.New(&rack.Rack{}, operator.Config{Now: func() time.Time { at = at.Add(time.Second); return at }})
	ran := 0
	check := func(err error) func(context.Context, Trial) error {
		return func(context.Context, Trial) error { ran++; return err }
	}
	var out strings.Builder
	err := Run(t.Context(), o, &out, []Check{{"one", "1", check(nil)}, {"two", "2", check(errors.New("bad\nworse"))}, {"three", "3", check(nil)}})
	if err == nil || ran != 3 {
		t.Errorf("ran %d of 3, error %v", ran, err)
	}
	want := "pass  one (1s)\nFAIL  two (1s)\n      bad\n      worse\n      (2)\npass  three (1s)\n2 passed, 1 failed\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
