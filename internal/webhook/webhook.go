// Package webhook signs requests as Standard Webhooks (standardwebhooks.com)
// describes, so that any library for it can verify that they come from us.
package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// SecretPrefix begins a secret that stands for bytes, in base64. Any other is
// taken as it is.
const SecretPrefix = "whsec_"

// Headers are those of a signed request, of which redirects may have to be rid.
var Headers = []string{"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"}

// Sign signs a request. The id is the same in every attempt, for receivers to
// tell a repeat; the time is not, for they refuse what is old.
func Sign(request *http.Request, key []byte, id, body string, now time.Time) {
	timestamp := strconv.FormatInt(now.Unix(), 10)
	code := hmac.New(sha256.New, key)
	code.Write([]byte(id + "." + timestamp + "." + body))
	request.Header.Set("Webhook-Id", id)
	request.Header.Set("Webhook-Timestamp", timestamp)
	request.Header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(code.Sum(nil)))
}

// Key is what a secret stands for. variable is its name and whose the one of the
// process in whose environment it stands, for the error.
func Key(variable, secret, whose string) ([]byte, error) {
	coded, isCoded := strings.CutPrefix(secret, SecretPrefix)
	if !isCoded {
		if secret == "" {
			return nil, fmt.Errorf("%s, which is to sign the request, is empty in the %s's environment", variable, whose)
		}
		return []byte(secret), nil
	}
	key, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(coded, "="))
	if err != nil || len(key) == 0 {
		return nil, fmt.Errorf("%s, which is to sign the request, is not base64 after %s", variable, SecretPrefix)
	}
	return key, nil
}
