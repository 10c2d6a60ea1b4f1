package access

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"

	"golang.org/x/crypto/argon2"
)

// The bounds of a password that somebody chooses, in bytes.
const (
	MinPassword = 10
	MaxPassword = 1000
)

// What a password costs to hash: 19 MiB and two passes, as OWASP advises. The
// settings are kept with each hash, so another choice later harms none.
const (
	passwordMemory  = 19 * 1024 // KiB
	passwordPasses  = 2
	passwordThreads = 1
	passwordBytes   = 32
)

// hashing bounds how many passwords are hashed at once, and so the memory that
// strangers can make a process take.
var hashing = make(chan struct{}, 2)

// ValidPassword refuses a password that is too short or too long.
func ValidPassword(password string) error {
	if len(password) < MinPassword || len(password) > MaxPassword {
		return fmt.Errorf("a password of %d bytes: from %d to %d are allowed", len(password), MinPassword, MaxPassword)
	}
	return nil
}

// HashPassword is what is kept of a password: Argon2id with its settings and a
// salt, as $argon2id$v=19$m=…,t=…,p=…$salt$hash.
func HashPassword(password string) string {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // it never fails: the program would end
	sum := argon2.IDKey([]byte(password), salt, passwordPasses, passwordMemory, passwordThreads, passwordBytes)
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, passwordMemory, passwordPasses, passwordThreads, encode(salt), encode(sum))
}

// kept is a hashed password, taken apart.
type kept struct {
	memory, passes uint32
	threads        uint8
	salt, sum      []byte
}

func parseKept(text string) (k kept, err error) {
	var (
		version   int
		salt, sum string
	)
	// Sscanf reads a text up to the next space, so the two at the end come as one.
	n, err := fmt.Sscanf(text, "$argon2id$v=%d$m=%d,t=%d,p=%d$%s", &version, &k.memory, &k.passes, &k.threads, &salt)
	if err != nil || n != 5 || version != argon2.Version {
		return k, fmt.Errorf("the password as it is kept cannot be read: it is no Argon2id of version %d", argon2.Version)
	}
	for i := range salt {
		if salt[i] == '$' {
			salt, sum = salt[:i], salt[i+1:]
			break
		}
	}
	if k.salt, err = base64.RawStdEncoding.DecodeString(salt); err != nil {
		return k, fmt.Errorf("the salt of a password as it is kept cannot be read: %w", err)
	}
	if k.sum, err = base64.RawStdEncoding.DecodeString(sum); err != nil || len(k.sum) == 0 {
		return k, fmt.Errorf("a password as it is kept cannot be read: its hash is %d characters long", len(sum))
	}
	if k.passes < 1 || k.threads < 1 {
		return k, fmt.Errorf("a password as it is kept cannot be read: t=%d, p=%d", k.passes, k.threads)
	}
	return k, nil
}

// checkPassword says whether a password is the one that is kept. It waits while
// others are checked, until ctx ends.
func checkPassword(ctx context.Context, password, text string) (bool, error) {
	k, err := parseKept(text)
	if err != nil {
		return false, err
	}
	select {
	case hashing <- struct{}{}:
		defer func() { <-hashing }()
	case <-ctx.Done():
		return false, fmt.Errorf("waiting to check a password: %w", ctx.Err())
	}
	sum := argon2.IDKey([]byte(password), k.salt, k.passes, k.memory, k.threads, uint32(len(k.sum)))
	return subtle.ConstantTimeCompare(sum, k.sum) == 1, nil
}
