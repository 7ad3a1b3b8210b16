/** A source and a destination in memory, and embedded runs of one set between them. */

import { type Embedded, type EmbeddedOptions, startEmbedded } from "../../../actors/embedded.ts";
import type { Run } from "../../../actors/controller/state.ts";
import type { Job } from "../../../actors/job/record.ts";
import { fileProtocol } from "../../../protocols/file/protocol.ts";
import { memoryProtocol } from "../../../protocols/memory/protocol.ts";
import { MemoryStore, type MemoryStoreOptions } from "../../../protocols/memory/store.ts";
import { protocolRegistry } from "../../../protocols/registry.ts";
import { type SimulatedEnv, simulatedEnv } from "../../../runtime/sim/env.ts";
import type { Plan } from "../../../workflows/plan.ts";
import { groupPlan } from "../plans.ts";

/** What a test says of its set, beside the two places. */
export interface SetDeclaration {
  readonly from?: string;
  readonly to?: string;
  readonly source?: Readonly<Record<string, unknown>>;
  readonly destination?: Readonly<Record<string, unknown>>;
  readonly [more: string]: unknown;
}

export function planOf(declared: SetDeclaration): Plan {
  const { from = "memory:///in/", to = "memory:///out/", source, destination, ...more } = declared;
  return groupPlan([{
    name: "set",
    source: { uri: from, ...source },
    destination: { uri: to, ...destination },
    ...more,
  }]);
}

export class SetPlace {
  readonly env: SimulatedEnv;
  readonly store: MemoryStore;

  constructor(seed = 1, options: MemoryStoreOptions = {}) {
    this.env = simulatedEnv({ seed });
    const remote = simulatedEnv({ seed, world: this.env.world, name: "remote" });
    this.store = new MemoryStore(remote, { delayMs: () => [1, 1], ...options });
  }

  /** A file of the source that is `ageMs` old. */
  put(path: string, text: string, ageMs = 100_000): void {
    const mtimeMs = this.env.clock.now() - ageMs;
    this.store.put(`/in/${path}`, new TextEncoder().encode(text), { mtimeMs });
  }

  /** Texts below a directory of the store, by their paths. */
  below(directory: string): Record<string, string> {
    const found: Record<string, string> = {};
    for (const [path, { bytes }] of this.store.files) {
      if (path.startsWith(directory)) {
        found[path.slice(directory.length)] = new TextDecoder().decode(bytes);
      }
    }
    return found;
  }

  get out(): Record<string, string> {
    return this.below("/out/");
  }

  /** How often each path of the destination was published. */
  published(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { operation, to } of this.store.history) {
      if (operation === "publish" && to !== null) counts[to] = (counts[to] ?? 0) + 1;
    }
    return counts;
  }

  options(plan: Plan, more: Partial<EmbeddedOptions> = {}): EmbeddedOptions {
    const refuse = () => Promise.reject(new Error("no secrets"));
    return {
      folder: "/state/run",
      runId: "run",
      plan: () => plan,
      protocols: protocolRegistry([memoryProtocol(this.store), fileProtocol()]),
      secrets: { secret: refuse, env: refuse, file: refuse },
      sync: true,
      ...more,
    };
  }

  start(declared: SetDeclaration, more: Partial<EmbeddedOptions> = {}): Promise<Embedded> {
    return this.env.world.complete(
      startEmbedded(this.env, this.options(planOf(declared), more)),
    );
  }

  /** One whole run; its job as it ended. */
  async run(
    declared: SetDeclaration,
    more: Partial<EmbeddedOptions> = {},
  ): Promise<{ run: Run; job: Job }> {
    const { world } = this.env;
    const embedded = await this.start(declared, more);
    const run = await world.complete(embedded.finished);
    const job = embedded.state.jobs.get("run-1")!;
    await world.complete(embedded.close());
    return { run, job };
  }
}
