// SPDX-License-Identifier: Apache-2.0

package kubeadm

import (
	"strings"
	"testing"

	"github.com/nodeprep/nodeprep/pkg/atomicfile"
	"github.com/nodeprep/nodeprep/pkg/kubeadm/apply/applytest"
)

func TestCarried(t *testing.T) {
	mine, other := applytest.New(t), applytest.New(t)
	hash := func(s *applytest.Server) string {
		hashes, err := keyHashes(s.CA())
		if err != nil || len(hashes) != 1 || len(hashes[0]) != len("sha256:")+64 {
			t.Fatal(hashes, err)
		}
		return hashes[0]
	}
	byFile := "clusters: [{name: a, cluster: {certificate-authority: /etc/kubernetes/pki/ca.crt}}]\n" +
		"contexts: [{name: c, context: {cluster: a}}]\ncurrent-context: c\n"
	both := string(mine.CA()) + string(other.CA())
	for _, tc := range []struct {
		name, conf, ca string
		mine           []bool // of each file: is it mine?
		err            string
	}{
		{name: "nothing"},
		{name: "joined", conf: mine.Kubeconfig(t, "https://a:1"), ca: string(mine.CA()), mine: []bool{true, true}},
		{name: "kubelet's is another", conf: other.Kubeconfig(t, "https://a:1"), ca: string(mine.CA()), mine: []bool{false, true}},
		{name: "kubelet's names the file", conf: byFile, ca: string(mine.CA()), mine: []bool{true, true}},
		{name: "while the CA is replaced", conf: mine.Kubeconfig(t, "https://a:1"), ca: both, mine: []bool{true, true}},
		{name: "the CA alone", ca: string(other.CA()), mine: []bool{false}},
		{name: "no kubeconfig", conf: "[", ca: string(mine.CA()), err: kubeletConf},
		{name: "a kubeconfig without a CA", conf: "kind: Config\n", ca: string(mine.CA()), err: "names no CA"},
		{name: "no certificate", ca: "hello", err: caCert},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHost(t, nil)
			for name, text := range map[string]string{kubeletConf: tc.conf, caCert: tc.ca} {
				if text != "" {
					if err := atomicfile.Write(h.node.Root.Path(name), []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			carried, err := h.node.Carried()
			if tc.err == "" && err != nil || tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
				t.Fatalf("got %v, want %q", err, tc.err)
			}
			if len(carried) != len(tc.mine) {
				t.Fatalf("got %v", carried)
			}
			for i, c := range carried {
				if c.Is(hash(mine)) != tc.mine[i] {
					t.Errorf("%s holds %v, mine is %s", c.File, c.Hashes, hash(mine))
				}
			}
		})
	}
}
