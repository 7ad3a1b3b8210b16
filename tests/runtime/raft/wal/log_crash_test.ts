/** The promise of the log under power loss: what was acknowledged is there, the rest wholly or not. */

import assert from "node:assert/strict";
import { RaftError } from "../../../../runtime/raft/errors.ts";
import { openRaftLog } from "../../../../runtime/raft/wal/open.ts";
import type { RaftLogStore, StoredSnapshot } from "../../../../runtime/raft/storage.ts";
import type { PersistOrder } from "../../../../runtime/raft/core/outputs.ts";
import { type SimulatedEnv, simulatedEnv } from "../../../../runtime/sim/env.ts";
import {
  applied,
  EMPTY,
  FIRST,
  isRestored,
  lastIndexOf,
  type ModelState,
  partsOf,
  reopened,
} from "./log_model.ts";
import { OrderMaker } from "./order_maker.ts";

/** Many segments, or batches over several sectors, which may survive with holes. */
const SHAPES = [
  { limits: { segmentBytes: 1_100, reserveBytes: 2_000, syncEveryBytes: 4_096 }, longBytes: 300 },
  {
    limits: { segmentBytes: 16_000, reserveBytes: 32_000, syncEveryBytes: 4_096 },
    longBytes: 3_000,
  },
  { limits: { segmentBytes: 1_100, reserveBytes: 5_000, syncEveryBytes: 4_096 }, longBytes: 2_500 },
] as const;
const IDENTITY = { group: "g", member: "a" };

/** What was ordered over several lives, and how much of it was acknowledged. */
class Story {
  readonly shape: typeof SHAPES[number];
  maker: OrderMaker;
  #from: ModelState = EMPTY;
  #orders: PersistOrder[] = [];
  #acknowledged = 0;
  #compacted = 0;
  #newest: StoredSnapshot | null = null;

  constructor(seed: number, next: () => number) {
    this.shape = SHAPES[seed % SHAPES.length]!;
    this.maker = new OrderMaker(next, this.shape.longBytes);
  }

  get newest(): StoredSnapshot | null {
    return this.#newest;
  }

