package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/punctual-dev/punctual/store"
	"github.com/punctual-dev/punctual/web/access"
)

// operation is one thing that can be asked.
type operation struct {
	id      string
	method  string
	path    string // below /api/v1
	role    access.Role
	tag     string
	summary string
	help    string // what the summary leaves open
	// errors are statuses besides those every operation may have.
	errors []int
	status int // of success; zero: 200
	body   int64
	// change adjusts the document where types do not say enough; may be nil.
	change func(*huma.Operation)
}

// Bounds of requests.
const (
	smallBody    = 64 << 10
	scheduleBody = 1 << 20
)

// add registers an operation behind the role it needs. What do returns as an
// error becomes a problem.
func add[I, O any](a *api, op operation, do func(context.Context, *I) (*O, error)) {
	if op.body == 0 {
		op.body = smallBody
	}
	registered := huma.Operation{
		OperationID: op.id, Method: op.method, Path: root + op.path, Summary: op.summary, Tags: []string{op.tag},
		Description: op.help, DefaultStatus: op.status, MaxBodyBytes: op.body,
		Errors:      append([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable}, op.errors...),
		Middlewares: huma.Middlewares{a.needs(op.role)},
		Extensions:  map[string]any{"x-required-role": op.role.String()},
	}
	if op.change != nil {
		op.change(&registered)
	}
	huma.Register(a.huma, registered, func(ctx context.Context, in *I) (*O, error) {
		out, err := do(ctx, in)
		if err != nil {
			return nil, a.describe(ctx, op.id, err)
		}
		return out, nil
	})
}

// needs lets through who may do what needs a role.
func (a *api) needs(role access.Role) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		who := access.Of(ctx.Context())
		switch {
		case who.May(role):
			next(ctx)
		case who.Role == access.Nobody:
			_ = huma.WriteErr(a.huma, ctx, http.StatusUnauthorized, "credentials are needed: a token (Authorization: Bearer …), or a name and password")
		default:
			_ = huma.WriteErr(a.huma, ctx, http.StatusForbidden, "this needs the role "+role.String()+" (a token's scope: "+role.Scope()+"); yours is "+who.Role.String())
		}
	}
}

// actor is who asks, as the activity names them.
func actor(ctx context.Context) store.Actor { return store.Actor(access.Of(ctx).Name) }

// answer is a body by itself.
type answer[T any] struct{ Body T }

func reply[T any](body T, err error) (*answer[T], error) {
	if err != nil {
		return nil, err
	}
	return &answer[T]{body}, nil
}

// page is a part of a list.
type page[T any] struct {
	Items []T    `json:"items" nullable:"false" doc:"At most limit of them."`
	Next  string `json:"next,omitempty" doc:"The cursor of the next page; absent on the last."`
}

// Paging is what every list takes. A cursor is what the page before gave as next.
type Paging struct {
	Cursor string `query:"cursor" maxLength:"200" doc:"Where the page before ended: its next. Absent: the first page."`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many at most."`
}
