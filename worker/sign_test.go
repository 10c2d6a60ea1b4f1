package worker

import (
	"encoding/hex"
	"io"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/schedule"
)

func TestASignedRequestIsVerifiedByAnotherProgram(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl verifies, and is not here")
	}
	const secret = "correct-horse-battery"
	var got http.Header
	var body []byte
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		body, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, "you hold "+secret)
	})
	a := request(schedule.Request{
		Method: "POST", URL: s.URL, Body: `{"region":"${REGION}"}`, SignWith: "WEBHOOK_SECRET",
		Headers: map[string]string{"Webhook-Signature": "v1,forged"}, Env: map[string]string{"WEBHOOK_SECRET": "not this one"},
	})
	a.Payload.Occurrence, a.Number = "report@2026-11-23T09:00:00Z", 3
	before := time.Now().Unix()
	r := start(t, Options{Environment: []string{"REGION=eu", "WEBHOOK_SECRET=" + secret}}, a)
	if err := r.end(t); err != nil {
		t.Fatal(err)
	}
	id, timestamp := got.Get("webhook-id"), got.Get("webhook-timestamp")
	if second, err := strconv.ParseInt(timestamp, 10, 64); err != nil || second < before || second > time.Now().Unix() || id != a.Payload.Occurrence {
		t.Errorf("the id is %q and the time %q", id, timestamp)
	}
	verify := exec.CommandContext(t.Context(), openssl, "dgst", "-sha256", "-mac", "HMAC", "-macopt", "hexkey:"+hex.EncodeToString([]byte(secret)), "-binary")
	verify.Stdin = strings.NewReader(id + "." + timestamp + "." + string(body))
	base64 := exec.CommandContext(t.Context(), openssl, "base64", "-A")
	if base64.Stdin, err = verify.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := verify.Start(); err != nil {
		t.Fatal(err)
	}
	want, err := base64.Output()
	if err != nil || verify.Wait() != nil {
		t.Fatal(err)
	}
	if signatures := got.Values("webhook-signature"); len(signatures) != 1 || signatures[0] != "v1,"+string(want) {
		t.Errorf("the signature of %s is %q, want v1,%s", body, signatures, want)
	}
	if strings.Contains(r.tape.text(), secret) {
		t.Errorf("the secret shows in the output %q", r.tape.text())
	}
}

func TestASecretThatCannotSignFailsTheAttemptAndIsNotShown(t *testing.T) {
	called := false
	s := server(t, func(http.ResponseWriter, *http.Request) { called = true })
	tests := []struct {
		name        string
		environment []string
		error       string
	}{
		{"not set", []string{}, "${WEBHOOK_SECRET} is not set in the worker's environment"},
		{"empty", []string{"WEBHOOK_SECRET="}, "WEBHOOK_SECRET, which is to sign the request, is empty in the worker's environment"},
		{"no base64", []string{"WEBHOOK_SECRET=whsec_!?"}, "WEBHOOK_SECRET, which is to sign the request, is not base64 after whsec_"},
		{"nothing after the prefix", []string{"WEBHOOK_SECRET=whsec_"}, "WEBHOOK_SECRET, which is to sign the request, is not base64 after whsec_"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := start(t, Options{Environment: test.environment}, request(schedule.Request{Method: "GET", URL: s.URL, SignWith: "WEBHOOK_SECRET"})).end(t)
			if message(err) != test.error || called {
				t.Errorf("it ended with %q, want %q; called: %v", message(err), test.error, called)
			}
		})
	}
}
