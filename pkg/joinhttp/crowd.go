// SPDX-License-Identifier: Apache-2.0

package joinhttp

import (
	"container/list"
	"context"
	"log/slog"
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nodeprep/nodeprep/pkg/flood"
)

// maxConnections is how many connections of hosts are open at the same time: a
// site of 5,000 that is switched on at once has one for each host. It is an
// eighth of what joinsvc.service lets joinsvc open (LimitNOFILE).
const maxConnections = 8192

// Bounded is l with a bound of the connections that it gives, so that those of
// strangers never use up the descriptors that the store and the operators need.
// Past it the oldest connection goes of the address that has the most, which for
// a newcomer that crowds everybody out is its own. Nobody has a share by number:
// a site behind one address is as many hosts as it is, while there is room.
func Bounded(l net.Listener, log *slog.Logger) net.Listener {
	return &crowd{Listener: l, most: places(), log: log, guests: map[string]*list.List{}}
}

// places is maxConnections, or half of what this process may open if that is less.
func places() int {
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		return maxConnections
	}
	return int(min(maxConnections, files.Cur/2))
}

// A crowd is a listener that knows its open connections.
type crowd struct {
	net.Listener
	most int
	log  *slog.Logger

	mu     sync.Mutex
	open   int
	guests map[string]*list.List // of *guest by source, the oldest first
}

// Accept implements net.Listener.
func (c *crowd) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	g := &guest{Conn: conn, crowd: c, source: address(conn.RemoteAddr().String()), since: time.Now()}
	if gone := c.enter(g); gone != nil {
		ctx := flood.WithSource(context.Background(), gone.source)
		c.log.WarnContext(ctx, "connection closed to make room", flood.Why, "too many connections", "most", c.most)
		_ = gone.Close() // whoever is at its other end asks again
	}
	return g, nil
}

// enter returns who has to go for a newcomer, nil when there is room.
func (c *crowd) enter(g *guest) (gone *guest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	of, ok := c.guests[g.source]
	if !ok {
		of = list.New()
		c.guests[g.source] = of
	}
	g.place = of.PushBack(g)
	c.open++
	if c.open <= c.most {
		return nil
	}
	gone = c.heaviest()
	c.remove(gone)
	return gone
}

// heaviest is the oldest guest of the source that has the most; of several such
// sources, the oldest of all. To look through them is for a full house alone, and
// costs less than the newcomer's handshake.
func (c *crowd) heaviest() *guest {
	var worst *guest
	most := 0
	for _, of := range c.guests {
		first, _ := of.Front().Value.(*guest)
		if of.Len() > most || of.Len() == most && first.since.Before(worst.since) {
			worst, most = first, of.Len()
		}
	}
	return worst
}

// remove takes a guest off the list, once.
func (c *crowd) remove(g *guest) {
	if g.place == nil {
		return
	}
	of := c.guests[g.source]
	of.Remove(g.place)
	g.place = nil
	c.open--
	if of.Len() == 0 {
		delete(c.guests, g.source)
	}
}

// A guest is an open connection.
type guest struct {
	net.Conn
	crowd  *crowd
	source string
	since  time.Time
	place  *list.Element // among those of its source; nil when it has gone
}

// Close implements net.Conn.
func (g *guest) Close() error {
	g.crowd.mu.Lock()
	g.crowd.remove(g)
	g.crowd.mu.Unlock()
	return g.Conn.Close()
}
