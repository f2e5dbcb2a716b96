// SPDX-License-Identifier: Apache-2.0

package joinapi

import (
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// tokenVersion begins every enrolment token, so that another form can follow.
const tokenVersion = "np1"

// tokenPart is base64url without padding (RFC 4648 section 5), which joinsvc
// makes ids and secrets of: 8 and 43 characters of it.
var tokenPart = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// An EnrolToken is what an operator puts on the kickstart line: it proves the
// host to joinsvc by the secret, and joinsvc to the host by the CA's hash.
type EnrolToken struct {
	CA     string // SHA-256 of the CA certificate's DER, lower-case hex
	ID     string // names the token in logs; no secret
	Secret string
}

// String returns "np1.<ca-sha256>.<id>.<secret>".
func (t EnrolToken) String() string {
	return strings.Join([]string{tokenVersion, t.CA, t.ID, t.Secret}, ".")
}

// ParseToken splits a token. Its errors never repeat the secret.
func ParseToken(s string) (EnrolToken, error) {
	parts := strings.Split(strings.TrimSpace(s), ".")
	if len(parts) != 4 {
		return EnrolToken{}, fmt.Errorf("the enrolment token has %d parts, want 4: np1.<ca-sha256>.<id>.<secret>", len(parts))
	}
	if parts[0] != tokenVersion {
		return EnrolToken{}, errors.New("the enrolment token does not begin with np1: it is of another version or none")
	}
	t := EnrolToken{CA: parts[1], ID: parts[2], Secret: parts[3]}
	if sum, err := hex.DecodeString(t.CA); err != nil || len(sum) != 32 || strings.ToLower(t.CA) != t.CA {
		return EnrolToken{}, errors.New("the second part of the enrolment token is no SHA-256 (64 lower-case hexadecimal digits)")
	}
	if t.ID == "" || t.Secret == "" {
		return EnrolToken{}, errors.New("the enrolment token lacks its id or its secret; was it cut when copied?")
	}
	if !tokenPart.MatchString(t.ID) || !tokenPart.MatchString(t.Secret) {
		return EnrolToken{}, errors.New("the id and the secret of an enrolment token are base64url, at most 64 letters, digits, - and _ each")
	}
	return t, nil
}
