// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/nodeprep/nodeprep/lab/soak"
	"github.com/nodeprep/nodeprep/lab/tempo"
)

// record writes what a run came to into a file, for who compares runs; without
// a name it does nothing.
func record(file string, stages []tempo.Stage, failure error) error {
	if file == "" {
		return nil
	}
	r := soak.Record{}
	if failure != nil {
		r.Failure = failure.Error()
	}
	for _, s := range stages {
		r.Stages = append(r.Stages, soak.Stage{Machine: s.Machine, What: s.What, Seconds: s.At.Seconds()})
	}
	text, err := json.Marshal(r)
	if err == nil {
		err = os.WriteFile(file, text, 0o644)
	}
	if err != nil {
		return fmt.Errorf("recording the run: %w", err)
	}
	return nil
}
