package punctual_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/riverqueue/river"
	"go.opentelemetry.io/otel/trace"

	"github.com/punctual-dev/punctual"
	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// What docs/library.md shows stands here, so that it compiles.

type ReportArgs struct {
	Format string `json:"format"`
}

func (ReportArgs) Kind() string { return "report" }

type ReportWorker struct {
	river.WorkerDefaults[ReportArgs]
}

func (w *ReportWorker) Work(ctx context.Context, job *river.Job[ReportArgs]) error {
	told, err := punctual.Told(job)
	if err != nil {
		return err // not made by a schedule
	}
	return sendOnce(ctx, told.Occurrence, told.From, told.Nominal, job.Args.Format)
}

func sendOnce(context.Context, string, time.Time, time.Time, string) error { return nil }

func Example() {
	run := func(ctx context.Context) error {
		p, err := punctual.Open(ctx, "sqlite:app.db")
		if err != nil {
			return err
		}
		defer p.Close()
		punctual.AddWorker(p, &ReportWorker{})
		p.Schedule("report", "daily at 09:00", ReportArgs{Format: "pdf"}, punctual.In("Europe/Berlin"), punctual.Retries(3))
		return p.Run(ctx)
	}
	_ = run // until the context ends
}

func ExamplePunctual_Schedule() {
	declare := func(p *punctual.Punctual) {
		p.Schedule("report", "weekdays at 09:00", ReportArgs{Format: "pdf"},
			punctual.In("Europe/Paris"),
			punctual.And("0 12 * * sat"),
			punctual.Except(calendar.Date{Year: 2026, Month: time.December, Day: 25}),
			punctual.Describe("The report, for whoever comes in first."),
			punctual.Timeout(10*time.Minute),
			punctual.Retries(3),
			punctual.Backoff(30*time.Second, 10*time.Minute),
			punctual.CatchUp(schedule.CatchUpAll),
			punctual.Overlap(schedule.OverlapQueue),
			punctual.Policies(func(p *schedule.Policies) { p.Expires = schedule.Duration(time.Hour) }),
		)
	}
	_ = declare
}

func ExampleTold() {
	fetch := func(ctx context.Context, job *river.Job[ReportArgs]) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://example.com/prices", nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if errors.Is(context.Cause(ctx), punctual.ErrTimeout) {
			return fmt.Errorf("the supplier is slow again: %w", err)
		}
		if err != nil {
			return err
		}
		defer response.Body.Close()
		_, err = io.Copy(io.Discard, response.Body)
		return err
	}
	_ = fetch
}

func ExampleProgress() {
	translate := func(ctx context.Context, pages []string) {
		for i, page := range pages {
			punctual.Progress(ctx, float64(i)/float64(len(pages)), "page "+page)
		}
	}
	_ = translate
}

func ExamplePunctual_RunClock() {
	run := func(ctx context.Context, p *punctual.Punctual) error {
		switch role := os.Args[1]; role {
		case "clock":
			return p.RunClock(ctx)
		case "worker":
			return p.RunWorker(ctx)
		default:
			return fmt.Errorf("%q is neither clock nor worker", role)
		}
	}
	_ = run
}

func ExampleMetrics() {
	open := func(ctx context.Context, address string, provider trace.TracerProvider) error {
		p, err := punctual.Open(ctx, address, punctual.Metrics("report"), punctual.Traces(provider))
		if err != nil {
			return err
		}
		defer p.Close()
		http.Handle("GET /metrics", p.MetricsHandler())
		return p.Run(ctx)
	}
	_ = open
}

func ExamplePunctual_Store() {
	hold := func(ctx context.Context, p *punctual.Punctual) error {
		_, err := p.Store().Pause(ctx, store.Target{Key: "report"}, time.Time{}, "the printer is on fire", "ops")
		return err
	}
	now := func(ctx context.Context, p *punctual.Punctual) (string, error) {
		triggered, err := p.Store().Trigger(ctx, "report", store.TriggerOptions{Actor: "ops"})
		if err == nil && triggered.Refused != "" {
			err = errors.New(triggered.Refused)
		}
		return triggered.Name, err
	}
	history := func(ctx context.Context, p *punctual.Punctual) error {
		runs, err := p.Store().Runs(ctx, store.RunFilter{Key: "report", Limit: 20})
		for _, run := range runs {
			fmt.Println(run.Occurrence, run.State, strings.TrimSpace(run.Reason+" "+run.Error))
		}
		return err
	}
	_, _, _ = hold, now, history
}
