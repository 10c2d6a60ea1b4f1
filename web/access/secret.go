package access

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
)

// tokenPrefix makes a token known for what it is, to people and to programs that
// look for secrets where none should be.
const tokenPrefix = "pct_"

// NewToken is a secret for a program, of 256 random bits.
func NewToken() string { return tokenPrefix + newSecret() }

func newSecret() string {
	bits := make([]byte, 32)
	_, _ = rand.Read(bits) // it never fails: the program would end
	return base64.RawURLEncoding.EncodeToString(bits)
}

// Hash is what is kept of a random secret. Nobody can guess 256 bits, so a fast
// hash is enough; of passwords HashPassword is kept.
func Hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// proof shows that a session began with a password, and tells nothing of it to
// who does not have the session's secret.
func proof(secret, password string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(password))
	return hex.EncodeToString(mac.Sum(nil))
}

// equal compares secrets in constant time, whatever their length. An unset
// secret equals nothing.
func equal(given, secret string) bool {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(secret))
	return secret != "" && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
