/**
 * A whole embedded run on a simulated machine, crashed and started again until it has finished.
 *
 * The source is a store that outlives the machine; the destination is the machine's own disk through
 * the file protocol. Everything follows from the seed.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { startEmbedded } from "../../actors/embedded.ts";
import { openLocalGroup } from "../../actors/controller/local_group.ts";
import type { Run, State } from "../../actors/controller/state.ts";
import type { Job } from "../../actors/job/record.ts";
import { fileProtocol } from "../../protocols/file/protocol.ts";
import { memoryProtocol, memoryUriOf } from "../../protocols/memory/protocol.ts";
import { MemoryStore } from "../../protocols/memory/store.ts";
import { protocolRegistry } from "../../protocols/registry.ts";
import { intercepted } from "../../protocols/wrappers/intercept.ts";
import { type CrashKind, type SimulatedEnv, simulatedEnv } from "../../runtime/sim/env.ts";
import type { SeededRandom } from "../../runtime/sim/random.ts";
import { openJournal } from "../../runtime/store/journal.ts";
import type { Plan } from "../../workflows/plan.ts";
import { type DeclaredTransfer, groupPlan } from "../actors/plans.ts";
import { observedEnv, type Sabotage } from "./crash_points.ts";
import { bytesOf, fileAt, FinalNames, pathsBelow, same, type WatchedName } from "./final_names.ts";
import { checkLog } from "./log_oracle.ts";
import { ObservedWorld } from "./observed_world.ts";

const SLOT = 1_024;
const CHUNK = 4_096;
const WINDOW = 2 * SLOT;
const INTERVAL = 2 * CHUNK;
const LIMITS = {
  slotBytes: SLOT,
  poolBytes: 8 * SLOT,
  checkpointBytes: INTERVAL,
  chunksAhead: 2,
  progressMs: 50,
};
const MOST_LIVES = 8;
const OLD = new TextEncoder().encode("what stood here before");

/** One transfer of a scenario, as the oracle knows it. */
interface Expected {
  readonly name: string;
  readonly source: string;
  readonly bytes: Uint8Array;
  readonly destination: string;
  /** Where it is to be found in the end, and what stood at the destination before. */
  readonly final: string;
  readonly before: Uint8Array | null;
  readonly conflict: string;
  readonly ranges: number;
  readonly sourceFaults: number;
  readonly missing: boolean;
  readonly dependsOn: readonly string[];
  readonly condition: string | null;
}

/** How a scenario is run. */
export interface ScenarioOptions {
  readonly seed: number;
  readonly crashes?: number;
  readonly kinds?: readonly CrashKind[];
  readonly sabotage?: (scenario: Scenario) => Sabotage;
  /** Called between two lives. */
  readonly meanwhile?: (scenario: Scenario) => void;
}

/** What a scenario came to. */
export interface ScenarioResult {
  readonly lives: number;
  readonly crashes: number;
  readonly calls: number;
  readonly traceHash: string;
  readonly resumed: number;
  readonly recovered: number;
  readonly keptBytes: number;
  readonly refetchedBytes: number;
  readonly publishedAgain: number;
  readonly unknown: number;
  readonly outcome: Run["state"];
}

/** The scenario has made a plan already. */
class PlannedBefore extends Error {}

/** One run with its machine, its source and its oracles. */
export class Scenario {
  readonly options: ScenarioOptions;
  readonly world: ObservedWorld;
  readonly machine: SimulatedEnv["machine"];
  readonly transfers: readonly Expected[];
  readonly store: MemoryStore;
  readonly names: FinalNames;
  /** Bytes read from each source path, over all lives. */
  readonly fetched = new Map<string, number>();
  /** Jobs that wait for somebody's decision. */
  unknown = 0;
  readonly #random: SeededRandom;
  #env: SimulatedEnv;
  #calls = 0;
  #crashAt = Infinity;
  #kind: CrashKind = "process";
  #crashed = Promise.withResolvers<"crashed">();
  #crashes = 0;
  #powerLosses = 0;
  #planned = false;
  #planLost = false;

