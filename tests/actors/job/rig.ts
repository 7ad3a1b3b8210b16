/**
 * One job on a simulated machine, attempt by attempt: the source is a memory store, the destination
 * another one or the machine's disk, and every event goes through `apply`.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { apply } from "../../../actors/controller/apply.ts";
import type { Command } from "../../../actors/controller/commands.ts";
import { INITIAL_STATE, type State } from "../../../actors/controller/state.ts";
import { runAttempt } from "../../../actors/job/attempt.ts";
import { BufferPool } from "../../../actors/job/buffers.ts";
import { checkpointStore } from "../../../actors/job/checkpoint.ts";
import type { Reveal } from "../../../actors/job/ends.ts";
import { Meter } from "../../../actors/job/meter.ts";
import type { Job } from "../../../actors/job/record.ts";
import type { AttemptTools } from "../../../actors/job/tools.ts";
import { ACTOR_LIMITS } from "../../../actors/limits.ts";
import type { TransferProtocol } from "../../../protocols/contract.ts";
import { fileProtocol } from "../../../protocols/file/protocol.ts";
import { memoryProtocol } from "../../../protocols/memory/protocol.ts";
import { MemoryStore, type MemoryStoreOptions } from "../../../protocols/memory/store.ts";
import { protocolRegistry } from "../../../protocols/registry.ts";
import { intercepted, type InterceptedCall } from "../../../protocols/wrappers/intercept.ts";
import { limitValues } from "../../../runtime/base/limits.ts";
import { type SimulatedEnv, simulatedEnv } from "../../../runtime/sim/env.ts";
import type { SimFaults } from "../../../runtime/sim/machine.ts";
import type { TransferSpec } from "../../../workflows/spec.ts";
import { groupPlan } from "../plans.ts";

export const SLOT = 1_024;
export const CHUNK = 4_096;

/** What a rig may be told. */
export interface RigOptions {
  readonly seed?: number;
  /** `same`: the store that is the source, which copies by itself if it declares that. */
  readonly to?: "file" | "memory" | "same";
  readonly spec?: (spec: TransferSpec) => TransferSpec;
  readonly store?: MemoryStoreOptions;
  readonly sink?: MemoryStoreOptions;
  readonly limits?: Partial<Record<keyof typeof ACTOR_LIMITS, number>>;
  readonly faults?: Partial<SimFaults>;
  readonly reveal?: Reveal;
  /** Replicates checkpoints. */
  readonly replicate?: boolean;
  /** Called before every call of a protocol; what it throws is what the call fails with. */
  readonly before?: (call: InterceptedCall, rig: Rig) => void;
  readonly after?: (call: InterceptedCall, rig: Rig) => void;
}

/** See above. */
export class Rig {
  readonly source: MemoryStore;
  readonly sink: MemoryStore;
  readonly options: RigOptions;
  env: SimulatedEnv;
  tools: AttemptTools;
  state: State = INITIAL_STATE;
  meter: Meter;
  fetched = 0;
  /** Ranges that were opened. */
  readonly opened: string[] = [];
  abort = new AbortController();
  #index = 0;

  constructor(options: RigOptions = {}) {
    this.options = options;
    const { seed = 1, faults = {} } = options;
    this.env = simulatedEnv({ seed, ...faults });
    const { world } = this.env;
    this.source = new MemoryStore(simulatedEnv({ seed, world, name: "from" }), {
      delayMs: () => [1, 1],
      ...options.store,
    });
    this.sink = options.to === "same"
      ? this.source
      : new MemoryStore(simulatedEnv({ seed, world, name: "to" }), {
        delayMs: () => [1, 1],
        ...options.sink,
      });
    this.tools = this.#tools();
    this.meter = new Meter(this.env.clock);
    this.#submit();
  }

  get job(): Job {
    return this.state.jobs.get("run-1")!;
  }

  get spec(): TransferSpec {
    return this.job.spec;
  }

