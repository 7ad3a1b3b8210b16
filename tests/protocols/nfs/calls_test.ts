/** Calls that hang, on virtual time. */

import assert from "node:assert/strict";
import { MountCalls } from "../../../protocols/nfs/calls.ts";
import { type SimulatedEnv, simulatedEnv } from "../../../runtime/sim/env.ts";

const BOUNDS = { timeoutMs: 1_000, callsMax: 3, stuckMax: 2 };

/** Calls that return when they are let go. */
class Held {
  readonly #waiting: (() => void)[] = [];
  begun = 0;

  readonly call = (): Promise<string> => {
    this.begun += 1;
    return new Promise((resolve) => this.#waiting.push(() => resolve("late")));
  };

  letGo(): void {
    this.#waiting.shift()!();
  }
}

async function simulated(
  body: (calls: MountCalls, held: Held, env: SimulatedEnv) => Promise<void>,
): Promise<void> {
  const env = simulatedEnv({ seed: 3 });
  const calls = new MountCalls("the mount of nfs://server/export", env.timers, BOUNDS);
  await env.world.complete(body(calls, new Held(), env));
}

Deno.test("a call that takes too long is given up, and counts as stuck until it returns", () =>
  simulated(async (calls, held) => {
    const late: string[] = [];
    const call = calls.run("read it", held.call, (value) => late.push(value));
    await assert.rejects(call, { code: "timeout", definite: false, retryable: true });
    assert.equal(calls.stuck, 1);
    held.letGo();
    await calls.run("look", () => Promise.resolve(0));
    assert.equal(calls.stuck, 0);
    assert.deepEqual(late, ["late"], "what came too late is there to be closed");
  }));

Deno.test("past the bound of stuck calls none is made, until one returns", () =>
  simulated(async (calls, held, env) => {
    const first = [calls.run("a", held.call), calls.run("b", held.call)];
    for (const outcome of await Promise.allSettled(first)) assert.equal(outcome.status, "rejected");
    const refused = calls.run("c", held.call);
    await assert.rejects(refused, { code: "unreachable", definite: true, retryable: true });
    assert.equal(held.begun, 2, "the third was never made");
    held.letGo();
    await new Promise<void>((resolve) => env.timers.soon(resolve));
    assert.equal(await calls.run("d", () => Promise.resolve("again")), "again");
    held.letGo();
  }));

Deno.test("calls that wait for a place are refused when the mount turns out to hang", () =>
  simulated(async (calls, held, env) => {
    const running = [0, 1, 2].map((n) => calls.run(`running ${n}`, held.call));
    const waiting = calls.run("waiting", held.call);
    const codes = (await Promise.allSettled([...running, waiting]))
      .map((outcome) => outcome.status === "rejected" ? outcome.reason.code : "done");
    assert.deepEqual(codes, ["timeout", "timeout", "timeout", "unreachable"]);
    assert.equal(env.clock.monotonic() < 2 * BOUNDS.timeoutMs, true, "it did not wait once more");
    for (let n = 0; n < 3; n++) held.letGo();
  }));

Deno.test("no more calls are made at once than there may be, in the order of asking", () =>
  simulated(async (calls, held) => {
    const order: number[] = [];
    const all = [0, 1, 2, 3, 4].map(async (n) => {
      await calls.run(`${n}`, held.call);
      order.push(n);
    });
    for (let n = 0; n < 5; n++) {
      await Promise.resolve();
      assert.ok(held.begun <= n + 3);
      held.letGo();
      await all[n];
    }
    assert.deepEqual(order, [0, 1, 2, 3, 4]);
  }));

Deno.test("a call that fails gives its place back and is not stuck", () =>
  simulated(async (calls) => {
    for (let n = 0; n < 10; n++) {
      await assert.rejects(calls.run("x", () => Promise.reject(new Error("no"))), /no/);
    }
    assert.equal(calls.stuck, 0);
  }));
