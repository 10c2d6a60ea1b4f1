package schedule_test

import "testing"

func TestMissedOccurrences(t *testing.T) {
	tell(t, []story{
		{"every policy enqueues one nominal, a few milliseconds late", `
			A: every 10m, catch_up latest
			B: every 10m, catch_up all
			C: every 10m, catch_up none
			09:10 | A 09:10 runs; B 09:10 runs; C 09:10 runs`},
		{"nothing is decided before it is due", `
			every 10m
			09:09:59 | nothing
			09:10    | 09:10 runs`},
		{"latest enqueues the newest, which stands for the rest", `
			every 10m, catch_up latest
			09:32 | 09:10 to 09:20 (2) coalesced; 09:30 runs late for 2 since 09:10, from 09:00`},
		{"latest enqueues the newest on time within the grace", `
			every 10m, catch_up latest
			09:21 | 09:10 coalesced; 09:20 runs for 1 since 09:10, from 09:00`},
		{"none enqueues the newest if it is at most the grace late", `
			every 10m, catch_up none
			09:31    | 09:10 to 09:20 (2) missed; 09:30 runs
			09:51:01 | 09:40 to 09:50 (2) missed`},
		{"all enqueues each, oldest first", `
			every 10m, catch_up all, overlap allow
			09:32 | 09:10 runs late; 09:20 runs late; 09:30 runs late`},
		{"all goes back as far as the window, to the second", `
			every 10m, catch_up all, overlap allow, window 20m
			09:40    | 09:10 beyond catch-up limit; 09:20 runs late; 09:30 runs late; 09:40 runs
			10:10:01 | 09:50 beyond catch-up limit; 10:00 runs late; 10:10 runs`},
		{"all keeps the newest of more than the number", `
			every 10m, catch_up all, overlap allow, max 2
			10:00 | 09:10 to 09:40 (4) beyond catch-up limit; 09:50 runs late; 10:00 runs`},
		{"under all what is late stands in line, one after the other", `
			every 10m, catch_up all
			09:32                         | 09:10 runs late; waits for the catch-up runs before it
			09:33 start 09:10             | nothing
			09:34 fail 09:10              | nothing
			09:35 end 09:10               | 09:20 runs late; waits for the catch-up runs before it
			09:36 end 09:20               | 09:30 runs late
			09:40                         | 09:40 previous run not finished: 09:30, which waits`},
		{"newer ones join the line until it is empty, then overlap holds again", `
			every 10m, catch_up all
			09:22           | 09:10 runs late; waits for the catch-up runs before it
			09:30           | nothing
			09:31 end 09:10 | 09:20 runs late; waits for the catch-up runs before it
			09:41 end 09:20 | 09:30 runs late; waits for the catch-up runs before it
			09:41 end 09:30 | 09:40 runs
			09:50           | 09:50 previous run not finished: 09:40, which waits`},
		{"a line holds at most catch_up_max, and loses the oldest", `
			every 10m, catch_up all, max 2
			09:22           | 09:10 runs late; waits for the catch-up runs before it
			09:51 end 09:10 | 09:20 to 09:30 (2) beyond catch-up limit; 09:40 runs late; waits for the catch-up runs before it
			09:52 end 09:40 | 09:50 runs late`},
		{"under all what is within the grace stands in no line", `
			every 20s, catch_up all
			09:01 | 09:00:20 runs; 09:00:40 to 09:01 (2) previous run not finished: the job just made`},
		{"one late nominal puts those behind it in line", `
			every 1m, catch_up all
			09:02:30 | 09:01 runs late; waits for the catch-up runs before it`},
		{"a line waits for an active job that was there before", `
			every 10m, catch_up all
			09:10           | 09:10 runs
			09:32           | waits for the catch-up runs before it
			09:33 end 09:10 | 09:20 runs late; waits for the catch-up runs before it`},
		{"the limits are applied once: what stands in line does not fall out of the window", `
			every 10m, catch_up all, window 30m
			09:32           | 09:10 runs late; waits for the catch-up runs before it
			12:00 end 09:10 | 09:20 runs late; waits for the catch-up runs before it`},
		{"an interval below a second runs at its milliseconds", `
			every 500ms, catch_up all, overlap allow
			09:00:01 | 09:00:00.5 runs; 09:00:01 runs`},
		{"a schedule that ends waits for nothing", `
			every 10m, not_after 09:20
			09:15 | 09:10 runs late
			10:00 end 09:10 | 09:20 runs late
			11:00 | nothing`},
		{"once runs once", `
			once at 2026-11-23T09:30:00Z
			09:30 | 09:30 runs
			24T09:30 | nothing`},
		{"once already past never runs", `
			once at 2026-11-23T08:30:00Z
			09:30 | nothing`},
	})
}

