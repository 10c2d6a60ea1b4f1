// Package simtest simulates the whole house in fake time on real databases. It
// holds tests only.
package simtest
