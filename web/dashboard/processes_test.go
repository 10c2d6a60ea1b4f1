package dashboard

import "testing"

func TestWhatALostWorkerRanIsSaidToBeBackInTheQueue(t *testing.T) {
	t.Parallel()
	p := newPast(t, "sqlite", "schedules:\n  it: { when: hourly at :00, run: \"true\" }\n")
	p.works("worker-1", 1, nil)
	p.exec("UPDATE punctual_process SET lost_at = $1", *p.now.Load())
	p.tells("the processes", p.page("/processes"), []string{"What it ran has been given back to the queue."}, []string{"given to others"})
}