func TestPause(t *testing.T) {
	tell(t, []story{
		{"what falls due while paused is skipped and not caught up", `
			every 10m
			09:05 pause  | nothing
			09:10        | 09:10 paused
			09:25 resume | 09:20 paused
			09:30        | 09:30 runs`},
		{"a pause holds from its start up to its end", `
			every 10m, catch_up all, overlap allow
			09:10 pause until 09:30 | 09:10 paused
			09:40                   | 09:20 paused; 09:30 runs late; 09:40 runs`},
		{"also when the clock was down meanwhile", `
			every 10m, catch_up all, overlap allow
			09:20 pause
			09:40 resume
			09:50 | 09:10 runs late; 09:20 to 09:30 (2) paused; 09:40 runs late; 09:50 runs`},
		{"it has an end of its own", `
			every 10m
			09:05 pause until 09:25
			09:31 | 09:10 to 09:20 (2) paused; 09:30 runs`},
		{"what is undecided when it begins is skipped too", `
			every 10m
			09:35 pause | 09:10 to 09:30 (3) paused`},
		{"what waits is skipped too, and with it what was superseded into it", `
			every 10m, overlap wait
			09:10              | 09:10 runs
			09:20              | waits for the previous run to finish
			09:31 pause        | 09:20 to 09:30 (2) paused
			09:35 resume; end 09:10 | nothing
			09:40              | 09:40 runs`},
		{"nominals and not instants are counted out of the newest", `
			every 10m, catch_up latest
			09:15 pause until 09:25
			09:32 | 09:10 coalesced; 09:20 paused; 09:30 runs late for 1 since 09:10, from 09:00`},
		{"if only paused ones come after, the newest before runs", `
			every 10m
			09:15 pause until 09:35
			09:36 | 09:10 runs late; 09:20 to 09:30 (2) paused`},
		{"a trigger works while paused", `
			every 10m
			09:05 pause
			09:06 trigger | triggered job 1`},
		{"due counts, not nominal, where there is jitter", `
			every 10m, jitter 5m
			09:12 pause until 09:14
			09:15 | 09:10 paused`},
		{"due counts at the end of a pause", `
			every 10m, jitter 5m
			09:09 pause until 09:12
			09:13 | 09:10 runs`},
		{"two pauses are one where they meet", `
			every 10m, catch_up all, overlap allow
			09:05 pause until 09:15
			09:12 pause until 09:25
			09:30 | 09:10 paused; 09:20 paused; 09:30 runs`},
	})
}

