// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// program is the emulator, looked up in PATH.
const program = "qemu-system-x86_64"

// Group is the process group of one topology: its machines are killed
// together, and `kill -- -pgid` reaches them by hand.
type Group struct {
	mu   sync.Mutex
	pgid int
	live map[*VM]struct{}
}

// NewGroup is a group without machines.
func NewGroup() *Group { return &Group{live: map[*VM]struct{}{}} }

// Kill ends every machine of the group and returns when the last is gone.
func (g *Group) Kill() {
	g.mu.Lock()
	vms := make([]*VM, 0, len(g.live))
	for v := range g.live {
		vms = append(vms, v)
	}
	g.mu.Unlock()
	for _, v := range vms {
		v.signal()
	}
	for _, v := range vms {
		<-v.done
	}
}

// VM is a running machine.
type VM struct {
	Machine
	group *Group
	cmd   *exec.Cmd
	done  chan struct{}
	agent agent
	ended time.Duration // of processor time, once it is done
}

// Start runs the machine in group. The machine ends with Kill, with its
// group, with this process (PR_SET_PDEATHSIG), or when the guest powers off.
func (m Machine) Start(group *Group) (*VM, error) {
	log, err := os.Create(m.qemuLogPath())
	if err != nil {
		return nil, fmt.Errorf("starting machine %s: %w", m.Name, err)
	}
	cmd := m.command()
	cmd.Stdout, cmd.Stderr = log, log
	v := &VM{Machine: m, group: group, cmd: cmd, done: make(chan struct{}), agent: agent{path: m.agentPath()}}
	err = group.start(v)
	if err := errors.Join(err, log.Close()); err != nil {
		return nil, fmt.Errorf("starting machine %s: %w", m.Name, err)
	}
	return v, nil
}

func (m Machine) command() *exec.Cmd {
	cmd := exec.Command(program, m.clocked().args()...)
	cmd.ExtraFiles = m.extraFiles()
	return cmd
}

// start forks v as the group's leader or into it.
func (g *Group) start(v *VM) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.live) == 0 {
		g.pgid = 0
	}
	v.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: g.pgid, Pdeathsig: syscall.SIGKILL}
	started := make(chan error, 1)
	go v.own(started)
	if err := <-started; err != nil {
		return err
	}
	if g.pgid == 0 {
		g.pgid = v.cmd.Process.Pid
	}
	g.live[v] = struct{}{}
	return nil
}

// own starts and reaps the process on one OS thread that stays: the kernel
// sends the parent-death signal when the forking *thread* ends (prctl(2)), and
// a child is as nice as the thread that forked it. The thread ends with this
// goroutine, since nothing unlocks it.
func (v *VM) own(started chan<- error) {
	runtime.LockOSThread()
	err := v.start()
	started <- err
	if err != nil {
		return
	}
	_ = v.cmd.Wait() // the status says nothing: a guest's panic leaves with 0
	if s := v.cmd.ProcessState; s != nil {
		v.ended = s.UserTime() + s.SystemTime()
	}
	v.group.mu.Lock()
	delete(v.group.live, v)
	v.group.mu.Unlock()
	v.agent.close()
	close(v.done)
}

func (v *VM) start() error {
	if v.Nice != 0 {
		if err := renice(0, v.Nice); err != nil {
			return err
		}
	}
	return v.cmd.Start()
}

// Done is closed when the process is gone and reaped.
func (v *VM) Done() <-chan struct{} { return v.done }

// CPUTime is the processor time that the machine took, 0 while it runs.
func (v *VM) CPUTime() time.Duration {
	select {
	case <-v.done:
		return v.ended
	default:
		return 0
	}
}

// Kill ends the machine at once and returns when it is gone.
func (v *VM) Kill() {
	v.signal()
	<-v.done
}

func (v *VM) signal() {
	// Fails only when the process is gone already, which is what is wanted.
	_ = v.cmd.Process.Kill()
}

// PID is the emulator's process.
func (v *VM) PID() int { return v.cmd.Process.Pid }

// SerialPath is the file that holds what the guest printed on its console.
func (v *VM) SerialPath() string { return v.serialPath() }

// lastWords is the last line that the emulator itself printed.
func (v *VM) lastWords() string {
	log, err := os.ReadFile(v.qemuLogPath())
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(string(bytes.TrimSpace(log)), "\n")
	return lines[len(lines)-1]
}

// Exited returns an error with the emulator's last words when the machine is
// no longer running, nil while it is.
func (v *VM) Exited() error {
	select {
	case <-v.done:
		return fmt.Errorf("machine %s: %w: %s", v.Name, os.ErrProcessDone, v.lastWords())
	default:
		return nil
	}
}
