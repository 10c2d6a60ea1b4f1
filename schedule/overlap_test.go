package schedule_test

import "testing"

func TestOverlap(t *testing.T) {
	tell(t, []story{
		{"skip skips what is due while a job is active, and names the job", `
			every 10m, overlap skip
			09:10           | 09:10 runs
			09:20           | 09:20 previous run not finished: 09:10, which waits
			09:25 end 09:10 | nothing
			09:30           | 09:30 runs`},
		{"a job is active from the moment it is made", `
			every 10m
			09:10 | 09:10 runs
			09:20 | 09:20 previous run not finished: 09:10, which waits`},
		{"one that waits for a retry is not active and gives way", `
			every 10m
			09:10            | 09:10 runs
			09:15 fail 09:10 | nothing
			09:20            | 09:20 runs; cancels 09:10`},
		{"one that runs again is active", `
			every 10m
			09:10                         | 09:10 runs
			09:15 fail 09:10; start 09:10 | nothing
			09:20                         | 09:20 previous run not finished: 09:10`},
		{"what is skipped for a job that is active stands for nothing any more", `
			every 10m
			09:10           | 09:10 runs
			09:31           | 09:20 coalesced; 09:30 previous run not finished: 09:10, which waits
			09:35 end 09:10 | nothing
			09:40           | 09:40 runs`},
		{"wait: a newer one takes the place of the one that waits", `
			every 10m, overlap wait
			09:10           | 09:10 runs
			09:20           | waits for the previous run to finish
			09:30           | nothing
			09:31 end 09:10 | 09:20 superseded; 09:30 runs for 1 since 09:20, from 09:10
			09:40           | waits for the previous run to finish`},
		{"wait: the one that waits stands for what was coalesced and superseded into it", `
			every 10m, overlap wait
			09:10           | 09:10 runs
			09:42           | 09:20 to 09:30 (2) coalesced; waits for the previous run to finish
			09:51 end 09:10 | 09:40 superseded; 09:50 runs for 3 since 09:20, from 09:10`},
		{"wait: catch-up is not applied again, however late newer ones are met", `
			every 10m, overlap wait, catch_up none
			09:10           | 09:10 runs
			09:20           | waits for the previous run to finish
			09:35 end 09:10 | 09:20 superseded; 09:30 runs late for 1 since 09:20, from 09:10`},
		{"wait: a retry gives way", `
			every 10m, overlap wait
			09:10            | 09:10 runs
			09:20            | waits for the previous run to finish
			09:21 fail 09:10 | 09:20 runs; cancels 09:10`},
		{"queue: each is enqueued when the one before ends", `
			every 10m, overlap queue
			09:10           | 09:10 runs
			09:20           | waits for the runs before it in the queue
			09:31 end 09:10 | 09:20 runs late; waits for the runs before it in the queue
			09:41 end 09:20 | 09:30 runs late; waits for the runs before it in the queue
			09:41 end 09:30 | 09:40 runs`},
		{"queue: a retry counts as active", `
			every 10m, overlap queue
			09:10            | 09:10 runs
			09:15 fail 09:10 | nothing
			09:20            | waits for the runs before it in the queue
			09:21 end 09:10  | 09:20 runs`},
		{"queue: it holds at most catch_up_max, and loses the oldest", `
			every 10m, overlap queue, max 2
			09:10           | 09:10 runs
			09:20           | waits for the runs before it in the queue
			09:51 end 09:10 | 09:20 to 09:30 (2) beyond catch-up limit; 09:40 runs late; waits for the runs before it in the queue`},
		{"queue: the oldest takes with it what was coalesced into it", `
			every 10m, overlap queue, max 1
			09:10           | 09:10 runs
			09:32           | 09:20 coalesced; waits for the runs before it in the queue
			09:41 end 09:10 | 09:30 beyond catch-up limit; 09:40 runs`},
		{"cancel: a job that has not started is cancelled at once", `
			every 10m, overlap cancel
			09:10 | 09:10 runs
			09:20 | 09:20 runs; cancels 09:10`},
		{"cancel: a running one is asked, and waited for", `
			every 10m, overlap cancel
			09:10              | 09:10 runs
			09:11 start 09:10  | nothing
			09:20              | asks 09:10 to stop; waits for the cancelled run to stop
			09:20:05           | nothing
			09:20:06 end 09:10 | 09:20 runs`},
		{"cancel: at most for the grace, and then it is said", `
			every 10m, overlap cancel
			09:10             | 09:10 runs
			09:11 start 09:10 | nothing
			09:20             | asks 09:10 to stop; waits for the cancelled run to stop
			09:20:10          | 09:20 runs, job 1 still ran when the cancel grace of 10s was over; asks 09:10 to stop
			09:30             | cancels 09:20; asks 09:10 to stop; waits for the cancelled run to stop`},
		{"cancel: a newer one takes the place, and does not begin the grace anew", `
			every 7s, overlap cancel
			09:00:07                | 09:00:07 runs
			09:00:07 start 09:00:07 | nothing
			09:00:14                | asks 09:00:07 to stop; waits for the cancelled run to stop
			09:00:21                | nothing
			09:00:24                | 09:00:14 superseded; 09:00:21 runs for 1 since 09:00:14, from 09:00:07, job 1 still ran when the cancel grace of 10s was over; asks 09:00:07 to stop`},
		{"cancel: one that comes after the cancelled one has stopped has a grace of its own", `
			limits press 1
			A: every 10m, overlap cancel, limit press
			B: every 1m, overlap allow, limit press, catch_up none, not_after 09:01
			09:10               | A 09:10 runs; B 09:01 missed
			09:11 start A@09:10 | nothing
			09:20               | A asks 09:10 to stop; A waits for the cancelled run to stop
			09:20:02 end A@09:10; B force | triggered job 2; A waits for a free place in its limit
			09:20:20 A force; start #3; limits press 3 | triggered job 3; A asks #3 to stop; A waits for the cancelled run to stop
			09:20:25 end #3     | A 09:20 runs`},
		{"cancel: an edit to wait and back begins anew", `
			every 10m, overlap cancel
			09:10                       | 09:10 runs
			09:11 start 09:10           | nothing
			09:20                       | asks 09:10 to stop; waits for the cancelled run to stop
			09:20:05 set overlap wait   | waits for the previous run to finish
			09:25 set overlap cancel    | asks 09:10 to stop; waits for the cancelled run to stop
			09:25:10                    | 09:20 runs late, job 1 still ran when the cancel grace of 10s was over; asks 09:10 to stop`},
		{"allow: everything runs, and no retry gives way", `
			every 10m, overlap allow
			09:10            | 09:10 runs
			09:11 fail 09:10 | nothing
			09:20            | 09:20 runs
			09:30            | 09:30 runs`},
		{"a job made by hand counts", `
			every 10m
			09:05 trigger | triggered job 1
			09:10         | 09:10 previous run not finished: #1, which waits`},
		{"every active job counts, not only the last", `
			every 10m
			09:10                   | 09:10 runs
			09:11 force; end #2     | triggered job 2
			09:20                   | 09:20 previous run not finished: 09:10, which waits`},
	})
}

