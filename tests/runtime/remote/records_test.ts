import assert from "node:assert/strict";
import { ActorError } from "../../../runtime/actor/errors.ts";
import {
  parseControlRecord,
  parseMessageRecord,
  parseReplyRecord,
} from "../../../runtime/remote/records.ts";
import type { ControlRecord } from "../../../runtime/remote/wire.ts";

const counts = { consensus: 0, message: 1, bulk: 2 };
const target = { lane: "message", to: "a", messages: 1, bytes: 2 };
const message = { v: 1, type: "a/b", to: "x", body: null };

function refuses(parse: (raw: unknown) => unknown, raw: unknown): void {
  assert.throws(() => parse(raw), (error) => {
    assert(error instanceof ActorError, String(error));
    assert.equal(error.code, "BadMessage");
    return true;
  }, JSON.stringify(raw));
}

Deno.test("every kind of control record is taken as it is", () => {
  const records: ControlRecord[] = [
    { c: "ping", n: 1 },
    { c: "pong", n: 1 },
    { c: "credit", processed: [{ lane: "bulk", to: "a", messages: 1, bytes: 2 }] },
    { c: "cancel", id: 1 },
    { c: "system", seq: 1, body: { do: "watch", watch: 1, path: "a" } },
    { c: "system", seq: 1, body: { do: "unwatch", watch: 1 } },
    { c: "system", seq: 1, body: { do: "ended", watch: 1, reason: "stopped", after: counts } },
    {
      c: "system",
      seq: 1,
      body: {
        do: "ended",
        watch: 1,
        reason: "failed",
        error: { code: "X", message: "x" },
        after: counts,
      },
    },
    { c: "acknowledge", seq: 1 },
    { c: "confirm", producer: "a", seq: 1 },
    { c: "resume", sent: counts, pending: [], systemReceived: 0 },
    { c: "bulk" },
    { c: "bye", reason: "stopped" },
  ];
  for (const record of records) assert.equal(parseControlRecord(record), record);
});

Deno.test("a control record with a wrong or missing field is refused", () => {
  const wrong: unknown[] = [
    null,
    [],
    "ping",
    {},
    { c: "unknown" },
    { c: "ping" },
    { c: "ping", n: -1 },
    { c: "ping", n: 1.5 },
    { c: "credit", processed: {} },
    { c: "credit", processed: [{ ...target, lane: "reply" }] },
    { c: "credit", processed: [{ ...target, bytes: -1 }] },
    { c: "credit", processed: [{ ...target, messages: NaN }] },
    { c: "credit", processed: [null] },
    { c: "cancel", id: "1" },
    { c: "system", seq: 1, body: null },
    { c: "system", seq: 1, body: { do: "watch", watch: 1 } },
    { c: "system", seq: 1, body: { do: "watch", watch: 1, path: "x".repeat(5_000) } },
    { c: "system", seq: 1, body: { do: "other", watch: 1 } },
    { c: "system", seq: 1, body: { do: "ended", watch: 1, reason: "bored", after: counts } },
    { c: "system", seq: 1, body: { do: "ended", watch: 1, reason: "failed", after: {} } },
    {
      c: "system",
      seq: 1,
      body: { do: "ended", watch: 1, reason: "failed", error: 1, after: counts },
    },
    { c: "acknowledge" },
    { c: "confirm", producer: 1, seq: 1 },
    { c: "resume", sent: { ...counts, bulk: "2" }, pending: [], systemReceived: 0 },
    { c: "resume", sent: counts, pending: [], systemReceived: -1 },
    { c: "bye" },
  ];
  for (const raw of wrong) refuses(parseControlRecord, raw);
});

Deno.test("a message with a wrong or missing field is refused", () => {
  const wrong: unknown[] = [
    null,
    7,
    [message],
    { ...message, v: "1" },
    { ...message, type: "noslash" },
    { ...message, type: "/tag" },
    { ...message, to: undefined },
    { ...message, to: "x".repeat(5_000) },
    { ...message, from: 1 },
    { ...message, trace: {} },
    { ...message, id: 1 },
    { ...message, budgetMs: 1 },
    { ...message, id: -1, budgetMs: 1 },
    { ...message, id: 1, budgetMs: -1 },
    { ...message, id: 1, budgetMs: Infinity },
    { ...message, producer: "a" },
    { ...message, seq: 1 },
    { v: 1, type: "a/b", to: "x" },
  ];
  for (const raw of wrong) refuses(parseMessageRecord, raw);
});

Deno.test("fields that a later version adds are left alone", () => {
  const raw = { ...message, later: 1 };
  assert.equal(parseMessageRecord(raw), raw);
});

Deno.test("a reply with neither body nor error, or a wrong one, is refused", () => {
  for (
    const raw of [null, {}, { re: 1 }, { re: "1", body: 1 }, { re: 1, error: "x" }, {
      re: 1,
      error: { code: 1, message: "x" },
    }, { re: 1, error: { code: "X", message: "x", retryable: 1 } }]
  ) refuses(parseReplyRecord, raw);
});

Deno.test("a refused record tells whom it was for, so that credit and an answer find their way", () => {
  assert.throws(
    () => parseMessageRecord({ ...message, id: 4, budgetMs: null }),
    (error) => {
      assert(error instanceof ActorError);
      assert.deepStrictEqual(error.details, { to: "x", id: 4 });
      return true;
    },
  );
});
