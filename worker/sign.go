package worker

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

// secretPrefix begins a secret that stands for bytes, in base64. Any other is
// taken as it is.
const secretPrefix = "whsec_"

// The headers of a signed request, of which redirects may have to be rid.
var signatureHeaders = []string{"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"}

// sign signs a request as Standard Webhooks (standardwebhooks.com) describes, so
// that any library for it can verify that it comes from us. The id is the same
// in every attempt, for receivers to tell a repeat; the time is not, for they
// refuse what is old.
func sign(request *http.Request, key []byte, id, body string, now time.Time) {
	timestamp := strconv.FormatInt(now.Unix(), 10)
	code := hmac.New(sha256.New, key)
	code.Write([]byte(id + "." + timestamp + "." + body))
	request.Header.Set("Webhook-Id", id)
	request.Header.Set("Webhook-Timestamp", timestamp)
	request.Header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(code.Sum(nil)))
}

// signingKey is what a secret stands for. variable is its name, for the error.
func signingKey(variable, secret string) ([]byte, error) {
	coded, isCoded := strings.CutPrefix(secret, secretPrefix)
	if !isCoded {
		if secret == "" {
			return nil, fmt.Errorf("%s, which is to sign the request, is empty in the worker's environment", variable)
		}
		return []byte(secret), nil
	}
	key, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(coded, "="))
	if err != nil || len(key) == 0 {
		return nil, fmt.Errorf("%s, which is to sign the request, is not base64 after %s", variable, secretPrefix)
	}
	return key, nil
}
