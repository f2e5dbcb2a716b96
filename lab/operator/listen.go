// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"context"
	"sync"
	"time"
)

const (
	// silence is how long nothing has to move before hosts are asked for their
	// journals: the asking costs an emulated processor a second.
	silence = time.Minute
	// journalLines are read of each: what a kubelet says in about a minute.
	journalLines = "80"
)

// heard takes note of what a source says; what it has not said before is
// progress.
func (o *Operator) heard(source, text string) {
	if line := o.novelty.New(source, text); line != "" {
		o.patience.Progress(source + ": " + line)
	}
}

// listen looks for signs of life that cost nothing, the machines' consoles, and
// where nothing has moved for a while for those that cost a little.
func (o *Operator) listen(ctx context.Context) {
	for _, name := range o.Machines() {
		if text, err := o.Console(name); err == nil { // healthy tells of one that cannot be read
			o.heard("console of "+name, string(text))
		}
	}
	quiet := o.Patient(silence)
	if o.patience.Still() < quiet || o.Now().Sub(o.journals) < quiet {
		return
	}
	o.journals = o.Now()
	o.readJournals(ctx)
}

// readJournals asks every host at once what its part of the work says.
func (o *Operator) readJournals(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, o.Patient(glance))
	defer cancel()
	said := make([]string, len(o.Hosts))
	var wg sync.WaitGroup
	for i, h := range o.Hosts {
		wg.Go(func() {
			out, err := o.Run(ctx, h.Name, "journalctl", "--no-pager", "-q", "-o", "cat", "-n", journalLines,
				"-u", "nodeprep", "-u", "kubelet", "-u", "containerd")
			if err == nil { // a host that does not answer has said nothing
				said[i] = string(out.Stdout)
			}
		})
	}
	wg.Wait()
	for i, h := range o.Hosts {
		o.heard("journal of "+h.Name, said[i])
	}
}
