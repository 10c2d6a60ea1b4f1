package dashboard

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/store"
)

// outputView is a part of what a job wrote.
type outputView struct {
	Run    int64
	Pieces []outputPiece
	// Attempt and Sequence are where it goes on.
	Attempt, Sequence int
	Open              bool // more may come
	More              bool // there is more already
}

// outputPiece is what an attempt wrote in one go.
type outputPiece struct {
	Text   string
	Stream string
	At     time.Time
	Begins int // the attempt that begins with it; 0: none does
}

// outputOf reads what a job wrote after a place.
func (s *site) outputOf(ctx context.Context, run store.Run, attempt, sequence int) (*outputView, error) {
	const most = 500 // as many as the store gives at once
	pieces, err := s.Store.Outputs(ctx, run.JobID, attempt, sequence)
	if err != nil {
		return nil, err
	}
	v := &outputView{Run: run.ID, Attempt: attempt, Sequence: sequence, Open: slices.Contains(openStates, run.State), More: len(pieces) >= most}
	for _, piece := range pieces {
		one := outputPiece{Text: printable(piece.Data), Stream: piece.Stream, At: piece.At}
		if piece.Attempt != v.Attempt && (piece.Attempt > 1 || run.Attempts > 1) {
			one.Begins = piece.Attempt
		}
		v.Pieces = append(v.Pieces, one)
		v.Attempt, v.Sequence = piece.Attempt, piece.Sequence
	}
	return v, nil
}

// runOutput answers with what came after a place, for a page that follows; and
// with all of it as plain text where no place is given.
func (s *site) runOutput(w http.ResponseWriter, r *http.Request) error {
	run, err := s.findRun(r)
	if err != nil {
		return err
	}
	after := r.URL.Query().Get("after")
	if after == "" {
		return s.plainOutput(w, r, run)
	}
	first, second, _ := strings.Cut(after, ".")
	attempt, err := strconv.Atoi(first)
	if err != nil {
		return notFound("There is no such place in the output.")
	}
	sequence, err := strconv.Atoi(second)
	if err != nil {
		return notFound("There is no such place in the output.")
	}
	v, err := s.outputOf(r.Context(), run, attempt, sequence)
	if err != nil {
		return err
	}
	return s.fragment(w, r, "run", "pieces", v)
}

// plainOutput sends the whole output as text.
func (s *site) plainOutput(w http.ResponseWriter, r *http.Request, run store.Run) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	attempt, sequence := 0, 0
	for {
		pieces, err := s.Store.Outputs(r.Context(), run.JobID, attempt, sequence)
		if err != nil || len(pieces) == 0 {
			return err
		}
		for _, piece := range pieces {
			if _, err := w.Write(piece.Data); err != nil {
				return nil // whoever asked has gone
			}
			attempt, sequence = piece.Attempt, piece.Sequence
		}
	}
}

// printable is output without what a page cannot show: colours and other orders
// to a terminal, and bytes that are no text.
func printable(data []byte) string {
	text := strings.ToValidUTF8(string(data), "�")
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == 0x1b && i+1 < len(text) && text[i+1] == '[':
			for i += 2; i < len(text) && (text[i] < 0x40 || text[i] > 0x7e); i++ {
			}
		case c == '\r' && i+1 < len(text) && text[i+1] == '\n':
		case c == '\r':
			out.WriteByte('\n')
		case c < 0x20 && c != '\n' && c != '\t', c == 0x7f:
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}
