// SPDX-License-Identifier: Apache-2.0

package join

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// What one node may leave on record. Past it old notes go, then the oldest
// outcomes of other phases; what a run of nodeprep has to say is a fifth of it.
const (
	maxReports     = 64
	maxReportBytes = 16 << 10 // of their values in the store
	maxMessage     = 4096     // bytes
	maxFailure     = 512      // bytes of a failure's message in the node's record
)

// A filed report is one as it lies in the store, under a key of its own: what a
// node tells grows no other record.
type filed struct {
	kept
	seq  uint64
	size int
}

// kept is a report as it is stored.
type kept struct {
	joinapi.Report
	// Received is when it came, by the clock of joinsvc. Time is by that of the
	// host, which is often wrong before it has a network.
	Received time.Time `json:"received,omitzero"`
}

func reportsOf(node string) string { return reportPrefix + node + "/" }

// filedReports are those of one node, the oldest first. Nobody else can add one
// until the transaction is made.
func filedReports(tx Tx, node string) ([]filed, error) {
	prefix := reportsOf(node)
	if err := tx.Guard(prefix); err != nil {
		return nil, err
	}
	return listReports(tx, prefix)
}

func listReports(tx Tx, prefix string) ([]filed, error) {
	values, err := tx.List(prefix)
	if err != nil {
		return nil, err
	}
	all := make([]filed, 0, len(values))
	for _, key := range slices.Sorted(maps.Keys(values)) {
		f := filed{size: len(values[key])}
		if f.seq, err = strconv.ParseUint(key[strings.LastIndexByte(key, '/')+1:], 10, 64); err != nil {
			return nil, fmt.Errorf("reading the key %s of the store: %w", key, err)
		}
		if err := json.Unmarshal(values[key], &f.kept); err != nil {
			return nil, fmt.Errorf("decoding %s of the store: %w", key, err)
		}
		all = append(all, f)
	}
	return all, nil
}

// file adds a report to a node's, in the place of those that it overtakes and
// of what exceeds the node's budget.
func file(tx Tx, node string, r joinapi.Report, now time.Time) error {
	old, err := filedReports(tx, node)
	if err != nil {
		return err
	}
	value, err := json.Marshal(kept{r, now.UTC()})
	if err != nil {
		return fmt.Errorf("encoding a report for the store: %w", err)
	}
	fresh := filed{seq: 1, size: len(value)}
	if len(old) > 0 {
		fresh.seq = old[len(old)-1].seq + 1
	}
	left := within(overtake(old, r), fresh.size)
	for _, f := range old {
		if !slices.ContainsFunc(left, func(k filed) bool { return k.seq == f.seq }) {
			tx.Delete(reportKey(node, f.seq))
		}
	}
	tx.Put(reportKey(node, fresh.seq), value)
	return nil
}

// reportKey sorts as its number does.
func reportKey(node string, seq uint64) string { return fmt.Sprintf("%s%016d", reportsOf(node), seq) }

// overtake leaves, of the phase that r is about, the last outcome and the notes
// since it began.
func overtake(old []filed, r joinapi.Report) []filed {
	return slices.DeleteFunc(slices.Clone(old), func(f filed) bool {
		if f.Phase != r.Phase {
			return false
		}
		note := f.Outcome == joinapi.OutcomeNoted
		switch r.Outcome {
		case joinapi.OutcomeStarted:
			return true
		case joinapi.OutcomeNoted:
			return note && f.Message == r.Message
		default:
			return !note
		}
	})
}

// within drops what does not fit beside a new report of size bytes: notes first,
// then outcomes, the oldest first; milestones last of all.
func within(old []filed, size int) []filed {
	left, bytes := slices.Clone(old), size
	for _, f := range left {
		bytes += f.size
	}
	for rank := range 3 {
		left = slices.DeleteFunc(left, func(f filed) bool {
			if f.rank() != rank || len(left) < maxReports && bytes <= maxReportBytes {
				return false
			}
			bytes -= f.size
			return true
		})
	}
	return left
}

// rank is in which order reports go when there are too many.
func (f filed) rank() int {
	switch {
	case f.Outcome == joinapi.OutcomeNoted:
		return 0
	case !milestone(f.Report):
		return 1
	default:
		return 2
	}
}

// forget removes what was told of a node's last installation.
func forget(tx Tx, node string) error {
	old, err := filedReports(tx, node)
	if err != nil {
		return err
	}
	for _, f := range old {
		tx.Delete(reportKey(node, f.seq))
	}
	tx.Delete(sessionPrefix + node)
	tx.Delete(joiningPrefix + node) // the slot is somebody else's, at once
	return nil
}

// reportsByNode are all reports that are on record.
func reportsByNode(tx Tx) (map[string][]joinapi.Report, error) {
	values, err := tx.List(reportPrefix)
	if err != nil {
		return nil, err
	}
	byNode := map[string][]joinapi.Report{}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		node, _, _ := strings.Cut(strings.TrimPrefix(key, reportPrefix), "/")
		var r joinapi.Report
		if err := json.Unmarshal(values[key], &r); err != nil {
			return nil, fmt.Errorf("decoding %s of the store: %w", key, err)
		}
		byNode[node] = append(byNode[node], r)
	}
	return byNode, nil
}
