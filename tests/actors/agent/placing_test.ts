import assert from "node:assert/strict";
import fc from "fast-check";
import { leastLoaded, loadBytes } from "../../../actors/agent/workers/placing.ts";
import { limitsOfThread, workersFor } from "../../../actors/agent/workers/tools.ts";
import { limitValues } from "../../../runtime/base/limits.ts";
import { ACTOR_LIMITS } from "../../../actors/limits.ts";

const MIB = 1_048_576;

function worker(name: string, leftBytes: readonly (number | null)[]) {
  return { name, load: { attempts: leftBytes.length, leftBytes } };
}

Deno.test("nobody is chosen where there is no Worker", () => {
  assert.equal(leastLoaded([]), null);
});

Deno.test("attempts that nothing is known of are shared alike", () => {
  const workers = [worker("one", []), worker("two", []), worker("three", [])];
  for (let at = 0; at < 30; at++) {
    const { name } = leastLoaded(workers)!;
    const chosen = workers.findIndex((one) => one.name === name);
    workers[chosen] = worker(name, [...workers[chosen]!.load.leftBytes, null]);
  }
  assert.deepEqual(workers.map(({ load }) => load.attempts), [10, 10, 10]);
});

Deno.test("who has a long file gets fewer of the short ones", () => {
  const workers = [worker("busy", [100 * MIB]), worker("free", [MIB, MIB, MIB])];
  assert.equal(leastLoaded(workers)?.name, "free");
});

Deno.test("beyond the horizon a file is as long as any other", () => {
  assert.equal(loadBytes(worker("a", [2 ** 50]).load), loadBytes(worker("b", [2 ** 40]).load));
});

Deno.test("the chosen one has the least to do", () => {
  const left = fc.array(fc.option(fc.nat(2 ** 31)), { maxLength: 8 });
  fc.assert(fc.property(fc.array(left, { minLength: 1, maxLength: 8 }), (lefts) => {
    const workers = lefts.map((one, at) => worker(String(at), one));
    const chosen = leastLoaded(workers)!;
    for (const { load } of workers) assert.ok(loadBytes(chosen.load) <= loadBytes(load));
  }));
});

Deno.test("an agent's threads together have what one had", () => {
  const limits = limitValues(ACTOR_LIMITS);
  fc.assert(fc.property(fc.integer({ min: 2, max: 15 }), (workers) => {
    const { poolBytes, replicatedPerSecond } = limitsOfThread(limits, workers);
    assert.ok(poolBytes * (workers + 1) <= limits.poolBytes);
    assert.ok(replicatedPerSecond * (workers + 1) <= limits.replicatedPerSecond);
  }));
});

Deno.test("there are as many Workers as cores, while their shares are worth it", () => {
  const limits = limitValues(ACTOR_LIMITS);
  assert.deepEqual([1, 2, 4, 64].map((cores) => workersFor(cores, limits)), [0, 2, 4, 15]);
  assert.equal(workersFor(4, { ...limits, poolBytes: 4 * MIB }), 0);
});
