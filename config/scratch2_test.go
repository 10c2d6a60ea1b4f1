package config

import (
	"os"
	"testing"
)

func TestS(t *testing.T) { os.Stdout.Write(Schema()) }
