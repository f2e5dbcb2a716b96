// SPDX-License-Identifier: Apache-2.0

package tempo

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Usage is the processor time of this machine since its start, in ticks of the
// kernel's clock (proc(5), USER_HZ).
type Usage struct {
	total uint64 // of all processors, idle included
	idle  uint64
	ours  map[int]uint64 // of the processes that were named and live, by their number
}

// ReadUsage reads it, with that of some processes apart.
func ReadUsage(pids []int) (Usage, error) { return readUsage("/proc", pids) }

func readUsage(proc string, pids []int) (Usage, error) {
	stat, err := os.ReadFile(filepath.Join(proc, "stat"))
	if err != nil {
		return Usage{}, fmt.Errorf("reading the processors' time: %w", err)
	}
	u, err := parseStat(stat)
	if err != nil {
		return Usage{}, fmt.Errorf("reading the processors' time: %w", err)
	}
	u.ours = map[int]uint64{}
	for _, pid := range pids {
		text, err := os.ReadFile(filepath.Join(proc, strconv.Itoa(pid), "stat"))
		if errors.Is(err, fs.ErrNotExist) {
			continue // it has ended
		}
		ticks, parseErr := parseProcess(text)
		if err := errors.Join(err, parseErr); err != nil {
			return Usage{}, fmt.Errorf("reading the time of process %d: %w", pid, err)
		}
		u.ours[pid] = ticks
	}
	return u, nil
}

// parseStat reads the line "cpu": user nice system idle iowait irq softirq
// steal; guest time is in user's already. Stolen time is others'.
func parseStat(text []byte) (Usage, error) {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	fields := strings.Fields(string(line))
	if len(fields) < 9 || fields[0] != "cpu" {
		return Usage{}, fmt.Errorf("%q is not the line of all processors", line)
	}
	var u Usage
	for i, f := range fields[1:9] {
		n, err := strconv.ParseUint(f, 10, 64)
		if err != nil {
			return Usage{}, err
		}
		u.total += n
		if i == 3 || i == 4 { // idle, iowait
			u.idle += n
		}
	}
	return u, nil
}

// parseProcess reads utime and stime, fields 14 and 15; the name before them may
// hold blanks and parentheses.
func parseProcess(text []byte) (uint64, error) {
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("%q is no process", text)
	}
	user, err := strconv.ParseUint(fields[11], 10, 64)
	system, sysErr := strconv.ParseUint(fields[12], 10, 64)
	return user + system, errors.Join(err, sysErr)
}

// Others is the part of the processors that everybody else took since before,
// 0 to 1. It is not known when one of ours has ended, and taken its time along.
func (u Usage) Others(before Usage) (part float64, known bool) {
	if u.total <= before.total {
		return 0, false
	}
	for pid := range before.ours {
		if _, lives := u.ours[pid]; !lives {
			return 0, false
		}
	}
	var ours uint64
	for pid, ticks := range u.ours {
		ours += ticks - before.ours[pid]
	}
	total := float64(u.total - before.total)
	part = (total - float64(u.idle-before.idle) - float64(ours)) / total
	return min(1, max(0, part)), true
}
