package main

// besieged are the schedules of the random form: each way to catch up, each way
// to overlap, a limit, jitter, zones, retries and expiry. What a command did it
// writes into a file of its own. Names that begin with "plain" are intervals nobody
// edits, whose nominals can be counted without the product; in those that end with
// "waits" a decision may have to wait for more than a clock. The definition of the
// last is made unreadable now and then.
const besieged = `
limits: { few: 2 }
schedules:
  plain-all-1: { when: "every 1s", overlap: allow, catch_up: all, run: &quick 'echo "$PUNCTUAL_OCCURRENCE" >>ran' }
  plain-all-2: { when: "every 1s", overlap: allow, catch_up: all, run: *quick }
  plain-often: { when: "every 500ms", overlap: allow, catch_up: latest, run: *quick }
  plain-latest: { when: "every 2s", catch_up: latest, run: *quick }
  plain-none: { when: "every 2s", catch_up: none, grace: 2s, run: *quick }
  plain-skip: { when: "every 3s", overlap: skip, run: &slow 'sleep 2; echo "$PUNCTUAL_OCCURRENCE" >>ran' }
  plain-one-waits: { when: "every 3s", overlap: wait, run: &slower 'sleep 4; echo "$PUNCTUAL_OCCURRENCE" >>ran' }
  plain-queue-waits: { when: "every 5s", overlap: queue, catch_up: all, catch_up_max: 20, run: *slow }
  plain-cancel-waits: { when: "every 5s", overlap: cancel, cancel_grace: 3s, run: *slower }
  plain-jitter: { when: "every 5s", jitter: 4s, run: *quick }
  plain-line-waits: { when: "every 4s", overlap: skip, catch_up: all, run: *quick }
  plain-limit-1-waits: { when: "every 4s", limit: few, overlap: allow, run: *slow }
  plain-limit-2-waits: { when: "every 4s", limit: few, run: *slow }
  plain-limit-3-waits: { when: "every 6s", limit: few, overlap: queue, run: *slow }
  plain-fails: { when: "every 5s", retries: 2, backoff: 1s, run: 'echo "$PUNCTUAL_OCCURRENCE" >>ran; exit $((PUNCTUAL_ATTEMPT < 3))' }
  plain-expires: { when: "every 5s", expires: 2s, overlap: allow, catch_up: all, run: *quick }
  cron-seconds: { when: "*/7 * * * * *", timezone: America/New_York, overlap: allow, catch_up: all, run: *quick }
  spoilt-row-waits: { when: "every 2s", catch_up: all, run: *quick }
  cron-merged: { when: ["*/20 * * * * *", "every 15s", "hourly at :30"], timezone: Australia/Lord_Howe, run: *quick }
`
