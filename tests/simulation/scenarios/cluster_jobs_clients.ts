/** Somebody who submits runs through a gateway, and now and then pauses or cancels one. */

import {
  Desk,
  DESK_PATH,
  type Principal,
  type WriteRequest,
  type Written,
} from "../../../actors/desk/messages.ts";
import type { SeededRandom } from "../../../runtime/sim/random.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import type { Plan } from "../../../workflows/plan.ts";
import { groupPlan } from "../../actors/plans.ts";
import { CONTROLLERS, type Machines } from "./cluster_jobs_machines.ts";
import { pick } from "./remote_mesh.ts";

const ADMIN: Principal = { keyId: "admin", scope: "admin", tenants: null };
const TRY_MS = 3_000;
const PAUSE_MS = 200;
const CHUNK = 4_096;
const MOST_BYTES = 40_000;

/** A file that a run is to bring somewhere. */
export interface WantedFile {
  readonly from: string;
  readonly to: string;
  readonly bytes: Uint8Array;
}

/** A run that was submitted. */
export interface WantedRun {
  readonly id: string;
  readonly files: readonly WantedFile[];
  readonly plan: Plan;
  /** The cluster has said that it has it. */
  isAccepted: boolean;
  /** Somebody wanted it to end before it was done. */
  isCancelled: boolean;
}

/** See the head of this file. */
export class Clients {
  readonly runs: WantedRun[] = [];
  readonly #sim: Simulation;
  readonly #machines: Machines;
  readonly #random: SeededRandom;
  readonly #wishes: Promise<unknown>[] = [];
  #keys = 0;

  constructor(sim: Simulation, machines: Machines) {
    this.#sim = sim;
    this.#machines = machines;
    this.#random = sim.random("clients");
  }

  /** Submits runs until the faults are over. */
  work(): void {
    const random = this.#random;
    const next = (): void => {
      if (this.#sim.isOver) return;
      const run = this.#draw();
      this.#wishes.push(this.#submit(run));
      if (random.chance(0.2)) this.#meddleLater(run);
      this.#sim.world.schedule(500 + random.next() * 6_000, "fault a client submits", next);
    };
    this.#sim.world.schedule(100, "fault a client submits", next);
  }

  /** Resolves when everything that was asked for while faults lasted has an answer. */
  async answered(): Promise<void> {
    await Promise.all(this.#wishes);
  }

  /** Asks until it is answered, as a gateway does: the same key each time. */
  async ask(request: WriteRequest): Promise<Written> {
    const key = `k${this.#keys += 1}`;
    for (let turn = 0;; turn++) {
      const written = await this.#try(CONTROLLERS[turn % CONTROLLERS.length]!, key, request);
      if (written !== null && (written.ok || !isPassing(written.code))) return written;
      await new Promise<void>((resolve) =>
        void this.#sim.world.schedule(PAUSE_MS, "fault a client asks again", resolve)
      );
    }
  }

  /** In a turn of the gateway's own process; null where nobody has answered. */
  #try(controller: string, key: string, request: WriteRequest): Promise<Written | null> {
    const node = this.#machines.door;
    if (node === null) return Promise.resolve(null);
    return new Promise((resolve) => {
      // A process that dies with the question never answers.
      this.#sim.world.schedule(2 * TRY_MS, "fault a client gives up", () => resolve(null));
      node.env.timers.soon(() => {
        const desk = node.ref(Desk, `quorus://${controller}/${DESK_PATH}`);
        const ask = desk.ask("write", { key, principal: ADMIN, request }, { withinMs: TRY_MS });
        ask.then(resolve, () => resolve(null));
      });
    });
  }

  #draw(): WantedRun {
    const random = this.#random;
    const id = `r${this.runs.length + 1}`;
    const files = Array.from({ length: random.integer(1, 4) }, (_, n): WantedFile => {
      const size = random.chance(0.3) ? random.integer(0, 500) : random.integer(0, MOST_BYTES);
      const bytes = new Uint8Array(size).map(() => random.integer(0, 255));
      return { from: `/in/${id}-${n}`, to: `/out/${id}-${n}`, bytes };
    });
    for (const { from, bytes } of files) this.#machines.store.put(from, bytes);
    const conflict = pick(random, ["overwrite", "fail"]);
    const plan = groupPlan(
      files.map(({ from, to }, n) => ({
        name: `t${n}`,
        source: { uri: `memory://${from}` },
        destination: { uri: `memory://${to}`, conflict },
      })),
      { execution: { strategy: "parallel" } },
    );
    const run = { id, files, plan: inSmallChunks(plan), isAccepted: false, isCancelled: false };
    this.runs.push(run);
    return run;
  }

  async #submit(run: WantedRun): Promise<void> {
    const written = await this.ask({ type: "submit", runId: run.id, plan: run.plan });
    this.#sim.check("a run is taken once it is asked for", written.ok, JSON.stringify(written));
    run.isAccepted = true;
  }

  #meddleLater(run: WantedRun): void {
    const random = this.#random;
    const intent = pick(random, ["pause", "cancel"] as const);
    this.#sim.world.schedule(random.next() * 8_000, "fault a client meddles", () => {
      if (!run.isAccepted || this.#sim.isOver) return;
      if (intent === "cancel") run.isCancelled = true;
      this.#sim.sometimes("a run is cancelled", intent === "cancel");
      this.#sim.sometimes("a run is paused", intent === "pause");
      const why = "a client wants it";
      this.#wishes.push(this.ask({ type: "intendRun", runId: run.id, intent, why }));
    });
  }
}

/** Nobody could tell, or nobody was there: worth another try under the same key. */
function isPassing(code: string): boolean {
  return code === "noQuorum" || code === "unknownOutcome" || code === "tooMany";
}

/** The language knows no chunks of a few kilobytes, and patience is short in a simulation. */
function inSmallChunks(plan: Plan): Plan {
  const pipeline = { chunkBytes: CHUNK, windowBytes: 2 * 1_024, parallelRanges: 1, hash: true };
  const retry = {
    maxAttempts: 50,
    backoff: "exponential",
    initialDelayMs: 50,
    maxDelayMs: 1_000,
    multiplier: 2,
  } as const;
  const transfers = plan.transfers.map((planned) => ({
    ...planned,
    template: { ...planned.template, pipeline, retry },
  }));
  return { ...plan, transfers };
}