  constructor(options: ScenarioOptions) {
    this.options = options;
    const { seed } = options;
    this.world = new ObservedWorld(seed);
    this.#random = this.world.random.stream("scenario");
    const remote = simulatedEnv({ seed, world: this.world, name: "remote" });
    const pace = this.#random.integer(1, 4);
    const delays = this.world.random.stream("delays");
    this.store = new MemoryStore(remote, {
      delayMs: () => [0.1 + delays.next() * pace, 0.1 + delays.next() * pace],
    });
    this.#env = simulatedEnv({
      seed,
      world: this.world,
      name: "local",
      tornWrites: seed % 2 === 0,
    });
    this.machine = this.#env.machine;
    this.transfers = declared(this.#random);
    this.names = new FinalNames(this.machine, this.transfers.flatMap(watched));
  }

  /** Lives until the run has finished, then checks what is left. */
  async run(): Promise<ScenarioResult> {
    await this.world.complete(this.#furnish());
    this.world.look = () => this.names.check();
    const most = this.options.crashes ?? 3;
    for (let life = 1; life <= MOST_LIVES; life++) {
      this.#crashAt = this.#crashes < most ? this.#calls + this.#random.integer(1, 450) : Infinity;
      this.#kind = this.#pick(this.options.kinds ?? ["process", "power"]);
      const ended = await this.#live();
      if (ended !== "crashed") {
        this.#crashAt = Infinity;
        await this.world.complete(checkLog(this.#env, ended.epoch));
        return this.#finalChecks(ended, life);
      }
      this.options.meanwhile?.(this);
      this.#env = this.#env.restart();
    }
    throw new Error(`the run did not finish within ${MOST_LIVES} lives`);
  }

  /** Temporary files that are there now. */
  temporaries(): string[] {
    return pathsBelow(this.machine, "/out").filter((path) => path.endsWith(".part"));
  }

  /** What the file of a temporary name is to hold in the end, `null` for other names. */
  rightBytesOf(path: string): Uint8Array | null {
    return this.#transferOf(path)?.bytes ?? null;
  }

  /** A canary: gives an unfinished file its final name. */
  showEarly(path: string): void {
    const one = this.#transferOf(path);
    if (one === undefined || one.bytes.length <= SLOT) return;
    const { parent } = this.machine.tree.walk("look", one.final, false);
    const inode = fileAt(this.machine, path);
    const name = one.final.slice(one.final.lastIndexOf("/") + 1);
    if (parent !== null && inode !== null) {
      this.machine.tree.change([{ directory: parent, name, inode }]);
    }
  }

  #transferOf(path: string): Expected | undefined {
    const index = /\.quorus-run-(\d+)-/.exec(path)?.[1];
    return index === undefined ? undefined : this.transfers[Number(index) - 1];
  }

  async #live(): Promise<State | "crashed"> {
    this.#crashed = Promise.withResolvers();
    const env = observedEnv(this.#env, () => this.#called(), this.options.sabotage?.(this));
    const work = (async () => {
      const embedded = await startEmbedded(env, {
        folder: "/state/run",
        runId: "run",
        plan: () => this.#planOnce(),
        protocols: this.#protocols(),
        secrets: { secret: refuse, env: refuse, file: refuse },
        sync: true,
        limits: LIMITS,
      });
      await embedded.finished;
      await embedded.close();
      return embedded.state;
    })().catch((error) => {
      if (error instanceof PlannedBefore) return this.#stateBefore();
      throw error;
    });
    const ended = await this.world.complete(Promise.race([work, this.#crashed.promise]));
    this.#object();
    return ended;
  }

  /**
   * A second plan is asked for where the crash came before the first was durable, or after the run
   * had ended: then what ended is looked at, since a finished run starts anew.
   */
  #planOnce(): Plan {
    if (this.#planned && !this.#planLost) throw new PlannedBefore();
    this.#planned = true;
    this.#planLost = false;
    return this.#plan();
  }

  async #stateBefore(): Promise<State | "crashed"> {
    this.#crashAt = Infinity;
    const logs = (await this.#env.disk.readDirectory("/state/run"))
      .filter(({ name }) => name.startsWith("log-")).map(({ name }) => Number(name.slice(4)));
    for (const epoch of logs.sort((a, b) => b - a)) {
      const journal = await openJournal(this.#env, `/state/run/log-${epoch}`, {});
      const { state } = await openLocalGroup(this.#env, journal, epoch);
      await journal.close();
      if (state.runs.has("run")) return state;
    }
    this.#planLost = true;
    this.#env.crash("process");
    return "crashed";
  }

  #called(): void {
    this.#calls += 1;
    if (this.#calls !== this.#crashAt) return;
    this.#crashes += 1;
    if (this.#kind === "power") {
      this.#powerLosses += 1;
      this.names.power += 1;
    }
    this.#env.crash(this.#kind);
    this.#crashed.resolve("crashed");
  }

  /** Fails with what the oracle saw first. */
  #object(): void {
    if (this.world.objection !== null) throw this.world.objection;
    this.names.check();
  }

  async #furnish(): Promise<void> {
    const { disk } = this.#env;
    await disk.makeDirectory("/out", { recursive: true });
    await disk.makeDirectory("/state", { recursive: true });
    for (const { source, bytes, missing, sourceFaults, before, destination } of this.transfers) {
      if (!missing) this.store.put(source, bytes, { mtimeMs: 1_000_000_000_000 });
      if (sourceFaults > 0) {
        this.store.setFaults(source, {
          failures: [{ operation: "read", times: sourceFaults, code: "unreachable" }],
        });
      }
      if (before === null) continue;
      const file = await disk.open(destination, { write: true, create: true });
      await file.write(before, 0);
      await file.sync();
      await file.close();
    }
    await disk.syncDirectory("/out");
    await disk.syncDirectory("/");
  }

  #protocols(): ReturnType<typeof protocolRegistry> {
    const counted = intercepted(memoryProtocol(this.store), {
      around: async <T>(call: { operation: string; uri: string }, go: () => Promise<T>) => {
        this.#called();
        const result = await go();
        if (call.operation === "read" && typeof result === "number") {
          this.fetched.set(call.uri, (this.fetched.get(call.uri) ?? 0) + result);
        }
        return result;
      },
    });
    return protocolRegistry([counted, fileProtocol()]);
  }

  #plan(): Plan {
    const transfers = this.transfers.map((one): DeclaredTransfer => ({
      name: one.name,
      source: { uri: memoryUriOf(one.source) },
      destination: { path: one.destination, conflict: one.conflict, createDirectories: true },
      dependsOn: one.dependsOn,
      ...(one.condition === null ? {} : { condition: one.condition }),
    }));
    const strategy = this.#pick(["sequential", "parallel", "mixed"]);
    const plan = groupPlan(transfers, {
      execution: { strategy, maxConcurrency: this.#random.integer(1, 4), continueOnError: true },
    });
    return {
      ...plan,
      transfers: plan.transfers.map((planned, index) => ({
        ...planned,
        template: {
          ...planned.template,
          retry: {
            maxAttempts: 10,
            backoff: "exponential",
            initialDelayMs: 20,
            maxDelayMs: 200,
            multiplier: 2,
          },
          pipeline: {
            ...planned.template.pipeline,
            chunkBytes: CHUNK,
            windowBytes: WINDOW,
            parallelRanges: this.transfers[index]!.ranges,
          },
        },
      })),
    };
  }

  #finalChecks(state: State, lives: number): ScenarioResult {
    const run = state.runs.get("run")!;
    const jobs = this.transfers.map((one) => jobOf(state, run, one.name));
    this.transfers.forEach((one, index) => this.#checkTransfer(one, jobs[index]!, run));
    const excused = jobs.filter((job) => job !== null && this.#mayLeave(job)).map((job) => job!.id);
    const left = this.temporaries()
      .filter((path) => !excused.some((jobId) => path.includes(`-${jobId}-`)));
    assert.deepEqual(left, [], "temporary files were left behind");
    const bad = this.unknown > 0 || this.transfers.some((one) => one.missing);
    const expected = bad ? "failed" : "succeeded";
    assert.equal(run.state, expected, run.why);
    const receipts = jobs.flatMap((job) => job?.receipt ?? []);
    return {
      lives,
      crashes: this.#crashes,
      calls: this.#calls,
      traceHash: this.world.traceHash(),
      resumed: receipts.filter((one) => one.keptBytes > 0).length,
      recovered: receipts.filter((one) => one.outcome === "recovered").length,
      keptBytes: receipts.reduce((sum, one) => sum + one.keptBytes, 0),
      refetchedBytes: this.transfers.reduce((sum, one) => sum + this.#refetched(one), 0),
      publishedAgain: [...this.names.published.values()].filter((one) => one.size > 1).length,
      unknown: this.unknown,
      outcome: run.state,
    };
  }

  /** A job that waits for a decision keeps its files. */
  #mayLeave({ state }: Job): boolean {
    return state === "unknown";
  }

  #checkTransfer(one: Expected, job: Job | null, run: Run): void {
    const where = `${one.name}:`;
    if (one.missing || job === null) {
      const blamed = one.missing ? job?.state : run.skipped.get(one.name)?.failed;
      assert.equal(blamed, one.missing ? "failed" : false, `${where} ended as it should`);
      return;
    }
    // The power went between the grant and the rename, before the name of the file was durable.
    if (job.state === "unknown" && this.#powerLosses > 0) return void this.unknown++;
    assert.equal(job.state, "succeeded", `${where} ${job.why}`);
    const inode = fileAt(this.machine, one.final);
    assert.ok(inode !== null && same(bytesOf(inode), one.bytes), `${where} has the right bytes`);
    this.#checkReceipt(one, job);
    if (this.#powerLosses === 0) {
      const published = this.names.published.get(one.final)?.size ?? 0;
      assert.ok(published <= 1, `${where} was published ${published} times`);
    }
    const bound = (this.#crashes + one.sourceFaults) *
        (WINDOW + INTERVAL + CHUNK + (one.ranges > 1 ? AHEAD : 0)) +
      (one.ranges > 1 ? job.attempts * SLOT : 0);
    const refetched = this.#refetched(one);
    assert.ok(refetched <= bound, `${where} ${refetched} bytes were fetched again, over ${bound}`);
  }

  #checkReceipt(one: Expected, job: Job): void {
    const { receipt } = job;
    assert.ok(receipt !== null, "a job that succeeded has a receipt");
    assert.equal(receipt.bytes, one.bytes.length);
    assert.equal(receipt.sha256, createHash("sha256").update(one.bytes).digest("hex"));
    assert.equal(receipt.name, one.final.slice(one.final.lastIndexOf("/") + 1));
    assert.equal(receipt.attempts, job.attempts);
    if (receipt.outcome === "published") {
      assert.equal(receipt.fetchedBytes + receipt.keptBytes, one.bytes.length, "bytes add up");
    }
  }

  #refetched(one: Expected): number {
    const fetched = this.fetched.get(memoryUriOf(one.source)) ?? 0;
    return Math.max(0, fetched - one.bytes.length);
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#random.integer(0, from.length - 1)]!;
  }
}

/** Parallel ranges: chunks beyond the contiguous prefix are not kept, and the first buffer is let go. */
const AHEAD = (LIMITS.chunksAhead + 1) * CHUNK;

function declared(random: SeededRandom): Expected[] {
  const bytes = () => random.bytes(size(random));
  const base = {
    before: null,
    conflict: "overwrite",
    ranges: 1,
    sourceFaults: 0,
    missing: false,
    dependsOn: [] as string[],
    condition: null as string | null,
  };
  const at = (name: string, destination = `/out/${name}.bin`) => ({
    ...base,
    name,
    source: `/src/${name}`,
    bytes: bytes(),
    destination,
    final: destination,
  });
  const transfers: Expected[] = [
    { ...at("alpha"), before: random.chance(0.5) ? OLD : null, sourceFaults: random.integer(0, 2) },
    { ...at("beta"), conflict: "fail", dependsOn: ["alpha"] },
    { ...at("gamma"), conflict: "rename", before: OLD, final: "/out/gamma (1).bin" },
    {
      ...at("delta", "/out/deep/er/delta.bin"),
      ranges: 3,
      condition: "${alpha.success}",
      dependsOn: ["alpha"],
    },
  ];
  if (random.chance(0.3)) {
    transfers.push({ ...at("missing"), missing: true });
    transfers.push({ ...at("orphan"), dependsOn: ["missing"] });
  }
  return transfers;
}

/** Sizes at and around every boundary of the pipeline, and others. */
function size(random: SeededRandom): number {
  const edges = [0, 1, SLOT, CHUNK, 2 * CHUNK, 5 * CHUNK];
  if (random.chance(0.5)) return random.integer(0, 24 * CHUNK);
  return Math.max(0, edges[random.integer(0, edges.length - 1)]! + random.integer(-1, 1));
}

function watched(one: Expected): WatchedName[] {
  const right = one.missing || one.dependsOn.includes("missing") ? null : one.bytes;
  if (one.final === one.destination) return [{ path: one.final, before: one.before, right }];
  return [
    { path: one.destination, before: one.before, right: null },
    { path: one.final, before: null, right },
  ];
}

function jobOf(state: State, run: Run, name: string): Job | null {
  const jobId = run.jobs.get(name);
  return jobId === undefined ? null : state.jobs.get(jobId) ?? null;
}

function refuse(name: string): Promise<string> {
  return Promise.reject(new Error(`no secret ${name}`));
}
