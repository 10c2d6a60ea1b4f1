# make alone says what can be made.
.DEFAULT_GOAL := help
.PHONY: help run test check bench fuzz mutate torture openapi screenshots schema

help: ## this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /|/' | awk -F'|' '{ printf "  make %-11s %s\n", $$1, $$2 }'

run: ## clock, worker and web in one process, with punctual.yaml
	go run ./cmd/punctual start

test: ## all tests; they start their own PostgreSQL
	go test ./...

check: ## what a change must pass: formatting, linters, modules, scripts, tests
	tools/check
	go test ./...

bench: ## the measurements, each in its folder of bench/
	bench/run

fuzz: ## every fuzz target, for SECONDS each (30)
	tools/fuzz $(or $(SECONDS),30)

mutate: ## the code broken on purpose, one fault at a time: the tests have to catch each
	scripts/mutate

torture: ## crashes, stopped databases and torn networks: every scenario, then at random for FOR (10m) on each database
	scripts/torture
	scripts/torture --for $(or $(FOR),10m)

openapi: ## the API held to its OpenAPI document, by a linter and a client in TypeScript; needs npm
	scripts/openapi

screenshots: ## pictures of every page, light and dark, for a desk and for a phone, into docs/screenshots
	mkdir -p docs/screenshots
	PUNCTUAL_SCREENSHOTS=$(CURDIR)/docs/screenshots go test -count=1 -run TestEveryPage ./web/browsertest

schema: ## write the JSON Schema of punctual.yaml anew
	go generate ./config