  /** A source file of that many bytes, different everywhere. */
  put(size: number, salt = 0): Uint8Array {
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size; at++) bytes[at] = (at * 31 + (at >> 8) * 17 + salt) & 0xff;
    this.source.put("/from", bytes, { mtimeMs: 1_000_000_000_000 + salt });
    return bytes;
  }

  command(command: Command): readonly string[] {
    const applied = apply(
      this.state,
      { version: 1, atMs: this.env.clock.now(), command },
      ++this.#index,
    );
    this.state = applied.state;
    return applied.refused;
  }

  /** The lease is over, and nobody knows whether its holder is. */
  lose(): void {
    const event = { type: "lose", why: "silent" } as const;
    assert.deepEqual(this.command({ type: "jobEvent", jobId: "run-1", event }), []);
  }

  /** Assigns the job and carries one attempt out to its end. */
  async attempt(tools = this.tools): Promise<Job> {
    const { abort } = this;
    this.command({ type: "assignJobs", assignments: [{ jobId: "run-1", agent: "local" }] });
    const { job } = this;
    assert.equal(job.state, "assigned", job.why);
    this.meter = new Meter(this.env.clock);
    this.fetched = 0;
    this.opened.length = 0;
    const event = await this.env.world.complete(
      runAttempt(tools, job, job.lease!, this.meter, abort.signal),
    );
    if (event.type === "assign") throw new TypeError("an attempt does not assign");
    assert.deepEqual(this.command({ type: "jobEvent", jobId: job.id, event }), []);
    assert.equal(tools.buffers.lent, 0, "every buffer came back");
    return this.job;
  }

  /** Starts an attempt and lets the process die after `ms`; the lease goes back. */
  async crash(ms: number, kind: "process" | "power" = "process"): Promise<void> {
    this.command({ type: "assignJobs", assignments: [{ jobId: "run-1", agent: "local" }] });
    const { job } = this;
    void runAttempt(this.tools, job, job.lease!, this.meter, this.abort.signal);
    await this.env.world.pass(ms);
    this.env.crash(kind);
    this.#rise();
  }

  /** The next process, after the last one has died. */
  #rise(): void {
    this.env = this.env.restart();
    this.tools = this.#tools();
    this.command({ type: "releaseAgent", agent: "local", why: "its process ended" });
  }

  /** What stands at the destination, or at a name beside it. */
  async published(name = "to"): Promise<Uint8Array | null> {
    if (this.#isInMemory) return this.sink.get(`/out/${name}`);
    const { disk } = this.env;
    return await this.env.world.complete((async () => {
      const path = `/out/${name}`;
      if (await disk.stat(path) === null) return null;
      const file = await disk.open(path, { read: true });
      const bytes = new Uint8Array((await file.stat()).size);
      await file.read(bytes, 0);
      await file.close();
      return bytes;
    })());
  }

  /** Names of the temporary files that are there. */
  async temporaries(): Promise<string[]> {
    if (this.#isInMemory) {
      return [...this.sink.uploads.keys()].map((path) => path.slice(path.lastIndexOf("/") + 1));
    }
    const { disk } = this.env;
    if (await this.env.world.complete(disk.stat("/out")) === null) return [];
    const entries = await this.env.world.complete(disk.readDirectory("/out"));
    return entries.map(({ name }) => name).filter((name) => name.startsWith(".quorus-"));
  }

  /** Writes a file of the destination's machine, durably. */
  async place(path: string, bytes: Uint8Array, mtimeMs?: number): Promise<void> {
    if (this.#isInMemory) {
      return this.sink.put(path, bytes, mtimeMs === undefined ? {} : { mtimeMs });
    }
    const { disk } = this.env;
    await this.env.world.complete((async () => {
      await disk.makeDirectory("/out", { recursive: true });
      const file = await disk.open(path, { write: true, create: true, truncate: true });
      await file.write(bytes, 0);
      if (mtimeMs !== undefined) await file.setMtime(mtimeMs);
      await file.sync();
      await file.close();
      await disk.syncDirectory("/out");
      await disk.syncDirectory("/");
    })());
  }

  /** The tools of another agent: with checkpoints of its own, on this machine unless told. */
  otherTools(env = this.env): AttemptTools {
    return { ...this.#tools(env), checkpoints: checkpointStore(() => env.kv.open("/other.kv")) };
  }

  #tools(env = this.env): AttemptTools {
    const limits = limitValues(ACTOR_LIMITS, {
      slotBytes: SLOT,
      poolBytes: 16 * SLOT,
      checkpointBytes: 2 * CHUNK,
      chunksAhead: 4,
      ...this.options.limits,
    });
    const sinks = this.options.to === "same"
      ? []
      : [this.options.to === "memory" ? this.#renamed() : fileProtocol()];
    return {
      env,
      protocols: protocolRegistry([
        this.#watched(memoryProtocol(this.source)),
        ...sinks.map((sink) => this.#watched(sink)),
      ]),
      reveal: this.options.reveal ?? (() => Promise.reject(new Error("no secrets here"))),
      propose: async (command) => {
        await new Promise<void>((resolve) => env.timers.after(2, resolve));
        return this.command(command);
      },
      checkpoints: checkpointStore(() => env.kv.open("/state.kv")),
      buffers: new BufferPool(limits.slotBytes, limits.poolBytes),
      limits,
      sync: true,
      replication: this.options.replicate === true
        ? { isShared: () => true, take: () => true }
        : null,
    };
  }

  get #isInMemory(): boolean {
    return this.options.to === "memory" || this.options.to === "same";
  }

  /** The second store under a scheme of its own. */
  #renamed(): TransferProtocol {
    const inner = memoryProtocol(this.sink);
    return {
      name: "sink",
      schemes: ["sink"],
      sink: (endpoint, context) =>
        inner.sink!({ ...endpoint, uri: endpoint.uri.replace("sink:", "memory:") }, context),
    };
  }

  #watched(protocol: TransferProtocol): TransferProtocol {
    return intercepted(protocol, {
      around: async <T>(call: InterceptedCall, go: () => Promise<T>) => {
        this.options.before?.(call, this);
        if (call.side === "source" && call.operation === "open") this.opened.push(call.uri);
        const result = await go();
        if (call.side === "source" && call.operation === "read") this.fetched += Number(result);
        this.options.after?.(call, this);
        return result;
      },
    });
  }

  #submit(): void {
    const plan = groupPlan([{
      name: "one",
      source: { uri: "memory:///from" },
      destination: { path: "/out/to" },
    }]);
    this.command({ type: "createRun", runId: "run", tenant: "acme", plan });
    const spec = this.options.spec?.(plainSpec(this.options.to)) ?? plainSpec(this.options.to);
    this.command({
      type: "submitJobs",
      runId: "run",
      jobs: [{ jobId: "run-1", spec }],
      skipped: [],
    });
  }
}

