import assert from "node:assert/strict";
import { type Embedded, type EmbeddedOptions, startEmbedded } from "../../actors/embedded.ts";
import { JobFeed } from "../../actors/job/messages.ts";
import { LEASED_STATES } from "../../actors/job/record.ts";
import { fileProtocol } from "../../protocols/file/protocol.ts";
import { memoryProtocol } from "../../protocols/memory/protocol.ts";
import { MemoryStore } from "../../protocols/memory/store.ts";
import { protocolRegistry } from "../../protocols/registry.ts";
import { intercepted, type InterceptedCall } from "../../protocols/wrappers/intercept.ts";
import { type SimulatedEnv, simulatedEnv } from "../../runtime/sim/env.ts";
import type { Plan } from "../../workflows/plan.ts";
import { type DeclaredTransfer, groupPlan } from "./plans.ts";
import { probe } from "../../testing.ts";

const SLOT = 1_024;
const CHUNK = 4_096;

/** A machine and a source for whole runs. */
class Place {
  readonly env: SimulatedEnv;
  readonly store: MemoryStore;
  /** Reads under way at a time, at most. */
  mostReading = 0;
  #reading = 0;

  constructor(seed: number, delayMs = 1) {
    this.env = simulatedEnv({ seed });
    const remote = simulatedEnv({ seed, world: this.env.world, name: "remote" });
    this.store = new MemoryStore(remote, { delayMs: () => [delayMs, delayMs] });
  }

  put(name: string, size: number): void {
    this.store.put(`/${name}`, new Uint8Array(size).fill(size % 251), { mtimeMs: 1_000_000 });
  }

