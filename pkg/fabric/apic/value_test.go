// SPDX-License-Identifier: Apache-2.0

package apic

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nodeprep/nodeprep/pkg/fabric/aci"
)

// An APIC answers with what it has made of a value. What it means is compared, and
// no more than that: two names that look like one number are two names.
func TestSameInEveryAttribute(t *testing.T) {
	for _, tc := range []struct {
		attribute string
		a, b      string
		want      bool
	}{
		{"descr", "a", "a", true},
		{"name", "1", "01", false},
		{"descr", "yes", "true", false},
		{"annotation", "10.0.0.1", "10.0.0.01", false},
		{"mtu", "9000", "09000", true},
		{"mtu", "9000", "9001", false},
		{"mtu", "inherit", "inherit", true},
		{"adminSt", "true", "yes", true},
		{"adminSt", "false", "no", true},
		{"adminSt", "true", "no", false},
		{"ip", "10.0.0.0/8", "10.0.0.0/08", false},
		{"ip", "2001:db8::/32", "2001:0db8::/32", true},
		{"addr", "2001:db8::1", "2001:DB8:0::1", true},
		{"asn", "18446744073709551615", "018446744073709551615", true},
		{"areaId", "0", "0.0.0.0", true},
		{"areaId", "backbone", "0", true},
		{"areaId", "108", "0.0.0.108", true},
		{"areaId", "16909060", "1.2.3.4", true},
		{"areaId", "4294967295", "255.255.255.255", true},
		{"areaId", "4294967296", "0.0.0.0", false},
		{"areaId", "nssa", "nssa", true},
		{"staleIntvl", "default", "300", true},
		{"staleIntvl", "300", "0300", true},
		{"staleIntvl", "default", "301", false},
	} {
		if got := same(tc.attribute, tc.a, tc.b); got != tc.want || same(tc.attribute, tc.b, tc.a) != got {
			t.Errorf("%s %q and %q are the same: %v", tc.attribute, tc.a, tc.b, got)
		}
	}
	for _, attribute := range []string{
		"ctrl", "peerCtrl", "privateASctrl", "addrTCtrl", "grCtrl", "areaCtrl", "enforceRtctrl", "scope", "aggregate", "tcpRules", "directives",
	} {
		if !same(attribute, "b,a", "a,b,unspecified,b") || same(attribute, "a", "a,b") || !same(attribute, "unspecified", "") {
			t.Errorf("%s is no list of flags", attribute)
		}
	}
	ports := map[string]string{"unspecified": "0", "ftpData": "20", "ssh": "22", "smtp": "25", "dns": "53", "http": "80", "pop3": "110", "https": "443", "rtsp": "554"}
	protocols := map[string]string{
		"unspecified": "0", "icmp": "1", "igmp": "2", "tcp": "6", "egp": "8", "igp": "9", "udp": "17", "icmpv6": "58", "eigrp": "88", "ospfigp": "89", "pim": "103", "l2tp": "115",
	}
	for attributes, names := range map[string]map[string]string{"dFromPort dToPort sFromPort sToPort": ports, "prot": protocols} {
		for attribute := range strings.FieldsSeq(attributes) {
			for name, number := range names {
				if !same(attribute, name, number) || same(attribute, name, "7") {
					t.Errorf("%s %s is not %s", attribute, name, number)
				}
			}
		}
	}
}

// What the APIC never tells cannot have changed.
func TestWhatIsNeverTold(t *testing.T) {
	for attribute, want := range map[string]bool{"password": true, "authKey": true, "key": true, "keyId": false, "name": false} {
		if writeOnly(attribute) != want {
			t.Errorf("%s is write-only: %v", attribute, !want)
		}
	}
}

// A thing that a fabric takes once has to be let go of where it was.
func TestExclusiveClasses(t *testing.T) {
	want := []string{"fvnsEncapBlk", "infraPortBlk", "l3extLoopBackIfP", "l3extMember", "l3extIp", "l3extSubnet", "bgpPeerP"}
	for _, class := range classes() {
		if exclusive(class) != slices.Contains(want, class) {
			t.Errorf("%s is exclusive: %v", class, exclusive(class))
		}
	}
	for class, want := range map[string]bool{"l3extRsEctx": true, "infraRsDomP": true, "bgpPeerP": false, "fvTenant": false} {
		if relation(class) != want {
			t.Errorf("%s is a relation: %v", class, !want)
		}
	}
}

