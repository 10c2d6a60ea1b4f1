package dashboard

import (
	"testing"
	"time"

	"github.com/punctual-dev/punctual/store"
)

func TestWhatNobodyHasDecidedYetIsToldWithWhatSomebodyAskedFor(t *testing.T) {
	const one, two = time.Hour, 2 * time.Hour
	it := func(more string) string {
		return "schedules:\n  it: { when: hourly at :00, run: \"true\"" + more + " }\n"
	}
	skips := func(p *past) {
		_, err := p.store.SkipNext(p.Context(), "it", "ada")
		p.must(err)
	}
	const asked = "ada asked at Sat 7 Mar 2026, 12:00:00 UTC that "
	tellsWhy(t, []whyCase{
		{name: "to be skipped, and due while no clock runs", file: it(""), do: func(p *past) { skips(p); p.later(one + time.Minute) },
			schedule: asked + "it@2026-03-07T13:00:00Z be skipped (skip the next): it will not run.", occurrence: asked + "this one, it@2026-03-07T13:00:00Z, be skipped (skip the next): it will not run.",
			says: []string{"It will not run.", "No clock is alive: it is put down as skipped when one is back"}, hides: []string{"Not yet", "nothing is lost"},
			scheduleSays: []string{"is due and not decided yet; will be skipped: by hand", "but for one occurrence", "it is put down as skipped"}, scheduleHides: []string{"nothing is lost"}},
		{name: "due behind one that is to be skipped", file: it(""), do: func(p *past) { skips(p); p.later(two + time.Minute) }, asked: "2026-03-07T14:00",
			schedule: "nothing is lost, it is decided", hides: []string{"will not run"}},
		{name: "to be skipped no more", file: it(""), do: func(p *past) {
			skips(p)
			_, err := p.store.UndoSkipNext(p.Context(), "it", "eve")
			p.must(err)
			p.later(one + time.Minute)
		}, schedule: "nothing is lost, it is decided", hides: []string{"will not run"}, scheduleHides: []string{"be skipped"}},
		{name: "it waited for a place when a pause began", file: "limits: { warehouse: 1 }\nschedules:\n  a: { when: hourly at :00, run: \"true\", limit: warehouse, overlap: allow }\n  it: { when: hourly at :00, run: \"true\", limit: warehouse, overlap: wait }\n", do: func(p *past) {
			p.at(one)
			p.later(one + time.Minute)
			_, err := p.store.Pause(p.Context(), store.Target{Key: "it"}, time.Time{}, "", "ada")
			p.must(err)
			p.at(one + 2*time.Minute)
		}, schedule: "Paused by ada", occurrence: "It waited for a free place in its limit, warehouse, when the schedule was paused", says: []string{"In the way were <a href=", ">a@2026-03-07T13:00:00Z</a>."}},
		{name: "no clock had come to it when a pause began", file: it(""), do: func(p *past) {
			p.away(one-10*time.Minute, one+20*time.Minute)
			p.later(one + 10*time.Minute)
			_, err := p.store.Pause(p.Context(), store.Target{Key: "it"}, time.Time{}, "", "ada")
			p.must(err)
			p.at(one + 20*time.Minute)
		}, schedule: "Paused by ada", occurrence: "No clock was heard from between Sat 7 Mar 2026, 12:50:00 UTC and Sat 7 Mar 2026, 13:20:00 UTC, so it was not decided yet when the schedule was paused"},
		{name: "run by hand at an instant that is none of its", file: it(""), do: func(p *past) {
			p.at(one)
			p.later(one + 30*time.Minute)
			_, err := p.store.Trigger(p.Context(), "it", store.TriggerOptions{Actor: "ada"})
			p.must(err)
		}, asked: "2026-03-07T13:30", schedule: "(run by hand by ada)", occurrence: "ada ran it by hand at Sat 7 Mar 2026, 13:30:00 UTC, as it!",
			says: []string{"It did not run. What came of that stands below.", "Run by hand then", "its overlap is skip", "It has no occurrence at that instant"}},
		{name: "once, before it was created", file: "schedules:\n  it: { when: \"once at 2026-03-07 11:00\", run: \"true\" }\n", asked: "2026-03-07T11:00",
			schedule: "There are no rows, and the clock will write none", occurrence: "It was created only at", scheduleSays: []string{"It has had no occurrence, and will have none."}, scheduleHides: []string{"The first row comes"}},
		{name: "paused, and due in the pause", file: it(""), do: func(p *past) {
			_, err := p.store.Pause(p.Context(), store.Target{Key: "it"}, time.Time{}, "", "ada")
			p.must(err)
			p.at(one)
		}, schedule: "Skipped. It fell due while the schedule was paused.", occurrence: "It fell due while the schedule was paused."},
	})
}

