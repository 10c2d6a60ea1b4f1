package api

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/punctual-dev/punctual/store"
	"github.com/punctual-dev/punctual/web/access"
)

// Output is what a job wrote.
type Output struct {
	Items []Piece `json:"items" nullable:"false" doc:"In the order it was written."`
	Next  string  `json:"next" doc:"The cursor of what follows; also at the end, where more may be written."`
	State string  `json:"state" doc:"Of the run, as it was before the output was read."`
	Ended bool    `json:"ended" doc:"The run has ended, and this is all."`
}

// Piece is a piece of output.
type Piece struct {
	Attempt  int       `json:"attempt"`
	Sequence int       `json:"sequence"`
	At       time.Time `json:"at"`
	Stream   string    `json:"stream" doc:"stdout, stderr, body, or what punctual has to say."`
	Text     string    `json:"text" doc:"As UTF-8; bytes that are none are replaced."`
	Base64   string    `json:"base64,omitempty" doc:"The bytes themselves, where they are no UTF-8: a character may be cut between two pieces."`
}

// outputEnd is the last event of a followed output.
type outputEnd struct {
	State string `json:"state"`
	Error string `json:"error,omitempty"`
}

type outputInput struct {
	Named
	Cursor string `query:"cursor" maxLength:"40" pattern:"^[0-9]{1,9}\\.[0-9]{1,12}$" patternDescription:"a cursor, such as 1.20" doc:"Where the answer before ended: its next."`
	Follow bool   `query:"follow" doc:"Go on until the run has ended, as server-sent events: output with a piece (its id is a cursor), then end."`
	// LastEvent is what a browser sends when it connects again.
	LastEvent string `header:"Last-Event-ID" maxLength:"40" doc:"The cursor, as browsers send it."`
}

// output registers what jobs wrote.
func (a *api) output() {
	add(a, operation{
		id: "get-output", method: http.MethodGet, path: "/runs/{run}/output", role: access.Viewer, tag: "runs",
		summary: "What a run's job wrote", help: "With follow=true as server-sent events, until it has ended.",
		errors: []int{http.StatusNotFound, http.StatusConflict},
		change: func(op *huma.Operation) {
			op.Responses = a.eventsOf(map[string]any{"output": Piece{}, "end": outputEnd{}})
			op.Responses["200"].Content["application/json"] = &huma.MediaType{Schema: a.schemaOf(Output{})}
		},
	}, a.getOutput)
}

func (a *api) getOutput(ctx context.Context, in *outputInput) (*huma.StreamResponse, error) {
	run, err := a.find(ctx, in.Run)
	if err != nil {
		return nil, err
	}
	if run.JobID == 0 {
		return nil, a.withoutJob(ctx, asked(run, in.Run))
	}
	place := readPlace(in.Cursor)
	if in.Follow {
		if in.Cursor == "" {
			place = readPlace(in.LastEvent)
		}
		return a.stream("get-output", func(ctx context.Context, s *stream) { a.follow(ctx, s, run, place) })
	}
	out, err := a.readOutput(ctx, run, place)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		ctx.SetHeader("Content-Type", "application/json")
		_ = a.huma.Marshal(ctx.BodyWriter(), "application/json", out)
	}}, nil
}

// place is a cursor: an attempt, and a piece of it.
type place struct{ attempt, sequence int }

func readPlace(cursor string) (p place) {
	attempt, sequence, _ := strings.Cut(cursor, ".")
	p.attempt, _ = strconv.Atoi(attempt)
	p.sequence, _ = strconv.Atoi(sequence)
	return p
}

func (p place) String() string { return fmt.Sprintf("%d.%d", p.attempt, p.sequence) }

func (a *api) readOutput(ctx context.Context, run store.Run, from place) (Output, error) {
	pieces, err := a.Store.Outputs(ctx, run.JobID, from.attempt, from.sequence)
	if err != nil {
		return Output{}, err
	}
	out := Output{Items: []Piece{}, State: run.State, Ended: ended(run) && len(pieces) == 0}
	for _, p := range pieces {
		out.Items = append(out.Items, viewPiece(p))
		from = place{p.Attempt, p.Sequence}
	}
	if ended(run) && len(pieces) > 0 {
		more, err := a.Store.Outputs(ctx, run.JobID, from.attempt, from.sequence)
		if err != nil {
			return Output{}, err
		}
		out.Ended = len(more) == 0
	}
	out.Next = from.String()
	return out, nil
}

func viewPiece(p store.Output) Piece {
	v := Piece{Attempt: p.Attempt, Sequence: p.Sequence, At: p.At, Stream: p.Stream, Text: strings.ToValidUTF8(string(p.Data), "\ufffd")}
	if !utf8.Valid(p.Data) {
		v.Base64 = base64.StdEncoding.EncodeToString(p.Data)
	}
	return v
}

// lookEvery is how often a followed output is looked at.
const lookEvery = 300 * time.Millisecond

// follow sends output as it is written, until the run has ended. The run is read
// before its output: once it has ended there is no more to come.
func (a *api) follow(ctx context.Context, s *stream, run store.Run, from place) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		run, err := a.again(ctx, run)
		if err == nil {
			from, err = a.sendOutput(ctx, s, run, from)
		}
		if err == nil && ended(run) {
			_ = s.send("end", from.String(), outputEnd{run.State, run.Error})
			return
		}
		if err != nil && !a.Store.Transient(err) || s.failed || s.beat() != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (a *api) sendOutput(ctx context.Context, s *stream, run store.Run, from place) (place, error) {
	for {
		pieces, err := a.Store.Outputs(ctx, run.JobID, from.attempt, from.sequence)
		if err != nil || len(pieces) == 0 {
			return from, err
		}
		for _, p := range pieces {
			at := place{p.Attempt, p.Sequence}
			if err := s.send("output", at.String(), viewPiece(p)); err != nil {
				return from, err
			}
			from = at
		}
	}
}