func TestWhatARefusalMeans(t *testing.T) {
	for _, tc := range []struct {
		refused                  *Error
		token, class, undeleting bool
	}{
		{&Error{Status: http.StatusForbidden, Text: "Token was invalid (Error: Token timeout)"}, true, false, false},
		{&Error{Status: http.StatusForbidden, Text: "no write access"}, false, false, false},
		{&Error{Status: http.StatusUnauthorized, Text: "token"}, false, false, false},
		{&Error{Code: "12"}, false, true, false},
		{&Error{Code: "107"}, false, false, true},
		{&Error{Code: "120"}, false, false, true},
		{&Error{Code: "103"}, false, false, false},
	} {
		if tokenRefused(tc.refused) != tc.token || unknownClass(tc.refused) != tc.class || undeletable(tc.refused) != tc.undeleting {
			t.Errorf("%+v is taken for another", tc.refused)
		}
	}
	if got := (&Error{Method: "POST", DN: "uni", Text: "no"}).Error(); got != "the APIC refuses POST uni: no" {
		t.Errorf("a refusal without a code: %s", got)
	}
}

func TestNamesAbove(t *testing.T) {
	for dn, want := range map[string][3]string{ // its parent, the outermost above it, its branch
		"uni":                     {"", "", "uni"},
		"uni/tn-A":                {"uni", "uni", "uni/tn-A"},
		"uni/tn-A/out-L/rsectx":   {"uni/tn-A/out-L", "uni", "uni/tn-A"},
		"uni/infra/a-[x/y]/b":     {"uni/infra/a-[x/y]", "uni", "uni/infra"},
		"uni/l-[a-[b/c]/d]":       {"uni", "uni", "uni/l-[a-[b/c]/d]"},
		"topology/pod-1/node-101": {"topology/pod-1", "topology", "topology/pod-1/node-101"},
	} {
		last := ""
		for above := range ancestors(dn) {
			last = above
		}
		if got := [3]string{parent(dn), last, branch(dn)}; got != want {
			t.Errorf("%s: %q, want %q", dn, got, want)
		}
	}
}

func TestTargets(t *testing.T) {
	for attribute, want := range map[string]struct {
		class  string
		byName bool
	}{
		"tDn": {"tDn", false}, "tnFvCtxName": {"fvCtx", true}, "tnBgpPeerPfxPolName": {"bgpPeerPfxPol", true},
		"name": {}, "tnName": {}, "tnFvCtx": {}, "FvCtxName": {},
	} {
		if class, byName := target(attribute); class != want.class || byName != want.byName {
			t.Errorf("%s points at %s, by name: %v", attribute, class, byName)
		}
	}
	o := object{attributes: map[string]string{"tDn": "", "tnFvCtxName": "V", "name": "x"}}
	if got := o.targets(); !slices.Equal(got, []string{"tnFvCtxName"}) {
		t.Errorf("targets %q", got)
	}
}

// Whose an object is: ours, the APIC's own by one of ours, or somebody's.
func TestWhoseAnObjectIs(t *testing.T) {
	c := &Client{owner: "ours"}
	have := map[string]object{
		"uni/tn-A": {dn: "uni/tn-A", attributes: map[string]string{"annotation": "ours"}},
		"uni/tn-B": {dn: "uni/tn-B", attributes: map[string]string{"annotation": "theirs"}},
	}
	for _, tc := range []struct {
		dn, annotation, uid string
		foreign, implicit   bool
	}{
		{"uni/tn-A/x", "ours", "7", false, false},
		{"uni/tn-A/x", "ours", "", false, false},
		{"uni/tn-A/x", "theirs", "0", true, false},
		{"uni/tn-A/x", "", "7", true, false},
		{"uni/tn-A/x", "", "0", false, true},
		{"uni/tn-A/x", "", "", false, false},
		{"uni/tn-B/x", "", "0", false, false},
		{"uni/tn-C/x", "", "0", false, false},
	} {
		o := object{dn: tc.dn, attributes: map[string]string{"annotation": tc.annotation, "uid": tc.uid}}
		if c.foreign(o) != tc.foreign || c.implicit(o, have) != tc.implicit {
			t.Errorf("%+v: foreign %v, implicit %v", tc, c.foreign(o), c.implicit(o, have))
		}
	}
}

