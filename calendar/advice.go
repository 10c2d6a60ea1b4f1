package calendar

// Advice returns what may surprise about the when, a sentence each.
func (s *Spec) Advice() []string { return nil }