func TestTrigger(t *testing.T) {
	tell(t, []story{
		{"it makes a job beside what the clock decides", `
			every 10m
			09:05 trigger | triggered job 1`},
		{"it is refused while a job is active, and names it", `
			every 10m
			09:10         | 09:10 runs
			09:11 trigger | refused: job 1 of this schedule is active, and its overlap is skip`},
		{"it is not refused while a job waits for a retry, and leaves it alone", `
			every 10m
			09:10                     | 09:10 runs
			09:11 fail 09:10; trigger | triggered job 2`},
		{"under queue one that waits for a retry counts as active", `
			every 10m, overlap queue
			09:10                     | 09:10 runs
			09:11 fail 09:10; trigger | refused: job 1 of this schedule waits for a retry, and its overlap is queue`},
		{"it is refused while a nominal waits", `
			every 10m, overlap wait
			09:10         | 09:10 runs
			09:20         | waits for the previous run to finish
			09:21 end 09:10; trigger | refused: an occurrence of this schedule waits for the previous run to finish; 09:20 runs`},
		{"it is refused while the group is full, also under allow", `
			limits press 1
			every 10m, overlap allow, limit press
			09:10                   | 09:10 runs
			09:11 trigger           | refused: the limit "press" is full
			09:20                   | waits for a free place in its limit
			09:21 end 09:10; trigger | refused: an occurrence of this schedule waits for a free place in its limit; 09:20 runs`},
		{"forced it is never refused", `
			every 10m
			09:10       | 09:10 runs
			09:11 force | triggered job 2`},
		{"under allow it is not refused for an active job", `
			every 10m, overlap allow
			09:10         | 09:10 runs
			09:11 trigger | triggered job 2`},
	})
}

