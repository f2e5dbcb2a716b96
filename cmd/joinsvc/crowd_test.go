// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// Connections on which nothing is said take nobody's place: neither that of
// operators, nor that of a host, and not what the store needs of files.
func TestIdleConnectionsLeaveRoom(t *testing.T) {
	i := install(t, asShipped)
	cmd := i.process()
	cmd.Args = append([]string{"sh", "-c", `ulimit -n 128 && exec "$0" "$@"`}, cmd.Args...)
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	cmd.Path = sh
	var log syncBuffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan int, 1)
	go func() {
		_ = cmd.Wait() // killed, as every test ends it
		ended <- cmd.ProcessState.ExitCode()
	}()
	t.Cleanup(func() { _ = cmd.Process.Signal(syscall.SIGKILL) })
	at, err := answers(&log, ended)
	if err != nil {
		t.Fatal(err)
	}
	for range 200 {
		conn, err := net.Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	// Such a connection ends by itself after some seconds, which a busy machine may
	// take for this: that they left room is in the log.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	admin := joinapi.NewAdmin(i.dir + "/run/admin.sock")
	token, err := admin.CreateToken(ctx, joinapi.TokenRequest{Uses: 1, TTL: time.Hour})
	if err != nil {
		t.Fatal("an operator:", err)
	}
	key, _ := newKey(t)
	id := joinapi.Identity{MACs: []joinapi.MAC{"00:00:5e:00:53:12"}}
	if _, err := joinapi.Enrol(ctx, "https://"+at, token.Token, key, id); err != nil {
		t.Error("a host:", err)
	}
	if text := log.String(); strings.Contains(text, "too many open files") || !strings.Contains(text, "connection closed to make room") {
		t.Errorf("the log says\n%s", text)
	}
}

// A client that never ends its request does not make a failure of joinsvc's end.
func TestASlowClientAtTheEnd(t *testing.T) {
	i := install(t, asShipped)
	url, stop := i.serve()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(url, "https://"), &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // a stranger
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST /v1/enrol HTTP/1.1\r\nHost: joinsvc\r\nContent-Length: 100\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(200 * time.Millisecond) // until it is under way
	stop()
}
