import assert from "node:assert/strict";
import { NO_MEMBERS } from "../../../runtime/raft/core/configuration.ts";
import type { PersistOrder } from "../../../runtime/raft/core/outputs.ts";
import { RaftError } from "../../../runtime/raft/errors.ts";
import { PersistLine } from "../../../runtime/raft/persist_line.ts";
import type { RaftLogStore } from "../../../runtime/raft/storage.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";

/** A log in memory whose disk answers when the test says so. */
class LogInHand implements RaftLogStore {
  readonly restored = {
    hardState: { term: 0, vote: null, commit: 0 },
    snapshot: { index: 0, term: 0, stampMs: 0, configuration: NO_MEMBERS, configurationIndex: 0 },
    file: null,
    entries: [],
  };
  readonly offered: number[] = [];
  readonly #waiting = new Map<number, PromiseWithResolvers<void>>();

  persist({ number }: PersistOrder): Promise<void> {
    const waiting = Promise.withResolvers<void>();
    this.offered.push(number);
    this.#waiting.set(number, waiting);
    return waiting.promise;
  }

  done(number: number): void {
    this.#waiting.get(number)!.resolve();
  }

  refuse(number: number, error: Error): void {
    this.#waiting.get(number)!.reject(error);
  }

  compact(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function lineInHand(...numbers: readonly number[]) {
  const env = simulatedEnv({ seed: 1 });
  const log = new LogInHand();
  const seen: (number | string)[] = [];
  const line = new PersistLine(env, log, 500, {
    persisted: (number) => seen.push(number),
    failed: (error) => seen.push((error as RaftError).code),
  });
  for (const number of numbers) {
    line.persist({ number, reset: null, entries: [], hardState: null });
  }
  return { env, log, seen, line };
}

Deno.test("nothing is confirmed before it and all before it are durable", async () => {
  const { env, log, seen } = lineInHand(1, 2, 3);
  await env.world.settle();
  assert.deepEqual([log.offered, seen], [[1, 2, 3], []]);
  log.done(2);
  await env.world.settle();
  assert.deepEqual(seen, [], "the first one is being written still");
  log.done(1);
  await env.world.settle();
  assert.deepEqual(seen, [2], "one confirmation for both");
  log.done(3);
  await env.world.settle();
  assert.deepEqual(seen, [2, 3]);
});

Deno.test("what a full disk refused is offered again, and nothing behind it counts before", async () => {
  const { env, log, seen, line } = lineInHand(1, 2);
  log.refuse(1, new RaftError("DiskFull", "no room"));
  log.done(2);
  await env.world.settle();
  assert.deepEqual([log.offered, seen], [[1, 2, 1], []]);
  line.persist({ number: 3, reset: null, entries: [], hardState: null });
  log.done(3);
  await env.world.settle();
  assert.deepEqual(seen, []);
  log.done(1);
  await env.world.settle();
  assert.deepEqual(seen, [3]);
});

Deno.test("a disk that failed is told at once and confirms nothing", async () => {
  const { env, log, seen } = lineInHand(1, 2);
  log.refuse(1, new RaftError("DiskFailed", "fsync: EIO"));
  log.done(2);
  await env.world.settle();
  assert.deepEqual(seen, ["DiskFailed"]);
});