func TestLimits(t *testing.T) {
	tell(t, []story{
		{"no more jobs are active than the group has places", `
			limits press 1
			A: every 10m, limit press
			B: every 20m, limit press
			09:10             | A 09:10 runs
			09:20             | A 09:20 previous run not finished: 09:10, which waits; B waits for a free place in its limit
			09:21 end A@09:10 | B 09:20 runs`},
		{"a place goes to what was due first, not to who asks first", `
			limits press 1
			B: every 20m, limit press, overlap allow
			A: every 10m, limit press, overlap allow
			09:10             | A 09:10 runs
			09:30             | B waits for a free place in its limit; A 09:20 coalesced; A waits for a free place in its limit
			09:31 end A@09:10 | B 09:20 runs late; A waits for a free place in its limit
			09:32 end B@09:20 | A 09:30 runs late for 1 since 09:20, from 09:10`},
		{"overlap is judged first", `
			limits press 1
			A: every 10m, limit press
			B: every 15m, limit press
			09:10 | A 09:10 runs
			09:20 | A 09:20 previous run not finished: 09:10, which waits; B waits for a free place in its limit
			09:21 end A@09:10 | B 09:15 runs late
			09:30 | A waits for a free place in its limit; B 09:30 previous run not finished: 09:15, which waits`},
		{"while one waits for its group a newer one takes its place", `
			limits press 1
			A: every 10m, limit press
			B: every 1h, limit press
			10:00             | A 09:10 to 09:50 (5) coalesced; A 10:00 runs for 5 since 09:10, from 09:00; B waits for a free place in its limit
			10:05 end A@10:00 | B 10:00 runs late
			10:20             | A 10:10 coalesced; A waits for a free place in its limit
			10:31 end B@10:00 | A 10:20 superseded; A 10:30 runs for 2 since 10:10, from 10:00`},
		{"under allow both wait, and run in order", `
			limits press 1
			every 10m, limit press, overlap allow
			09:10           | 09:10 runs
			09:20           | waits for a free place in its limit
			09:31 end 09:10 | 09:20 runs late; waits for a free place in its limit
			09:32 end 09:20 | 09:30 runs late`},
		{"under queue both wait, and run in order", `
			limits press 1
			A: every 1h, limit press
			B: every 10m, limit press, overlap queue
			09:10             | B 09:10 runs
			09:20             | B waits for the runs before it in the queue
			10:00             | A waits for a free place in its limit
			10:01 end B@09:10 | A waits for a free place in its limit; B 09:20 runs late; B waits for the runs before it in the queue
			10:02 end B@09:20 | A waits for a free place in its limit; B 09:30 runs late; B waits for the runs before it in the queue`},
		{"a group is full of jobs, whatever their schedule", `
			limits press 2
			A: every 10m, limit press, overlap allow
			B: every 30m, limit press, overlap allow
			09:10 | A 09:10 runs
			09:20 | A 09:20 runs
			09:30 | A waits for a free place in its limit; B waits for a free place in its limit`},
		{"one that waits for a retry takes no place, and gives way to its next", `
			limits press 1
			every 10m, limit press
			09:10            | 09:10 runs
			09:15 fail 09:10 | nothing
			09:20            | 09:20 runs; cancels 09:10`},
		{"with places for some, each of them is taken on time under all", `
			limits press 3
			every 20s, limit press, catch_up all, overlap allow
			09:01 | 09:00:20 runs; 09:00:40 runs; 09:01 runs`},
		{"a place that is free is taken before a newer one is thought of", `
			limits press 1
			every 20s, limit press, catch_up all
			09:00:50 | 09:00:20 runs; 09:00:40 previous run not finished: the job just made`},
		{"a higher limit lets those that wait go on", `
			limits press 1
			every 10m, limit press, overlap allow
			09:10                | 09:10 runs
			09:20                | waits for a free place in its limit
			09:21 limits press 2 | 09:20 runs`},
	})
}
