// SPDX-License-Identifier: Apache-2.0

package rack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// evidenceTime bounds the collection: a machine that hangs answers nothing.
const evidenceTime = 90 * time.Second

// question is one thing to read on a machine for whoever looks for a cause.
type question struct {
	file string
	argv []string
}

func shell(file, line string) question {
	return question{file: file, argv: []string{"sh", "-c", line}}
}

// questions says what to read on which machine.
func (r *Rack) questions(machine string) []question {
	all := []question{
		shell("kickstart.log", "journalctl --no-pager -u kickstart"),
		shell("network.txt", "ip -d addr; ip route; ip neigh"),
	}
	if machine == Infra {
		return append(all, r.infraQuestions()...)
	}
	return append(all,
		shell("nodeprep.log", "journalctl --no-pager -u nodeprep"),
		shell("nodeprep-status.txt", "nodeprep status"),
		shell("kubelet.log", "journalctl --no-pager -u kubelet -u containerd | tail -n 400"),
		shell("bonds.txt", "cat /proc/net/bonding/*"),
		shell("units.txt", "systemctl --no-pager --failed; systemctl --no-pager list-jobs"),
		shell("cluster.txt", "export KUBECONFIG=/etc/kubernetes/admin.conf; [ -e $KUBECONFIG ] && kubectl get nodes,pods -A -o wide; kubectl get events -A | tail -n 60"))
}

func (r *Rack) infraQuestions() []question {
	all := []question{
		shell("bonds.txt", "cat /proc/net/bonding/*; bridge vlan; bridge fdb"),
		shell("joinsvc.log", "journalctl --no-pager -u joinsvc"),
		shell("status.txt", "joinsvc status"),
	}
	for _, l := range r.Plan.Spec.Fabric.Leaves {
		all = append(all,
			shell(l.Name+".txt", fmt.Sprintf("vtysh -N %[1]s -c 'show bgp summary' -c 'show bgp ipv4' -c 'show bgp neighbors'; ip -n %[1]s addr; ip -n %[1]s neigh", l.Name)),
			shell(l.Name+".log", "cat /var/log/frr/"+l.Name+".log"))
	}
	return all
}

// Collect saves what the machines know into dir, one folder per machine, and
// prints the lines that most often say why. It works on what still answers.
func (r *Rack) Collect(ctx context.Context, dir string, w io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, evidenceTime)
	defer cancel()
	var wg sync.WaitGroup
	errs := make([]error, len(r.order))
	for i, name := range r.order {
		wg.Go(func() { errs[i] = r.collectFrom(ctx, name, filepath.Join(dir, name)) })
	}
	wg.Wait()
	return errors.Join(append(errs, r.printDecisive(dir, w))...)
}

func (r *Rack) collectFrom(ctx context.Context, name, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("collecting from %s: %w", name, err)
	}
	serial, err := os.ReadFile(r.machines[name].SerialPath())
	errs := []error{err, os.WriteFile(filepath.Join(dir, "serial.log"), serial, 0o600)}
	for _, q := range r.questions(name) {
		out, err := r.Run(ctx, name, q.argv...)
		text := slices.Concat(out.Stdout, out.Stderr)
		if err != nil && len(text) == 0 {
			text = []byte(err.Error() + "\n")
		}
		errs = append(errs, os.WriteFile(filepath.Join(dir, q.file), text, 0o600))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("collecting from %s: %w", name, err)
	}
	return nil
}

// decisive are the files whose end is printed, and how many lines of it.
func (r *Rack) decisive() []string {
	files := []string{filepath.Join(Infra, "joinsvc.log"), filepath.Join(Infra, "status.txt")}
	for _, h := range r.Hosts {
		files = append(files, filepath.Join(h.Name, "nodeprep.log"))
	}
	for _, h := range r.Hosts {
		files = append(files, filepath.Join(h.Name, "cluster.txt"))
	}
	return append(files, filepath.Join(Infra, "kickstart.log"))
}

const decisiveLines = 14

func (r *Rack) printDecisive(dir string, w io.Writer) error {
	var errs []error
	for _, file := range r.decisive() {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		_, err = fmt.Fprintf(w, "\n--- end of %s\n%s\n", file, lastLines(text, decisiveLines))
		errs = append(errs, err)
	}
	_, err := fmt.Fprintf(w, "\nAll of it is in %s\n", dir)
	return errors.Join(append(errs, err)...)
}

func lastLines(text []byte, n int) string {
	lines := bytes.Split(bytes.TrimRight(text, "\n"), []byte("\n"))
	lines = lines[max(0, len(lines)-n):]
	var b strings.Builder
	for _, l := range lines {
		b.Write(bytes.TrimRight(l, "\r"))
		b.WriteByte('\n')
	}
	return strings.TrimRight(b.String(), "\n")
}
