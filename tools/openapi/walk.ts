// What one does with a schedule from its first preview to its end, by a client in
// another language: node generated/walk.js ADDRESS-OF-THE-DOCUMENT, with a token of an
// admin in PUNCTUAL_TOKEN, against a server whose file declares the schedule
// "greeting". See scripts/openapi.
import assert from "node:assert/strict";
import { connect, events, type Client } from "./client.js";
import type { components } from "./generated/api.js";

type Run = components["schemas"]["Run"];

const key = "walk";
const path = { key };
const signal = AbortSignal.timeout(60_000);

const client = await connect(process.argv[2]!, process.env.PUNCTUAL_TOKEN!);
await preview(client);
await create(client);
await runOnce(client);
await edit(client);
await pauseAndResume(client);
await backfill(client);
await turnPages(client);
await remove(client);

async function preview(api: Client) {
  const { data } = await api.POST("/api/v1/preview", {
    body: { when: "daily at 02:30", timezone: "America/New_York", from: "2027-03-13T00:00:00Z", count: 3 },
  });
  assert.deepEqual(data!.next!.map((one) => one.nominal), ["2027-03-13T07:30:00Z", "2027-03-14T07:00:00Z", "2027-03-15T06:30:00Z"]);

  const { error, response } = await api.POST("/api/v1/preview", { body: { when: "daily at 25:00" } });
  assert.equal(response.status, 422);
  assert.match(error!.detail!, /25:00/);
  say("a when was previewed, across a change of the clocks");
}

async function create(api: Client) {
  const { data, response } = await api.POST("/api/v1/schedules", {
    body: { key, when: "daily at 03:00", job_of: "greeting", description: "Made by a client.", overlap: "allow" },
  });
  assert.equal(response.status, 201);
  assert.equal(data!.state, "active");
  assert.equal(response.headers.get("etag"), `"${data!.version}"`);

  const again = await api.POST("/api/v1/schedules", { body: { key, when: "daily at 03:00", job_of: "greeting" } });
  assert.equal(again.response.status, 409, "a second schedule of that key");
  const command = await api.POST("/api/v1/schedules", { body: { key: "shell", when: "daily at 03:00", run: "id" } });
  assert.equal(command.response.status, 403, "a command from the network");
  say("a schedule was created of a job that the file declares");
}

async function runOnce(api: Client) {
  const listening = new AbortController();
  const watch = await api.GET("/api/v1/events", { parseAs: "stream", signal: AbortSignal.any([signal, listening.signal]) });
  const order = { params: { path, header: { "Idempotency-Key": "walk-1" } }, body: { args: { NAME: "walker" } } };
  const first = await api.POST("/api/v1/schedules/{key}/trigger", order);
  assert.equal(first.response.status, 201);
  const repeat = await api.POST("/api/v1/schedules/{key}/trigger", order);
  assert.equal(repeat.response.status, 200);
  assert.equal(repeat.data!.job_id, first.data!.job_id, "the job of a repeated trigger");

  const named = { params: { path: { run: first.data!.occurrence } } };
  const run = await finished(api, named, events<components["schemas"]["Change"]>(watch.data));
  listening.abort();
  assert.equal(run.state, "succeeded");
  assert.equal(run.origin, "trigger");

  const { data: output } = await api.GET("/api/v1/runs/{run}/output", named);
  assert.ok("items" in output!);
  assert.equal(output.items.map((one) => one.text).join(""), "hello, walker\n");
  assert.equal(output.ended, true);
  const followed = await api.GET("/api/v1/runs/{run}/output", { params: { ...named.params, query: { follow: true } }, parseAs: "stream", signal });
  const seen: string[] = [];
  for await (const { event } of events(followed.data)) seen.push(event);
  assert.deepEqual(seen, ["output", "end"]);
  say("a trigger made one job, whose end and output were seen live");
}

