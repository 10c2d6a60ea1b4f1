package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// problem is an answer by RFC 9457.
func problem(status int, detail string, places ...error) error {
	return huma.NewError(status, detail, places...)
}

// located is what is wrong in one place of a request.
func located(location, problem, advice string, value any) error {
	if advice != "" {
		problem += "; " + advice
	}
	return &huma.ErrorDetail{Location: location, Message: problem, Value: value}
}

// invalid says that one field of the body cannot be meant.
func invalid(field, problem, advice string, value any) error {
	return unprocessable([]error{located("body."+field, problem, advice, value)})
}

func unprocessable(places []error) error {
	return problem(http.StatusUnprocessableEntity, tell(places), places...)
}

// tell says in one sentence what is wrong, for those who read the detail only.
func tell(places []error) string {
	if len(places) == 0 {
		return "the request cannot be understood"
	}
	first := places[0].Error()
	var detail huma.ErrorDetailer
	if errors.As(places[0], &detail) {
		d := detail.ErrorDetail()
		first = strings.TrimPrefix(d.Location, "body.") + ": " + d.Message
		if d.Location == "" || d.Location == "body" {
			first = d.Message
		}
	}
	switch more := len(places) - 1; more {
	case 0:
		return first
	case 1:
		return first + " (and one more, under errors)"
	default:
		return fmt.Sprintf("%s (and %d more, under errors)", first, more)
	}
}

// faulty turns faults of a declaration into a problem.
func faulty(faults []schedule.Fault) error {
	var places []error
	for _, fault := range faults {
		places = append(places, located("body."+fault.Field, fault.Problem, fault.Advice, nil))
	}
	return unprocessable(places)
}

// describe makes a problem of whatever an operation failed with. What the store
// says about what was asked is told; what it says of itself goes into the log.
func (a *api) describe(ctx context.Context, operation string, err error) error {
	if already, ok := errors.AsType[huma.StatusError](err); ok {
		return already
	}
	if status := statusOf(err); status != 0 {
		return problem(status, err.Error())
	}
	if refused, ok := errors.AsType[*store.RefusedError](err); ok {
		return faulty(refused.Faults)
	}
	switch {
	case ctx.Err() != nil, a.Store.Transient(err):
		a.Logger.Warn("the database did not answer a request", "operation", operation, "error", err)
		busy := problem(http.StatusServiceUnavailable, "the database does not answer just now; try again in a moment")
		return huma.ErrorWithHeaders(busy, http.Header{"Retry-After": {"2"}})
	case a.Store.Refusal(err):
		return problem(http.StatusConflict, err.Error())
	}
	a.Logger.Error("a request failed", "operation", operation, "error", err)
	return problem(http.StatusInternalServerError, "something went wrong; the log of the web process says what")
}

// statusOf is the status of the errors that have one; zero for others.
func statusOf(err error) int {
	if _, ok := errors.AsType[*store.ChangedError](err); ok {
		return http.StatusPreconditionFailed
	}
	if _, ok := errors.AsType[*store.OwnedError](err); ok {
		return http.StatusConflict
	}
	switch {
	case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrNoBackfill), errors.Is(err, queue.ErrNoJob):
		return http.StatusNotFound
	case errors.Is(err, store.ErrExists), errors.Is(err, schedule.ErrNothingAhead):
		return http.StatusConflict
	}
	return 0
}

// plainly rewrites what huma says of a request that does not fit, which is
// always the same words, so that the detail alone tells what is wrong.
func plainly(_ huma.Context, _ string, body any) (any, error) {
	p, ok := body.(*huma.ErrorModel)
	if !ok {
		return body, nil
	}
	if p.Detail == "validation failed" && len(p.Errors) > 0 {
		places := make([]error, len(p.Errors))
		for i, place := range p.Errors {
			places[i] = place
		}
		p.Detail = tell(places)
	}
	if p.Title == "" {
		p.Title = http.StatusText(p.Status)
	}
	return p, nil
}