  /** One more step, and what to do when it was acknowledged. */
  begin(log: RaftLogStore): Promise<void> {
    const step = this.maker.step();
    this.#newest = this.maker.newest;
    if (step.do === "compact") {
      this.#compacted = step.index;
      return log.compact(step.index);
    }
    this.#orders.push(step.order);
    const count = this.#orders.length;
    return log.persist(step.order).then(() => {
      assert.ok(count >= this.#acknowledged, "orders are acknowledged in their order");
      this.#acknowledged = count;
    });
  }

  /** Finds what survived, and goes on from it. */
  reopen(log: RaftLogStore, context: string): void {
    const survived = this.#possible().findLast((state) =>
      isRestored(log.restored, state, this.#newest, this.#compacted)
    );
    assert.ok(
      survived !== undefined,
      `${context}: ${
        JSON.stringify(log.restored.hardState)
      } and ${log.restored.entries.length} entries are none of what may be after ${this.#acknowledged} of ${this.#orders.length} orders`,
    );
    this.#from = survived;
    this.#orders = [];
    this.#acknowledged = 0;
    this.maker.state = survived;
    this.#compacted = Math.min(this.#compacted, lastIndexOf(survived));
  }

  /** Every state that may be found: from what was acknowledged on, order by order. */
  #possible(): ModelState[] {
    const states: ModelState[] = [];
    let state = this.#from;
    for (const [position, order] of this.#orders.entries()) {
      if (position >= this.#acknowledged) {
        states.push(state, ...partsOf(order).map((part) => applied(state, part)));
      }
      state = applied(state, order);
    }
    states.push(state);
    return states.map((found) => reopened(found, this.#newest));
  }
}

function opened(env: SimulatedEnv, story: Story): Promise<RaftLogStore> {
  return openRaftLog(env, {
    folder: "/data/raft",
    identity: IDENTITY,
    limits: story.shape.limits,
    first: FIRST,
    create: true,
    newest: story.newest,
  });
}

/** One life: what is there is checked, then three at a time go on, and at last it is closed. */
async function live(env: SimulatedEnv, story: Story, context: string, steps: number) {
  const log = await opened(env, story);
  story.reopen(log, context);
  const line: Promise<void>[] = [];
  for (let count = 0; count < steps; count += 1) {
    const step = story.begin(log);
    step.catch(() => {}); // It is awaited with the others.
    line.push(step);
    if (env.random.next() < 0.4) await Promise.all(line.splice(0));
  }
  await Promise.all(line);
  await log.close();
}

/** Lets a life go on for some events, and reports an error that it met. */
async function liveFor(env: SimulatedEnv, story: Story, events: number, context: string) {
  let failure: unknown;
  live(env, story, context, 12).catch((thrown) => failure = thrown);
  for (let count = 0; count < events; count += 1) {
    const more = await env.world.step();
    if (failure !== undefined) throw failure;
    if (!more) return false;
  }
  return true;
}

Deno.test("power lost at random moments of five lives: nothing acknowledged is lost, nothing torn is taken for true (300 seeds)", async () => {
  for (let seed = 0; seed < 300; seed += 1) {
    let env = simulatedEnv({ seed, tornWrites: true });
    const draw = env.machine.random;
    const story = new Story(seed, () => draw.next());
    for (let number = 1; number <= 5; number += 1) {
      await liveFor(env, story, draw.integer(0, 160), `seed ${seed}, life ${number}`);
      env.crash(draw.chance(0.7) ? "power" : "process");
      env = env.restart();
    }
    await env.world.complete(live(env, story, `seed ${seed}, last life`, 30));
    await env.world.complete(live(env, story, `seed ${seed}, after it`, 0));
  }
});

Deno.test("power lost, or the process killed, after each single event of a life", async () => {
  for (let seed = 1_000; seed < 1_003; seed += 1) {
    for (const kind of ["power", "process"] as const) {
      for (let events = 0;; events += 1) {
        const env = simulatedEnv({ seed, tornWrites: true });
        const draw = env.machine.random;
        const story = new Story(seed, () => draw.next());
        const context = `seed ${seed}, ${kind} after ${events} events`;
        const more = await liveFor(env, story, events, context);
        env.crash(kind);
        const next = env.restart();
        await next.world.complete(live(next, story, context, 3));
        if (!more) break;
      }
    }
  }
});

/** The disk failed in some life, and what was ordered then. */
async function liveOnBadDisk(env: SimulatedEnv, story: Story, context: string): Promise<boolean> {
  const rate = env.machine.random.next() * 0.04;
  Object.assign(env.machine.faults, {
    syncErrorRate: rate,
    writeErrorRate: rate,
    readErrorRate: rate / 4,
  });
  try {
    await env.world.complete(live(env, story, context, 15));
    return false;
  } catch (error) {
    if (!(error instanceof RaftError && error.code === "DiskFailed")) throw error;
    return true;
  } finally {
    Object.assign(env.machine.faults, { syncErrorRate: 0, writeErrorRate: 0, readErrorRate: 0 });
  }
}

Deno.test("writes, reads and syncs that fail in eight lives: whatever was acknowledged is there (150 seeds)", async () => {
  let failures = 0;
  for (let seed = 2_000; seed < 2_150; seed += 1) {
    let env = simulatedEnv({ seed, tornWrites: true });
    const draw = env.machine.random;
    const story = new Story(seed, () => draw.next());
    for (let number = 1; number <= 8; number += 1) {
      const context = `seed ${seed}, life ${number}`;
      if (await liveOnBadDisk(env, story, context)) failures += 1;
      env.crash(draw.chance(0.5) ? "power" : "process");
      env = env.restart();
    }
    await env.world.complete(live(env, story, `seed ${seed}, last life`, 5));
  }
  assert.ok(failures > 300, `${failures} lives ended by a disk that failed`);
});
