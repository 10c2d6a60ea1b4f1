package main

import (
	"os"

	"github.com/punctual-dev/punctual"
	"github.com/punctual-dev/punctual/tracing/otlp"
)

// tracedOptions follow occurrences where the environment asks for it, by the names
// that OpenTelemetry has given. stop sends the last spans.
func tracedOptions(a *app, s *settings) (options []punctual.Option, stop func(), err error) {
	if !otlp.Wanted(os.Getenv) {
		return nil, func() {}, nil
	}
	provider, stop, err := otlp.FromEnvironment(a.Context, os.Getenv, punctual.Version(), s.logger(a.Stderr))
	if err != nil {
		return nil, nil, err
	}
	return []punctual.Option{punctual.Traces(provider)}, stop, nil
}