func TestWhatAJobWaitedForIsToldWhereTheProcessesOfThatTimeTell(t *testing.T) {
	const one = time.Hour
	const plain = "schedules:\n  it: { when: hourly at :00, run: \"true\" }\n"
	const mail = "schedules:\n  a: { when: hourly at :00, run: \"true\", queue: mail }\n  it: { when: hourly at :00, run: \"true\", queue: mail }\n"
	// again has a worker stop in the middle of a run, and another take it half a
	// minute later, which was there as long before.
	again := func(before time.Duration) func(*past) {
		return func(p *past) {
			p.at(one)
			p.runs()
			p.later(one + 31*time.Second)
			p.must(p.store.Stopped(p.Context(), "worker-1"))
			p.later(one + 61*time.Second - before)
			p.works("worker-2", 1, nil)
			p.later(one + 61*time.Second)
			p.works("worker-2", 1, nil)
			p.taken("running", []string{"worker-1", "worker-2"})
		}
	}
	// expires has a job expire after five minutes in which another one ran beside it,
	// on a worker with so many places.
	expires := func(places int) func(*past) {
		return func(p *past) {
			p.at(one)
			began := *p.now.Load()
			p.works("worker-1", places, map[string]int{"mail": places})
			p.later(one + 5*time.Minute)
			p.works("worker-1", places, map[string]int{"mail": places})
			p.taken("cancelled", []string{"worker-1"}, "JobCancelError: expired: not started in time: it was to start before 2026-03-07T13:01:00Z")
			p.ends("expired", "expired: not started in time: it was to start before 2026-03-07T13:01:00Z", 1, true)
			p.exec(`UPDATE punctual_occurrence SET outcome = 'succeeded', error = '', attempts = 1, started_at = $1, finished_at = $2
				WHERE schedule_id = (SELECT id FROM punctual_schedule WHERE key = 'a') AND job_id IS NOT NULL`, began, *p.now.Load())
		}
	}
	tellsWhy(t, []whyCase{
		{name: "another worker came later", file: plain, do: again(10 * time.Second), schedule: "It began", occurrence: "Then it waited 30 s for a worker of its queue, default: none was alive until Sat 7 Mar 2026, 13:00:51 UTC."},
		{name: "another worker was there", file: plain, do: again(50 * time.Second), schedule: "It began", occurrence: "Then it waited 30 s for a worker of its queue, default.", hides: []string{"none was alive"}},
		{name: "expired while the one place of its queue was taken", file: mail, do: expires(1), schedule: "No worker took it in time", occurrence: "The one place that the workers of its queue, mail, had meanwhile was taken by <a", says: []string{">a@2026-03-07T13:00:00Z</a> (until"}},
		{name: "expired while a place of its queue was free", file: mail, do: expires(2), schedule: "No worker took it in time", occurrence: "Meanwhile its queue, mail, ran <a", hides: []string{"had meanwhile"}},
		{name: "expired while no worker was there", file: plain, do: func(p *past) {
			p.at(one)
			p.later(one + 5*time.Minute)
			p.taken("cancelled", []string{"worker-1"}, "JobCancelError: expired: not started in time: it was to start before 2026-03-07T13:01:00Z")
			p.ends("expired", "expired: not started in time: it was to start before 2026-03-07T13:01:00Z", 1, true)
		}, schedule: "No worker took it in time", occurrence: "Of the workers of its queue, default, none was alive."},
		{name: "the last worker of its queue ended", file: plain, do: func(p *past) {
			p.at(one)
			p.later(one + time.Minute)
			p.works("worker-1", 1, nil)
			p.later(one + 2*time.Minute)
			p.must(p.store.Stopped(p.Context(), "worker-1"))
			p.later(one + 5*time.Minute)
		}, schedule: "No worker has worked its queue, default, since the last one, worker-1, ended at Sat 7 Mar 2026, 13:02:00 UTC: punctual start"},
	})
}

func TestAPlaceOfAQueueCountsAsTakenUntilItIsFreeForLongerThanAWorkerLooks(t *testing.T) {
	t.Parallel()
	at := func(seconds float64) time.Time { return whyStart.Add(time.Duration(seconds * float64(time.Second))) }
	run := func(from, until float64) store.Run { return store.Run{StartedAt: at(from), FinishedAt: at(until)} }
	for _, test := range []struct {
		name   string
		runs   []store.Run
		places int
		want   bool
	}{
		{name: "nothing ran", places: 1},
		{name: "one ran all the time", runs: []store.Run{run(-5, 100)}, places: 1, want: true},
		{name: "one runs still", runs: []store.Run{{StartedAt: at(-5)}}, places: 1, want: true},
		{name: "one after the other", runs: []store.Run{run(-5, 30), run(30.4, 100)}, places: 1, want: true},
		{name: "a gap in between", runs: []store.Run{run(-5, 30), run(35, 100)}, places: 1},
		{name: "a gap at the end", runs: []store.Run{run(-5, 50)}, places: 1},
		{name: "a gap at the beginning", runs: []store.Run{run(10, 100)}, places: 1},
		{name: "one of two places", runs: []store.Run{run(-5, 100)}, places: 2},
		{name: "both places", runs: []store.Run{run(-5, 100), run(-1, 40), run(40.2, 60.1)}, places: 2, want: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := allTaken(test.runs, test.places, at(0), at(60)); got != test.want {
				t.Errorf("allTaken = %v, want %v", got, test.want)
			}
		})
	}
}