func TestSkippingByHand(t *testing.T) {
	tell(t, []story{
		{"skip-next names the first whose due is after the command", `
			every 10m
			09:05 skip-next | will skip 09:10
			09:10           | 09:10 by hand
			09:20           | 09:20 runs`},
		{"a repeat changes nothing", `
			every 10m
			09:05 skip-next; skip-next | will skip 09:10; will skip 09:10
			09:20                      | 09:10 by hand; 09:20 runs`},
		{"a repeat changes nothing while the clock is down", `
			every 10m
			09:05 skip-next
			09:15 skip-next | will skip 09:10; will skip 09:10; 09:10 by hand
			09:20           | 09:20 runs`},
		{"what is undecided before it is caught up", `
			every 10m
			09:15 skip-next
			09:21 | will skip 09:20; 09:10 runs late; 09:20 by hand`},
		{"it lapses when the when is edited", `
			every 10m
			09:05 skip-next
			09:06 edit every 5m
			09:10 | will skip 09:10; 09:10 runs`},
		{"with jitter the one that is not due yet is named", `
			every 10m, jitter 5m
			09:12 skip-next | will skip 09:10
			09:14           | 09:10 by hand`},
		{"nothing lies ahead of a schedule that has ended", `
			once at 2026-11-23T09:30:00Z
			09:31           | 09:30 runs
			09:40 skip-next | no occurrence lies ahead`},
		{"after a restore what is due is skipped by hand", `
			every 10m
			09:35 skip | 09:10 to 09:30 (3) by hand
			09:40      | 09:40 runs`},
		{"a line that is skipped in part stays a line", `
			every 10m, catch_up all
			09:42            | 09:10 runs late; waits for the catch-up runs before it
			09:43 skip 09:25 | 09:20 by hand; waits for the catch-up runs before it
			09:44 end 09:10  | 09:30 runs late; waits for the catch-up runs before it
			09:45 end 09:30  | 09:40 runs late`},
		{"what waits can be skipped by hand", `
			every 10m, overlap wait
			09:10       | 09:10 runs
			09:20       | waits for the previous run to finish
			09:21 skip  | 09:20 by hand
			09:30       | waits for the previous run to finish`},
		{"of a line that is paused, one named by hand stays by hand", `
			every 10m, overlap wait
			09:10                  | 09:10 runs
			09:20                  | waits for the previous run to finish
			09:31 skip-next        | will skip 09:40
			09:45 pause            | 09:20 to 09:30 (2) paused; 09:40 by hand
			09:46 resume; end 09:10
			09:50                  | 09:50 runs`},
	})
}

func TestEditsAndDeletion(t *testing.T) {
	tell(t, []story{
		{"an edit while the clock is down loses nothing and invents nothing", `
			every 10m, catch_up all, overlap allow
			09:25 edit every 15m
			09:46 | 09:10 runs late; 09:20 runs late; 09:30 runs late; 09:45 runs`},
		{"a definition rules up to and including the instant of the next", `
			every 10m, catch_up all, overlap allow
			09:10 edit every 7m
			09:13 | 09:10 runs late
			09:14 | 09:14 runs`},
		{"an edit fires nothing by itself", `
			every 1h
			09:55 edit every 5m | nothing
			10:00               | 10:00 runs`},
		{"a due is never before that of an earlier nominal", `
			every 1h, jitter 1h, catch_up all, overlap allow
			10:01 edit every 30s
			10:02:42 | nothing
			10:02:43 | 10:00 runs; 10:01:30 runs; 10:02 runs; 10:02:30 runs`},
		{"policies are those of the moment of decision", `
			every 10m, catch_up latest
			09:25 set catch_up all; set overlap allow
			09:30 | 09:10 runs late; 09:20 runs late; 09:30 runs`},
		{"what waits is looked at again when the overlap is edited", `
			every 10m, overlap wait
			09:10                     | 09:10 runs
			09:20                     | waits for the previous run to finish
			09:21 set overlap allow   | 09:20 runs`},
		{"what waits goes on waiting for something else after an edit", `
			every 10m, overlap wait
			09:10                   | 09:10 runs
			09:10 start 09:10
			09:20                   | waits for the previous run to finish
			09:21 set overlap cancel | asks 09:10 to stop; waits for the cancelled run to stop
			09:21:10                 | 09:20 runs late, job 1 still ran when the cancel grace of 10s was over; asks 09:10 to stop`},
		{"what waits under the when of before stays", `
			every 10m, overlap wait
			09:10                | 09:10 runs
			09:20                | waits for the previous run to finish
			09:21 edit every 15m | waits for the previous run to finish
			09:31 end 09:10      | 09:20 superseded; 09:30 runs for 1 since 09:20, from 09:10`},
		{"deletion decides what is undecided, due or not, and nothing is in force after", `
			every 10m, jitter 5m
			09:12 delete | 09:10 deleted
			10:00        | nothing`},
		{"deletion decides what waits", `
			every 10m, overlap wait
			09:10        | 09:10 runs
			09:31 delete | 09:20 to 09:30 (2) deleted`},
		{"the same key again continues its history from now", `
			every 10m
			09:12        | 09:10 runs late
			09:31 delete | 09:20 to 09:30 (2) deleted
			09:55 revive; end 09:10 | nothing
			10:00        | 10:00 runs`},
	})
}
