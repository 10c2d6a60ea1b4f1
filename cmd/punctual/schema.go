package main

import "github.com/punctual-dev/punctual/config"

// schemaCommand prints the JSON Schema of the schedule file, for editors.
type schemaCommand struct{}

// Run prints it to standard output.
func (c *schemaCommand) Run(a *app) error {
	_, err := a.Stdout.Write(config.Schema())
	return err
}
