package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

const (
	// beatEvery is how often a comment is sent where nothing else is, so that
	// nothing on the way takes the connection for dead.
	beatEvery = 15 * time.Second
	// sendTimeout bounds one write: who reads nothing for so long is let go.
	sendTimeout = 10 * time.Second
	// comeBack is when a browser that was cut off is to connect again.
	comeBack = 3 * time.Second
	// maxStreams bounds how many are open at once in this process.
	maxStreams = 200
)

// stream is one answer of server-sent events.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	sent    time.Time
	failed  bool
}

// stream answers by events, as long as do goes on and the request lives. The
// server's deadlines are for answers that end, so they are lifted.
func (a *api) stream(operation string, do func(context.Context, *stream)) (*huma.StreamResponse, error) {
	if !a.events.enter() {
		return nil, tooMany()
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		defer a.events.leave()
		_, w := humago.Unwrap(ctx)
		s := &stream{w: w, control: http.NewResponseController(w)}
		// A deadline that cannot be lifted ends the stream early, and the other
		// side connects again.
		if err := s.control.SetReadDeadline(time.Time{}); err != nil {
			a.Logger.Debug("the read deadline of a stream cannot be lifted", "operation", operation, "error", err)
		}
		header := w.Header()
		header.Set("Content-Type", "text/event-stream")
		header.Set("Cache-Control", "no-store")
		header.Set("X-Accel-Buffering", "no") // nginx would keep events back
		if s.write(fmt.Sprintf("retry: %d\n\n", comeBack.Milliseconds())) == nil {
			do(ctx.Context(), s)
		}
	}}, nil
}

func tooMany() error {
	full := problem(http.StatusServiceUnavailable, fmt.Sprintf("%d streams are open already, which is as many as this process serves; close some, or ask again later", maxStreams))
	return huma.ErrorWithHeaders(full, http.Header{"Retry-After": {"10"}})
}

// send sends one event.
func (s *stream) send(event, id string, data any) error {
	var text bytes.Buffer
	if id != "" {
		fmt.Fprintf(&text, "id: %s\n", id)
	}
	fmt.Fprintf(&text, "event: %s\ndata: ", event)
	if err := json.NewEncoder(&text).Encode(data); err != nil { // one line: JSON escapes line breaks
		return err
	}
	text.WriteByte('\n')
	return s.write(text.String())
}

// beat sends a comment where nothing has been sent for a while.
func (s *stream) beat() error {
	if time.Since(s.sent) < beatEvery {
		return nil
	}
	return s.write(": still here\n\n")
}

func (s *stream) write(text string) error {
	_ = s.control.SetWriteDeadline(time.Now().Add(sendTimeout))
	_, err := s.w.Write([]byte(text))
	if err == nil {
		err = s.control.Flush()
	}
	s.sent, s.failed = time.Now(), s.failed || err != nil
	return err
}

// eventsOf describes a stream: OpenAPI 3.1 has no words for one, so it is a list
// of the events that may come, each with the type of its data.
func (a *api) eventsOf(data map[string]any) map[string]*huma.Response {
	var events []*huma.Schema
	for _, name := range slices.Sorted(maps.Keys(data)) {
		events = append(events, &huma.Schema{
			Type: huma.TypeObject, Required: []string{"event", "data"},
			Properties: map[string]*huma.Schema{
				"event": {Type: huma.TypeString, Enum: []any{name}},
				"data":  a.schemaOf(data[name]),
				"id":    {Type: huma.TypeString, Description: "Where it stands, for Last-Event-ID."},
				"retry": {Type: huma.TypeInteger, Description: "After how many milliseconds to connect again."},
			},
		})
	}
	return map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{
		"text/event-stream": {Schema: &huma.Schema{
			Type: huma.TypeArray, Description: "Server-sent events, one after the other; data is JSON.", Items: &huma.Schema{OneOf: events},
		}},
	}}}
}

// schemaOf is the schema of a body that is written by hand.
func (a *api) schemaOf(body any) *huma.Schema {
	return a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(body), true, "")
}
