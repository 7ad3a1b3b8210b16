/** What `--json` writes is what its schema says. */

import assert from "node:assert/strict";
import { Board } from "../../cli/show/board.ts";
import {
  changedEvent,
  createdEvent,
  endedEvent,
  logEvent,
  progressEvent,
  runEvent,
  runEventsSchema,
} from "../../cli/show/events.ts";
import { reportOf } from "../../cli/show/report.ts";
import { job, NOW_MS, progress, receipt } from "./jobs.ts";

const HEAD = { atMs: NOW_MS, runId: "r" };

Deno.test("the published schema of run events is the one that this version writes", () => {
  const path = new URL("../../cli/schema/run-events.schema.json", import.meta.url);
  assert.deepEqual(JSON.parse(Deno.readTextFileSync(path)), runEventsSchema());
});

Deno.test("every kind of event fits the schema, with every field there", () => {
  const board = new Board(["a", "b"]);
  const events = [createdEvent(HEAD, { name: "n", transfers: 2, resumed: false })];
  events.push(changedEvent(HEAD, board.change(job("a", "assigned"), NOW_MS).after));
  const seen = board.observe("a", progress(1, 2));
  assert.ok(seen !== null);
  const moving = progressEvent(HEAD, seen);
  assert.ok(moving !== null);
  events.push(moving);
  const done = job("a", "succeeded", { receipt: receipt("a b", 5) });
  events.push(changedEvent(HEAD, board.change(done, NOW_MS).after));
  const error = { code: "x", message: "m", retryable: true, definite: true };
  const retrying = job("b", "retrying", { error, retryAtMs: NOW_MS + 10 });
  events.push(changedEvent(HEAD, board.change(retrying, NOW_MS).after));
  events.push(logEvent(HEAD, "info", "notify", { cause: new Error("why"), big: 7n }));
  const facts = { runId: "r", name: "n", why: "", resumed: false, durationMs: 12 };
  events.push(endedEvent(HEAD, reportOf({ ...facts, state: "interrupted" }, board)));
  for (const event of events) assert.deepEqual(runEvent.parse(event), event);
  const changed = events[3];
  assert.equal(changed?.type === "job.changed" && changed.receipt?.uri, "file:///out/a%20b");
});

Deno.test("a transfer without an attempt has no progress event", () => {
  assert.equal(progressEvent(HEAD, new Board(["a"]).row("a")!), null);
});
