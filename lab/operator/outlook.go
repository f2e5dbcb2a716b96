// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/nodeprep/nodeprep/lab/tempo"
)

// outlook is when the rack will be routed, measured again as it goes.
type outlook struct {
	forecast *tempo.Forecast
	others   float64 // the part of the processors that others took when the pace was set
	usage    tempo.Usage
	read     time.Time // when usage was
}

func newOutlook(milestones []tempo.Milestone, s tempo.Speed) *outlook {
	return &outlook{forecast: tempo.NewForecast(milestones, s.Pace), others: s.Others}
}

const (
	// loadInterval is over what time others' part is taken: long enough for one
	// compiler to be none of it.
	loadInterval = time.Minute
	// loadChange is a difference worth a word.
	loadChange = 0.15
)

// load takes note of what others take of the processors, and tells whether that
// has changed the pace. What they take is not there for the rack.
func (l *outlook) load(now time.Time, u tempo.Usage) bool {
	if l.read.IsZero() || now.Sub(l.read) < loadInterval {
		if l.read.IsZero() {
			l.read, l.usage = now, u
		}
		return false
	}
	others, known := u.Others(l.usage)
	l.read, l.usage = now, u
	return known && l.shared(others)
}

// shared sets the pace to what others leave, and tells whether that is news.
func (l *outlook) shared(others float64) bool {
	if math.Abs(others-l.others) < loadChange {
		return false
	}
	const least = 0.1 // a machine that others have whole is not infinitely slow
	l.forecast.Scale(max(least, 1-l.others) / max(least, 1-others))
	l.others = others
	return true
}

// expect is the forecast in words: when, and after how long from now. Nothing is
// expected of a rack that is routed.
func (o *Operator) expect() string {
	if o.outlook.forecast.Complete() {
		return ""
	}
	at := o.clock.Now()
	left := max(0, o.outlook.forecast.End(at)-at)
	return fmt.Sprintf("expect routed in %s, at %s (%s)",
		tempo.About(left), o.Now().Add(left).Format("15:04"), tempo.Slowness(o.outlook.forecast.Pace()))
}

// look measures the load again, stretches the patience with the pace, and shows
// what is waited for.
func (o *Operator) look(why string) {
	if u, err := o.usage(o.PIDs()); err == nil && o.outlook.load(o.Now(), u) {
		others := fmt.Sprintf("other programs take %.0f %% of this machine's processors", 100*o.outlook.others)
		o.clock.Tell("", "%s", together(": ", others, o.expect()))
	}
	o.patience.Scale(o.outlook.forecast.Pace())
	still := ""
	if s := o.patience.Still(); s > time.Minute {
		still = fmt.Sprintf("nothing has moved for %s of %s", s.Round(time.Second), o.patience.Limit().Round(time.Second))
	}
	o.board.Note(together("; ", o.expect(), still, why))
}

// reached marks a milestone of all hosts.
func (o *Operator) reached(name, detail string) {
	at := o.clock.Now()
	o.outlook.forecast.Reached(at)
	o.board.Stage(name, fmt.Sprintf("%5.0fs  %s", at.Seconds(), detail))
	o.clock.Tell("", "%s", together("; ", name, o.expect()))
}

// together joins what there is to say.
func together(separator string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), separator)
}
