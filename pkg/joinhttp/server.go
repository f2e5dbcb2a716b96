// SPDX-License-Identifier: Apache-2.0

package joinhttp

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/nodeprep/nodeprep/pkg/flood"
)

// Server gives handler the time limits that a server on a network needs. Its
// own complaints, failed handshakes among them, go to log.
func Server(handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ErrorLog:          slog.NewLogLogger(complaints{logger}, slog.LevelError),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      time.Minute, // minting a token asks the API server
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		Protocols:         onlyHTTP1(),
	}
}

// onlyHTTP1 leaves HTTP/2 out, which no host speaks: joinapi's client brings a
// TLS configuration of its own and asks for none. With it one connection is 250
// requests at a time, and no bound of connections bounds anything.
func onlyHTTP1() *http.Protocols {
	var p http.Protocols
	p.SetHTTP1(true)
	return &p
}

// complaints are what net/http writes for people, as records. A port scanner,
// a host that does not trust this CA and a health check that only connects all
// fail in the handshake, again and again, so these are of a kind.
//
// It is a slog.Handler because that is what slog.NewLogLogger writes to.
type complaints struct{ log *slog.Logger }

// Enabled implements slog.Handler; the level is decided by the text.
func (complaints) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs implements slog.Handler; net/http has none to add.
func (c complaints) WithAttrs([]slog.Attr) slog.Handler { return c }

// WithGroup implements slog.Handler; net/http has none to open.
func (c complaints) WithGroup(string) slog.Handler { return c }

// handshake is how net/http begins them (http.Server, conn.serve).
const handshake = "http: TLS handshake error from "

// Handle implements slog.Handler.
func (c complaints) Handle(ctx context.Context, r slog.Record) error {
	text := strings.TrimSpace(r.Message)
	failed, ok := strings.CutPrefix(text, handshake)
	from, why, split := strings.Cut(failed, ": ")
	if !ok || !split {
		c.log.WarnContext(ctx, text, flood.Why, "net/http")
		return nil
	}
	level := slog.LevelWarn
	if why == "EOF" || strings.HasSuffix(why, "connection reset by peer") || strings.HasSuffix(why, "i/o timeout") ||
		strings.HasSuffix(why, net.ErrClosed.Error()) {
		level = slog.LevelDebug // it went away, or had to
	}
	ctx = flood.WithSource(ctx, address(from))
	c.log.Log(ctx, level, "TLS handshake error", flood.Why, "handshake", "err", why)
	return nil
}

// address is that of a peer without its port, which is another each time; of
// IPv6 its /64, as for limits.
func address(peer string) string {
	at, err := netip.ParseAddrPort(peer)
	if err != nil {
		return peer // a unix socket has no address
	}
	a := at.Addr().Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	return netip.PrefixFrom(a, 64).Masked().String()
}
