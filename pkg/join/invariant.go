// SPDX-License-Identifier: Apache-2.0

package join

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/admission"
)

// A Violation is something in the store that no order of requests and crashes
// may bring about.
type Violation struct {
	Key     string // the record that is wrong
	Problem string
}

// String returns "key: problem".
func (v Violation) String() string { return v.Key + ": " + v.Problem }

// Violations reads one state of the store and returns all that is wrong with
// its enrolments, sorted: nodes that share a number, an address, a name or a
// key; leases without their node, and nodes without their leases; tokens used
// more often than they may be; uses and keys of a token that do not agree; what
// is told of nodes that are not enrolled; nodes with two places in the queue; an
// access to a cluster that nobody made. It changes nothing, and may run beside a
// joinsvc that serves.
func Violations(ctx context.Context, s Store) ([]Violation, error) {
	var c census
	err := s.Update(ctx, func(tx Tx) (err error) {
		c, err = count(tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading all of the store: %w", err)
	}
	c.nodesAndLeases()
	c.shared()
	c.tokens()
	c.told()
	c.queued()
	c.made()
	slices.SortFunc(c.found, func(a, b Violation) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Problem, b.Problem))
	})
	return c.found, nil
}

// A census is one state of the store, decoded.
type census struct {
	nodes  map[string]Node             // by name
	leases map[string]map[string]lease // by prefix, then by what is leased
	issued map[string]token            // by id
	slots  map[string]map[string]use   // by id of the token, then by number
	keys   map[string]map[string]use   // by id of the token, then by fingerprint
	about  map[string]string           // key of a report or of sessions → node
	joins  map[string]admission.Slot   // by node
	places map[string]admission.Place  // by number
	init   map[string]initRecord       // under no name: there is one, or none
	access bool
	found  []Violation
}

func count(tx Tx) (census, error) {
	c := census{
		leases: map[string]map[string]lease{}, issued: map[string]token{},
		slots: map[string]map[string]use{}, keys: map[string]map[string]use{},
	}
	var err error
	if c.nodes, err = readable[Node](&c, tx, nodePrefix); err != nil {
		return census{}, err
	}
	for _, prefix := range []string{asnPrefix, addressPrefix, keyPrefix} {
		if c.leases[prefix], err = readable[lease](&c, tx, prefix); err != nil {
			return census{}, err
		}
	}
	all, err := readable[json.RawMessage](&c, tx, tokenPrefix)
	if err != nil {
		return census{}, err
	}
	for key, data := range all {
		c.token(key, data)
	}
	return c, c.countLives(tx)
}

// countLives reads what follows the enrolment of a node.
func (c *census) countLives(tx Tx) error {
	c.about = map[string]string{}
	for _, prefix := range []string{reportPrefix, sessionPrefix} {
		told, err := tx.List(prefix)
		if err != nil {
			return err
		}
		for key := range told {
			c.about[key], _, _ = strings.Cut(key[len(prefix):], "/")
		}
	}
	var err error
	if c.joins, err = readable[admission.Slot](c, tx, joiningPrefix); err != nil {
		return err
	}
	if c.places, err = readable[admission.Place](c, tx, queuePrefix); err != nil {
		return err
	}
	if c.init, err = readable[initRecord](c, tx, initKey); err != nil {
		return err
	}
	access, err := tx.Get(accessKey)
	c.access = access != nil
	return err
}

// readable is list, but for what cannot be decoded, which is a violation.
func readable[T any](c *census, tx Tx, prefix string) (map[string]T, error) {
	all, err := tx.List(prefix)
	values := make(map[string]T, len(all))
	for key, data := range all {
		var value T
		if err := json.Unmarshal(data, &value); err != nil {
			c.say(key, "cannot be decoded: %v", err)
			continue
		}
		values[key[len(prefix):]] = value
	}
	return values, err
}

// token files what is under tokens/: the token itself, a slot or a key of it.
func (c *census) token(key string, data []byte) {
	id, rest, under := strings.Cut(key, "/")
	if !under {
		var t token
		if err := json.Unmarshal(data, &t); err != nil {
			c.say(tokenPrefix+key, "cannot be decoded: %v", err)
		}
		c.issued[id] = t
		return
	}
	kind, of, _ := strings.Cut(rest, "/")
	files := map[string]map[string]map[string]use{"slots": c.slots, "keys": c.keys}[kind]
	var u use
	if err := json.Unmarshal(data, &u); err != nil || files == nil {
		c.say(tokenPrefix+key, "is no use of a token: %v", err)
		return
	}
	if files[id] == nil {
		files[id] = map[string]use{}
	}
	files[id][of] = u
}

