/** The promise of the journal under power loss: what was acknowledged is there, nothing torn is. */

import assert from "node:assert/strict";
import { type SimulatedEnv, simulatedEnv } from "../../../runtime/sim/env.ts";
import { type Journal, openJournal } from "../../../runtime/store/journal.ts";

/** Many segments and batches, or batches over several sectors, which may survive with holes. */
const SHAPES = [
  { limits: { segmentBytes: 300, batchBytes: 200, recordBytes: 5_000 }, long: 0.1 },
  { limits: { segmentBytes: 60_000, batchBytes: 40_000, recordBytes: 5_000 }, long: 0.7 },
] as const;
const DIRECTORY = "/data/journal";

/** What was handed to the journal, by index; a later life writes again what an earlier one lost. */
class Model {
  readonly shape: typeof SHAPES[number];
  readonly appended = new Map<number, string>();
  acknowledged = 0;
  #written = 0;

  constructor(seed: number) {
    this.shape = SHAPES[seed % 2]!;
  }

  payload(random: { next(): number }): Uint8Array {
    const length = random.next() < this.shape.long ? Math.floor(random.next() * 4_900) : 20;
    const text = `record ${this.#written++} `;
    return new TextEncoder().encode(text.padEnd(length, "abcdefg"));
  }

  append(journal: Journal, record: Uint8Array): number {
    const index = journal.append(record);
    this.appended.set(index, new TextDecoder().decode(record));
    return index;
  }
}

/** Checks a fresh journal against the model, and forgets what was lost. */
async function check(journal: Journal, model: Model, context: string): Promise<void> {
  assert.ok(journal.lastIndex >= model.acknowledged, `${context}: acknowledged records are there`);
  let expected = 1;
  for await (const { index, bytes } of journal.replay) {
    assert.equal(index, expected++, `${context}: indices are contiguous`);
    const text = new TextDecoder().decode(bytes);
    assert.equal(text, model.appended.get(index), `${context}: record ${index}`);
  }
  assert.equal(expected - 1, journal.lastIndex, context);
  for (const index of model.appended.keys()) {
    if (index > journal.lastIndex) model.appended.delete(index);
  }
  model.acknowledged = journal.lastIndex;
}

/** Appends from three writers until it is cut off. */
async function work(env: SimulatedEnv, journal: Journal, model: Model, rounds: number) {
  const writer = async () => {
    for (let round = 0; round < rounds; round += 1) {
      const index = model.append(journal, model.payload(env.random));
      if (env.random.next() < 0.5) {
        await journal.durable(index);
        model.acknowledged = Math.max(model.acknowledged, index);
      } else await new Promise<void>((resolve) => env.timers.after(env.random.next() * 2, resolve));
    }
  };
  await Promise.all([writer(), writer(), writer()]);
}

async function live(env: SimulatedEnv, model: Model, context: string): Promise<void> {
  const journal = await openJournal(env, DIRECTORY, { limits: model.shape.limits });
  await check(journal, model, context);
  await work(env, journal, model, 6);
}

async function prepared(seed: number): Promise<SimulatedEnv> {
  const env = simulatedEnv({ seed, tornWrites: true });
  await env.world.complete((async () => {
    await env.disk.makeDirectory("/data");
    await env.disk.syncDirectory("/");
  })());
  return env;
}

/** Lets a life go on for some events, and reports an error that it met. */
async function liveFor(env: SimulatedEnv, model: Model, events: number, context: string) {
  let failure: unknown;
  live(env, model, context).catch((thrown) => failure = thrown);
  for (let count = 0; count < events; count += 1) {
    const more = await env.world.step();
    if (failure !== undefined) throw failure;
    if (!more) return false;
  }
  return true;
}

Deno.test("power lost at random moments of five lives: nothing acknowledged is lost, nothing torn is returned (400 seeds)", async () => {
  for (let seed = 0; seed < 400; seed += 1) {
    let env = await prepared(seed);
    const model = new Model(seed);
    for (let number = 1; number <= 5; number += 1) {
      const events = env.machine.random.integer(0, 60);
      await liveFor(env, model, events, `seed ${seed}, life ${number}`);
      env.crash(env.machine.random.chance(0.7) ? "power" : "process");
      env = env.restart();
    }
    await env.world.complete(live(env, model, `seed ${seed}, last life`));
  }
});

Deno.test("power lost after each single event of a life: the next one finds every acknowledged record", async () => {
  for (let seed = 1_000; seed < 1_004; seed += 1) {
    for (let events = 0;; events += 1) {
      const env = await prepared(seed);
      const model = new Model(seed);
      const context = `seed ${seed}, ${events} events`;
      const more = await liveFor(env, model, events, context);
      env.crash("power");
      const next = env.restart();
      await next.world.complete(live(next, model, context));
      if (!more) break;
    }
  }
});