/** finished reads a run again with every event, until it has ended. */
async function finished(api: Client, named: { params: { path: { run: string } } }, changes: AsyncIterable<unknown>) {
  const read = async () => (await api.GET("/api/v1/runs/{run}", named)).data!;
  let run = await read();
  if (!run.finished_at) {
    for await (const _ of changes) {
      run = await read();
      if (run.finished_at) break;
    }
  }
  assert.ok(run.finished_at, "the stream of events ended before the run did");
  return run;
}

async function edit(api: Client) {
  const before = (await api.GET("/api/v1/schedules/{key}", { params: { path } })).response.headers.get("etag")!;
  const change = (header: { "If-Match"?: string }, when: string) =>
    api.PATCH("/api/v1/schedules/{key}", { params: { path, header }, body: { when } });

  const edited = await change({ "If-Match": before }, "daily at 04:00");
  assert.deepEqual(edited.data!.when, ["daily at 04:00"]);
  assert.notEqual(edited.response.headers.get("etag"), before);
  const stale = await change({ "If-Match": before }, "daily at 05:00");
  assert.equal(stale.response.status, 412, "an edit of a version that was edited since");
  const blind = await change({}, "daily at 05:00");
  assert.equal(blind.response.status, 428, "an edit that names no version");
  say("an edit held, and one of an older version did not");
}

async function pauseAndResume(api: Client) {
  const state = async () => (await api.GET("/api/v1/schedules/{key}", { params: { path } })).data!.state;
  await api.POST("/api/v1/schedules/{key}/pause", { params: { path }, body: { note: "a walk", until: "2099-01-01T00:00:00Z" } });
  assert.equal(await state(), "paused");
  const { data } = await api.POST("/api/v1/schedules/{key}/resume", { params: { path } });
  assert.equal(data!.resumed, true);
  assert.equal(await state(), "active");
  say("it was paused and resumed");
}

async function backfill(api: Client) {
  const { data } = await api.POST("/api/v1/schedules/{key}/backfill", {
    params: { path },
    body: { from: "2026-01-01", to: "2026-01-08", dry_run: true },
  });
  assert.equal(data!.total, 7);
  assert.equal(data!.nominals![0], "2026-01-01T04:00:00Z");
  const runs = await api.GET("/api/v1/runs", { params: { query: { schedule: key, origin: "backfill" } } });
  assert.deepEqual(runs.data!.items, [], "what a dry run made");
  say("a backfill said what it would run, and ran nothing");
}

async function turnPages(api: Client) {
  for (let i = 0; i < 4; i++) await api.POST("/api/v1/schedules/{key}/trigger", { params: { path } });
  const paged: Run[] = [];
  for (let cursor: string | undefined; ; ) {
    const { data } = await api.GET("/api/v1/runs", { params: { query: { schedule: key, origin: "trigger", limit: 2, cursor } } });
    assert.ok(data!.items.length <= 2);
    paged.push(...data!.items);
    cursor = data!.next;
    if (!cursor) break;
  }
  const { data: whole } = await api.GET("/api/v1/runs", { params: { query: { schedule: key, origin: "trigger", limit: 200 } } });
  assert.deepEqual(paged.map((run) => run.id), whole!.items.map((run) => run.id));
  assert.equal(paged.length, 5);
  say("pages of two came to the same as one of all");
}

async function remove(api: Client) {
  const { response } = await api.DELETE("/api/v1/schedules/{key}", { params: { path, query: { cancel_jobs: true } } });
  assert.equal(response.status, 204);
  const gone = await api.GET("/api/v1/schedules/{key}", { params: { path } });
  assert.equal(gone.response.status, 404);
  const activity = await api.GET("/api/v1/activity", { params: { query: { limit: 200 } } });
  const said = activity.data!.items.filter((one) => one.author === "PUNCTUAL_TOKEN").map((one) => one.action);
  for (const action of ["create", "update", "pause", "resume", "trigger", "delete"]) assert.ok(said.includes(action), `${action} is not among ${said}`);
  say("it was deleted, and the activity names who did all this");
}

function say(what: string) {
  console.log(`walk: ${what}`);
}