func (c *census) say(key, format string, args ...any) {
	c.found = append(c.found, Violation{key, fmt.Sprintf(format, args...)})
}

// held are the leases that a node has to have: prefix → what is leased.
func held(n Node) map[string]string {
	leases := map[string]string{addressPrefix: n.Address.Addr().String(), keyPrefix: n.Key}
	if !n.SharedASN {
		leases[asnPrefix] = formatASN(n.ASN)
	}
	return leases
}

func (c *census) nodesAndLeases() {
	for name, n := range c.nodes {
		if n.Name != name {
			c.say(nodePrefix+name, "names itself %q", n.Name)
		}
		for prefix, what := range held(n) {
			if l, ok := c.leases[prefix][what]; !ok {
				c.say(nodePrefix+name, "has no lease %s%s", prefix, what)
			} else if l.Node != name {
				c.say(nodePrefix+name, "has %s%s, which is leased to %s", prefix, what, l.Node)
			}
		}
	}
	for prefix, leases := range c.leases {
		for what, l := range leases {
			n, ok := c.nodes[l.Node]
			switch {
			case !ok:
				c.say(prefix+what, "is leased to %s, which is not enrolled", l.Node)
			case prefix == asnPrefix && n.SharedASN, held(n)[prefix] != what:
				c.say(prefix+what, "is leased to %s, which does not have it", l.Node)
			}
		}
	}
}

// shared looks at the nodes alone: two may agree on what one lease says.
func (c *census) shared() {
	holders := map[string]string{}
	names := make([]string, 0, len(c.nodes))
	for name := range c.nodes {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for prefix, what := range held(c.nodes[name]) {
			if other, ok := holders[prefix+what]; ok {
				c.say(nodePrefix+name, "shares %s%s with %s", prefix, what, other)
			}
			holders[prefix+what] = name
		}
	}
}

// told looks at what goes with a node that is released.
func (c *census) told() {
	for key, node := range c.about {
		if _, ok := c.nodes[node]; !ok {
			c.say(key, "is about %s, which is not enrolled", node)
		}
	}
}

func (c *census) queued() {
	has := map[string]string{}
	one := func(key, node string) {
		if _, ok := c.nodes[node]; !ok {
			c.say(key, "is of %s, which is not enrolled", node)
		}
		if other, ok := has[node]; ok {
			c.say(key, "is of %s, which has %s", node, other)
		}
		has[node] = key
	}
	for name, slot := range c.joins {
		if slot.Node != name {
			c.say(joiningPrefix+name, "names %q", slot.Node)
		}
		one(joiningPrefix+name, name)
	}
	for _, seq := range slices.Sorted(maps.Keys(c.places)) {
		one(queuePrefix+seq, c.places[seq].Node)
	}
}

// made looks at who made the cluster that joinsvc has access to.
func (c *census) made() {
	if c.access && c.init[""].state() != initDone {
		c.say(accessKey, "is there, and nobody has made a cluster")
	}
}

func (c *census) tokens() {
	for id, t := range c.issued {
		if t.ID != id {
			c.say(tokenPrefix+id, "calls itself %q", t.ID)
		}
	}
	for id, slots := range c.slots {
		t, ok := c.issued[id]
		if ok && len(slots) > t.Uses {
			c.say(tokenPrefix+id, "has %d uses, and was used %d times", t.Uses, len(slots))
		}
		for number, u := range slots {
			c.slot(t, tokenPrefix+id+slotsOf+number, number, c.keys[id][u.Key], u)
		}
	}
	for id, keys := range c.keys {
		for key, u := range keys {
			if u.Key != key || c.slots[id][strconv.Itoa(u.Slot)] != u {
				c.say(useKey(id, key), "is of slot %d, which does not say so", u.Slot)
			}
		}
	}
	for _, uses := range []map[string]map[string]use{c.slots, c.keys} {
		for id := range uses {
			if _, ok := c.issued[id]; !ok {
				c.say(tokenPrefix+id, "is not there, but was used")
			}
		}
	}
}

func (c *census) slot(t token, key, number string, known, u use) {
	n, err := strconv.Atoi(number)
	switch {
	case err != nil || n != u.Slot:
		c.say(key, "calls itself slot %d", u.Slot)
	case t.ID != "" && n >= t.Uses:
		c.say(key, "is beyond the %d uses of its token", t.Uses)
	}
	if known != u {
		c.say(key, "was taken by key %s, which does not say so", u.Key)
	}
}
