package config

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
)

func TestX(t *testing.T) {
	f, err := Load(os.Getenv("FILE"), Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	j, _ := json.MarshalIndent(f.Schedules, "", "  ")
	fmt.Println(string(j), f.Limits)
}
