package webhook

import (
	"net/http"
	"testing"
	"time"
)

// The example that the libraries for Standard Webhooks are tested with.
func TestASignatureIsThatOfStandardWebhooks(t *testing.T) {
	key, err := Key("SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "worker")
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest("POST", "http://example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	Sign(request, key, "msg_p5jXN8AQM9LWM0D4loKWxJek", `{"test": 2432232314}`, time.Unix(1614265330, 0))
	if got, want := request.Header.Get("webhook-signature"), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("the signature is %q, want %q", got, want)
	}
}