  options(plan: Plan, more: Partial<EmbeddedOptions> = {}): EmbeddedOptions {
    const refuse = () => Promise.reject(new Error("no secrets"));
    const memory = intercepted(memoryProtocol(this.store), {
      around: async <T>(call: InterceptedCall, go: () => Promise<T>) => {
        if (call.operation !== "read") return await go();
        this.mostReading = Math.max(this.mostReading, ++this.#reading);
        try {
          return await go();
        } finally {
          this.#reading -= 1;
        }
      },
    });
    return {
      folder: "/state/run",
      runId: "run",
      plan: () => plan,
      protocols: protocolRegistry([memory, fileProtocol()]),
      secrets: { secret: refuse, env: refuse, file: refuse },
      sync: true,
      limits: { slotBytes: SLOT, poolBytes: 8 * SLOT, checkpointBytes: 2 * CHUNK },
      ...more,
    };
  }
}

function transfer(name: string, more: Record<string, unknown> = {}): DeclaredTransfer {
  const source = { uri: `memory:///${name}` };
  return { name, source, destination: { path: `/out/${name}`, createDirectories: true }, ...more };
}

function plan(
  transfers: readonly DeclaredTransfer[],
  execution: Record<string, unknown> = {},
): Plan {
  const made = groupPlan(transfers, {
    execution: { strategy: "parallel", maxConcurrency: 256, ...execution },
  });
  return {
    ...made,
    transfers: made.transfers.map((one) => ({
      ...one,
      template: {
        ...one.template,
        pipeline: { ...one.template.pipeline, chunkBytes: CHUNK, windowBytes: 2 * SLOT },
      },
    })),
  };
}

function leased(embedded: Embedded): number {
  return [...embedded.state.jobs.values()].filter((job) => LEASED_STATES.has(job.state)).length;
}

Deno.test("of 200 jobs at once no more than the slots are leased, and all of them end", async () => {
  const place = new Place(1);
  const names = Array.from({ length: 200 }, (_, n) => `file-${n}`);
  for (const [n, name] of names.entries()) place.put(name, (n * 997) % (3 * CHUNK));
  let most = 0;
  await place.env.world.complete((async () => {
    const limits = { slotBytes: SLOT, poolBytes: 8 * SLOT, agentSlots: 16 };
    const embedded = await startEmbedded(
      place.env,
      place.options(plan(names.map((name) => transfer(name))), { limits }),
    );
    const watch = setWatch(place.env, () => most = Math.max(most, leased(embedded)));
    const run = await embedded.finished;
    watch.stop();
    assert.equal(run.state, "succeeded", run.why);
    for (const job of embedded.state.jobs.values()) {
      assert.deepEqual([job.state, job.attempts], ["succeeded", 1], job.why);
    }
    await embedded.close();
  })());
  assert.equal(most, 16, "the slots are used, and never more");
  assert.equal(place.mostReading, 8, "each read fills a buffer, and the pool has eight");
});

function setWatch(env: SimulatedEnv, look: () => void): { stop: () => void } {
  let timer = env.timers.after(0, tick);
  function tick(): void {
    look();
    timer = env.timers.after(1, tick);
  }
  return { stop: () => timer.cancel() };
}

Deno.test("a job that fails again and again does not keep the others waiting", async () => {
  const place = new Place(2);
  for (const name of ["a", "b", "c"]) place.put(name, CHUNK);
  place.store.setFaults("/a", { failures: [{ operation: "open", times: 2, code: "unreachable" }] });
  await place.env.world.complete((async () => {
    const embedded = await startEmbedded(
      place.env,
      place.options(plan(["a", "b", "c"].map((name) => transfer(name))), {
        limits: { slotBytes: SLOT, agentSlots: 1 },
      }),
    );
    const run = await embedded.finished;
    assert.equal(run.state, "succeeded", run.why);
    const endedMs = (name: string) => embedded.state.jobs.get(run.jobs.get(name)!)!.endedMs!;
    assert.ok(endedMs("b") < endedMs("a") && endedMs("c") < endedMs("a"));
    await embedded.close();
  })());
});

Deno.test("closing in the middle keeps what was moved, and the next start goes on", async () => {
  const place = new Place(3, 5);
  place.put("a", 12 * CHUNK);
  const options = place.options(plan([transfer("a")]));
  const { world } = place.env;
  const first = await world.complete(startEmbedded(place.env, options));
  await world.pass(200);
  const before = world.nowMs;
  await world.complete(first.close());
  assert.ok(world.nowMs - before < 1_000, `closing took ${world.nowMs - before} ms`);
  const second = await world.complete(startEmbedded(place.env, options));
  assert.equal(second.resumed, true);
  const run = await world.complete(second.finished);
  const job = second.state.jobs.get(run.jobs.get("a")!)!;
  assert.equal(job.state, "succeeded", job.why);
  assert.ok(job.receipt!.keptBytes >= CHUNK, "what was moved was kept");
  await world.complete(second.close());
});

Deno.test("pausing stops the bytes, going on fetches the rest, cancelling ends the run", async () => {
  const place = new Place(4, 5);
  place.put("a", 12 * CHUNK);
  place.put("b", 12 * CHUNK);
  const { world } = place.env;
  const transfers = [transfer("a"), transfer("b", { dependsOn: ["a"] })];
  const embedded = await world.complete(startEmbedded(place.env, place.options(plan(transfers))));
  await world.pass(200);
  await world.complete(embedded.intend("pause", "wait"));
  await world.pass(500);
  const job = () => embedded.state.jobs.get("run-1")!;
  assert.equal(job().state, "paused", job().why);
  await world.complete(embedded.intend("run", "go on"));
  await world.pass(100);
  assert.equal(job().state, "assigned");
  await world.complete(embedded.intend("cancel", "enough"));
  const run = await world.complete(embedded.finished);
  assert.deepEqual([run.state, job().state], ["cancelled", "cancelled"]);
  assert.equal(run.jobs.has("b"), false, "nothing was begun after that");
  await world.complete(embedded.close());
});

Deno.test("a second start on the same folder is refused while the first works", async () => {
  const place = new Place(5);
  place.put("a", CHUNK);
  const { world } = place.env;
  const options = place.options(plan([transfer("a")]));
  const first = await world.complete(startEmbedded(place.env, options));
  await assert.rejects(world.complete(startEmbedded(place.env, options)), { code: "locked" });
  await world.complete(first.finished);
  await world.complete(first.close());
  const again = await world.complete(startEmbedded(place.env, options));
  assert.equal(again.resumed, false, "a finished run starts anew");
  await world.complete(again.finished);
  await world.complete(again.close());
});

Deno.test("a run that takes longer than its timeout is ended, and says why", async () => {
  const place = new Place(6);
  place.put("a", 3 * CHUNK);
  place.store.setFaults("/a", { stallAtBytes: CHUNK });
  const { world } = place.env;
  const timed = { ...plan([transfer("a")]), timeoutMs: 2_000 };
  const embedded = await world.complete(startEmbedded(place.env, place.options(timed)));
  const run = await world.complete(embedded.finished);
  assert.equal(run.state, "failed");
  assert.match(run.why, /timeout of 2000 ms/);
  await world.complete(embedded.close());
});

Deno.test("a log that cannot be written ends the run with an error instead of a guess", async () => {
  const place = new Place(7, 5);
  place.put("a", 12 * CHUNK);
  const { world } = place.env;
  const embedded = await world.complete(
    startEmbedded(place.env, place.options(plan([transfer("a")]))),
  );
  await world.pass(100);
  place.env.machine.faults.syncErrorRate = 1;
  await assert.rejects(world.complete(embedded.finished), { code: "lost" });
});

Deno.test("followers are told every change of state, in order, and progress", async () => {
  const place = new Place(8, 20);
  place.put("a", 12 * CHUNK);
  const { world } = place.env;
  const seen: string[] = [];
  let told: { received: readonly { tag: string; body: unknown }[] } = { received: [] };
  const embedded = await world.complete(startEmbedded(
    place.env,
    place.options(plan([transfer("a")]), {
      feed: (node) => {
        const follower = probe(node, JobFeed, { name: "follower" });
        told = follower;
        return follower.ref;
      },
    }),
  ));
  await world.complete(embedded.finished);
  await world.pass(10);
  for (const { tag, body } of told.received) {
    if (tag !== "changed") continue;
    for (const job of (body as { jobs: { state: string }[] }).jobs) seen.push(job.state);
  }
  assert.deepEqual(seen, ["assigned", "running", "publishing", "succeeded"]);
  assert.ok(told.received.some(({ tag }) => tag === "progress"));
  await world.complete(embedded.close());
});

Deno.test("a transfer that its plan cannot resolve fails, and its run ends", async () => {
  const place = new Place(31);
  place.put("good", 10);
  const made = plan([transfer("bad"), transfer("good")], { continueOnError: true });
  const [first, ...rest] = made.transfers;
  const checksum = { algorithm: "sha256", valueHex: ["zz"], required: true } as const;
  const { template } = first!;
  const bad = { ...template, validation: { ...template.validation, checksum } };
  const broken = { ...made, transfers: [{ ...first!, template: bad }, ...rest] };
  const embedded = await place.env.world.complete(startEmbedded(place.env, place.options(broken)));
  const run = await place.env.world.complete(embedded.finished);
  assert.equal(run.state, "failed");
  assert.match(run.skipped.get("bad")?.why ?? "", /checksum "zz"/);
  assert.equal(embedded.state.jobs.get(run.jobs.get("good")!)?.state, "succeeded");
  await place.env.world.complete(embedded.close());
});