// Nothing to do is nothing of any kind; what is kept or used is nothing to do.
func TestEmpty(t *testing.T) {
	for name, tc := range map[string]struct {
		c    Changes
		want bool
	}{
		"nothing":   {Changes{}, true},
		"kept":      {Changes{Kept: make([]Kept, 1), Used: make([]string, 1)}, true},
		"create":    {Changes{Create: make([]Creation, 1)}, false},
		"change":    {Changes{Change: make([]Modification, 1)}, false},
		"delete":    {Changes{Delete: make([]Deletion, 1)}, false},
		"conflicts": {Changes{Conflicts: make([]Conflict, 1)}, false},
	} {
		if tc.c.Empty() != tc.want {
			t.Errorf("%s is empty: %v", name, !tc.want)
		}
	}
}

// As large as may be is not larger than it may.
func TestLargestAnswers(t *testing.T) {
	for n, ok := range map[int]bool{maxObjects: true, maxObjects + 1: false} {
		if _, total, err := (answer{TotalCount: strconv.Itoa(n)}).page(); (err == nil) != ok || ok && total != n {
			t.Errorf("%d objects: %d, %v", n, total, err)
		}
	}
	const empty = `{"totalCount":"0","imdata":[]}`
	c := answering(t, afterLogin(http.StatusOK, empty+strings.Repeat(" ", maxAnswer-len(empty))), nil)
	if found, err := c.owned(t.Context(), "fvTenant"); err != nil || len(found) > 0 {
		t.Errorf("an answer of %d bytes: %v", maxAnswer, err)
	}
}

// One transaction takes so many objects and not one more; what is above comes first.
func TestUnitsAreSplit(t *testing.T) {
	for n, want := range map[int]int{maxPost: 1, maxPost + 1: maxPost + 1} { // objects, and the units that they make
		creations := []Creation{{DN: "uni/tn-A", Class: "fvTenant", object: &aci.Object{}}}
		for i := range n - 1 {
			creations = append(creations, Creation{DN: "uni/tn-A/flt-" + strconv.Itoa(i), Class: "vzFilter", object: &aci.Object{}})
		}
		got := units(creations)
		if len(got) != want || got[0].root.DN != "uni/tn-A" {
			t.Errorf("%d objects make %d units, want %d; first %s", n, len(got), want, got[0].root.DN)
		}
	}
}

// The APIC says its errors with any status, and its web server in HTML.
func TestReadAnswer(t *testing.T) {
	for _, tc := range []struct {
		status int
		text   string
		err    string
	}{
		{299, `{"totalCount":"0","imdata":[]}`, ""},
		{300, `{"totalCount":"0","imdata":[]}`, `the APIC refuses GET /api/x.json: 300: {"totalCount":"0","imdata":[]}`},
		{199, "", "the APIC refuses GET /api/x.json: 199: "},
		{503, strings.Repeat("x", 300), "the APIC refuses GET /api/x.json: 503: " + strings.Repeat("x", 200)},
		{400, `{"imdata":[{},{"error":{"attributes":{"code":"103","text":"no"}}}]}`, "the APIC refuses GET /api/x.json: no (code 103)"},
		{200, "{", "reading the APIC's answer to GET /api/x.json: unexpected end of JSON input"},
	} {
		response := &http.Response{StatusCode: tc.status, Status: strconv.Itoa(tc.status), Body: io.NopCloser(strings.NewReader(""))}
		_, err := readAnswer(request{method: http.MethodGet, path: "/api/x.json"}, response, []byte(tc.text))
		if (err != nil || tc.err != "") && (err == nil || err.Error() != tc.err) {
			t.Errorf("%d: %v, want %s", tc.status, err, tc.err)
		}
	}
	_, err := readAnswer(request{method: http.MethodPost, path: "/api/x.json", dn: "uni"}, &http.Response{StatusCode: 500, Status: "500"}, nil)
	if err == nil || !strings.HasPrefix(err.Error(), "the APIC refuses POST uni: ") {
		t.Errorf("of an object: %v", err)
	}
}
