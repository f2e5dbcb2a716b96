// SPDX-License-Identifier: Apache-2.0

package apic

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/fabric/aci"
)

// Changes are what brings an APIC from what it has to what is wanted.
type Changes struct {
	Create    []Creation     `json:"create"`    // parents first
	Change    []Modification `json:"change"`    // of objects of ours
	Delete    []Deletion     `json:"delete"`    // of objects of ours, with all below them
	Kept      []Kept         `json:"kept"`      // no longer wanted, but others built on them
	Conflicts []Conflict     `json:"conflicts"` // what others made otherwise
	Used      []string       `json:"used"`      // what others made as wanted, by name
}

// A Creation is an object that the APIC has not.
type Creation struct {
	DN         string            `json:"dn"`
	Class      string            `json:"class"`
	Attributes map[string]string `json:"attributes"` // without secrets
	object     *aci.Object
}

// A Modification is an object of ours that the APIC has otherwise.
type Modification struct {
	DN         string       `json:"dn"`
	Class      string       `json:"class"`
	Attributes []Difference `json:"attributes"`
}

// A Difference is an attribute's value in the APIC and in the plan.
type Difference struct {
	Name string `json:"name"`
	From string `json:"from"`
	To   string `json:"to"`
}

// A Deletion is an object of ours that is no longer wanted. All that is below
// it is ours or the APIC's own.
type Deletion struct {
	DN        string `json:"dn"`
	Class     string `json:"class"`
	object    object
	exclusive bool // holds what may be wanted elsewhere
}

// Kept is an object of ours that is no longer wanted and cannot go: an APIC
// deletes all that is below an object with it.
type Kept struct {
	DN    string `json:"dn"`
	Class string `json:"class"`
	Holds string `json:"holds"` // the name of an object of somebody else's below it
}

// A Conflict is an object that somebody else made and that is not as wanted.
type Conflict struct {
	DN         string       `json:"dn"`
	Class      string       `json:"class"`
	Owner      string       `json:"owner"`      // its annotation, empty for none
	Attributes []Difference `json:"attributes"` // From theirs, To ours
}

// String says whose the object is and what is different in it.
func (c Conflict) String() string {
	owner := "nobody that it names"
	if c.Owner != "" {
		owner = c.Owner
	}
	said := make([]string, len(c.Attributes))
	for i, a := range c.Attributes {
		said[i] = fmt.Sprintf("%s is %q, the plan has %q", a.Name, a.From, a.To)
	}
	return fmt.Sprintf("%s %s belongs to %s: %s", c.Class, c.DN, owner, strings.Join(said, "; "))
}

// Empty says that the APIC has all that is wanted and nothing of ours that is
// not, so far as that is for us to change.
func (c Changes) Empty() bool {
	return len(c.Create)+len(c.Change)+len(c.Delete)+len(c.Conflicts) == 0
}

// wanted is a tree by distinguished name.
type wanted struct {
	order   []string // parents first
	objects map[string]*aci.Object
}

func (c *Client) wanted(root *aci.Object) (wanted, error) {
	w := wanted{objects: map[string]*aci.Object{}}
	if root == nil {
		return w, nil
	}
	var err error
	root.Walk(func(dn string, o *aci.Object) {
		if _, twice := w.objects[dn]; twice {
			err = fmt.Errorf("the tree has %s twice", dn)
		}
		if a := o.Attributes["annotation"]; o.Owned() && a != c.owner {
			err = fmt.Errorf("the tree's %s has the annotation %q, want %q", dn, a, c.owner)
		}
		w.order = append(w.order, dn)
		w.objects[dn] = o
	})
	return w, err
}

// Diff compares the wanted tree, whose root is uni, with what the APIC has. It
// changes nothing. A nil tree wants nothing, and so finds all of ours to delete.
func (c *Client) Diff(ctx context.Context, root *aci.Object) (Changes, error) {
	w, err := c.wanted(root)
	if err != nil {
		return Changes{}, err
	}
	have, err := c.observe(ctx, w)
	if err != nil {
		return Changes{}, fmt.Errorf("reading what the APIC has: %w", err)
	}
	changes := c.compare(w, have)
	surplus := c.surplus(w, have)
	changes.Delete, changes.Kept, err = c.removal(ctx, surplus)
	return changes, err
}

// compare finds what is missing and what is different, from values alone.
func (c *Client) compare(w wanted, have map[string]object) Changes {
	// Not nil, so that programs read lists.
	changes := Changes{Create: []Creation{}, Change: []Modification{}, Conflicts: []Conflict{}, Used: []string{}}
	for _, dn := range w.order {
		o := w.objects[dn]
		theirs, exists := have[dn]
		switch {
		case !o.Owned():
		case !exists:
			changes.Create = append(changes.Create, Creation{DN: dn, Class: o.Class, Attributes: visible(o.Attributes), object: o})
		case c.ours(theirs) || c.implicit(theirs, have):
			if d := differences(o, theirs); len(d) > 0 {
				changes.Change = append(changes.Change, Modification{dn, o.Class, d})
			}
		default:
			if d := theirDifferences(o, theirs); len(d) > 0 {
				changes.Conflicts = append(changes.Conflicts, Conflict{dn, o.Class, theirs.attributes["annotation"], d})
			} else {
				changes.Used = append(changes.Used, dn)
			}
		}
	}
	return changes
}

func (c *Client) ours(o object) bool { return o.attributes["annotation"] == c.owner }

// implicit says of an object that the APIC made it by itself with one of ours,
// such as the relation of a VRF to its BGP timers: nobody has set it yet. The
// user ID of what the APIC makes is 0.
func (c *Client) implicit(o object, have map[string]object) bool {
	above, ok := have[parent(o.dn)]
	return o.attributes["annotation"] == "" && o.attributes["uid"] == "0" && ok && c.ours(above)
}

// foreign says that somebody else made an object, and not the APIC with ours.
// Counters, faults and the APIC's notes of who points here have neither an
// annotation nor a user.
func (c *Client) foreign(o object) bool {
	uid := o.attributes["uid"]
	return !c.ours(o) && (o.attributes["annotation"] != "" || uid != "" && uid != "0")
}

// differences are of what the plan sets: the rest are the APIC's defaults and
// whoever's choices.
func differences(o *aci.Object, have object) []Difference {
	var all []Difference
	for _, name := range slices.Sorted(maps.Keys(o.Attributes)) {
		from, to := have.attributes[name], o.Attributes[name]
		if !writeOnly(name) && !same(name, from, to) {
			all = append(all, Difference{name, from, to})
		}
	}
	return all
}

// theirDifferences leave out whose the object is and what only people read.
func theirDifferences(o *aci.Object, have object) []Difference {
	return slices.DeleteFunc(differences(o, have), func(d Difference) bool {
		return d.Name == "annotation" || d.Name == "descr"
	})
}

func visible(attributes map[string]string) map[string]string {
	shown := maps.Clone(attributes)
	for name := range shown {
		if writeOnly(name) {
			shown[name] = Secret("").String()
		}
	}
	return shown
}

// surplus are the objects of ours that are not wanted. A relation without a
// target is what was left of one that goes with its parent only.
func (c *Client) surplus(w wanted, have map[string]object) map[string]object {
	all := map[string]object{}
	for dn, o := range have {
		_, isWanted := w.objects[dn]
		emptied := relation(o.class) && len(o.targets()) == 0
		if !isWanted && c.ours(o) && !emptied {
			all[dn] = o
		}
	}
	return all
}