const PLACES = { file: "file:///out/to", memory: "sink:///out/to", same: "memory:///out/to" };

export function plainSpec(to: "file" | "memory" | "same" = "file"): TransferSpec {
  return {
    name: "one",
    source: {
      uri: "memory:///from",
      headers: {},
      auth: null,
      timeoutMs: null,
      tls: null,
      options: {},
    },
    destination: {
      uri: PLACES[to],
      createDirectories: true,
      permissions: null,
      conflict: "overwrite",
      preserveMtime: false,
      root: null,
    },
    validation: { minBytes: null, maxBytes: null, checksum: null, level: "none" },
    retry: {
      maxAttempts: 3,
      backoff: "exponential",
      initialDelayMs: 100,
      maxDelayMs: 1_000,
      multiplier: 2,
    },
    pipeline: { chunkBytes: CHUNK, windowBytes: 4 * SLOT, parallelRanges: 1, hash: true },
    timeoutMs: null,
  };
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** A copy of a spec with some parts replaced, one level deep. */
export function withParts(
  parts: { readonly [K in keyof TransferSpec]?: Partial<TransferSpec[K]> },
): (spec: TransferSpec) => TransferSpec {
  return (spec) => {
    const changed: Record<string, unknown> = { ...spec };
    for (const [key, part] of Object.entries(parts)) {
      const before = spec[key as keyof TransferSpec];
      changed[key] = typeof part === "object" && part !== null
        ? { ...before as object, ...part }
        : part;
    }
    return changed as unknown as TransferSpec;
  };
}
