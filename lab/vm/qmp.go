// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"
)

// ErrMonitor is the emulator's refusal of a monitor command.
var ErrMonitor = errors.New("refused by the monitor")

// monitorTime bounds one conversation with a monitor that runs in the
// emulator's main loop, apart from the guest.
const monitorTime = 20 * time.Second

type monitorCommand struct {
	Execute   string         `json:"execute"`
	Arguments *linkArguments `json:"arguments,omitempty"`
}

type linkArguments struct {
	Name string `json:"name"`
	Up   bool   `json:"up"`
}

// monitorReply is one line of QMP: a greeting, an event, a return or an error.
type monitorReply struct {
	Event  string          `json:"event"`
	Return json.RawMessage `json:"return"`
	Error  *struct {
		Class string `json:"class"`
		Desc  string `json:"desc"`
	} `json:"error"`
}

// SetLink plugs (up) or pulls the cable of the NIC with that name: the guest
// sees its carrier change.
func (v *VM) SetLink(ctx context.Context, nic string, up bool) error {
	return v.monitor(ctx, monitorCommand{Execute: "set_link", Arguments: &linkArguments{Name: nic, Up: up}})
}

// Reset is the reset button: the guest boots again with its disk as it is.
func (v *VM) Reset(ctx context.Context) error {
	return v.monitor(ctx, monitorCommand{Execute: "system_reset"})
}

// Powerdown is the power button: the guest is asked to shut down.
func (v *VM) Powerdown(ctx context.Context) error {
	return v.monitor(ctx, monitorCommand{Execute: "system_powerdown"})
}

// monitor runs one command on a connection of its own. QMP wants the
// capabilities negotiated before anything else.
func (v *VM) monitor(ctx context.Context, cmd monitorCommand) error {
	ctx, cancel := context.WithTimeout(ctx, monitorTime)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", v.qmpPath())
	if err != nil {
		return fmt.Errorf("machine %s: %s: %w", v.Name, cmd.Execute, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })
	defer stop()
	err = converse(conn, monitorCommand{Execute: "qmp_capabilities"}, cmd)
	if err := errors.Join(err, conn.Close()); err != nil {
		return fmt.Errorf("machine %s: %s: %w", v.Name, cmd.Execute, err)
	}
	return nil
}

func converse(conn net.Conn, cmds ...monitorCommand) error {
	dec, enc := json.NewDecoder(bufio.NewReader(conn)), json.NewEncoder(conn)
	var greeting json.RawMessage
	if err := dec.Decode(&greeting); err != nil {
		return fmt.Errorf("greeting: %w", err)
	}
	for _, cmd := range cmds {
		if err := enc.Encode(cmd); err != nil {
			return err
		}
		if err := awaitReturn(dec); err != nil {
			return err
		}
	}
	return nil
}

// awaitReturn skips events until the command's own answer. The decoder's
// connection has a deadline, so the loop ends.
func awaitReturn(dec *json.Decoder) error {
	for {
		var r monitorReply
		if err := dec.Decode(&r); err != nil {
			return err
		}
		if r.Error != nil {
			return fmt.Errorf("%w: %s: %s", ErrMonitor, r.Error.Class, r.Error.Desc)
		}
		if r.Return != nil {
			return nil
		}
	}
}
