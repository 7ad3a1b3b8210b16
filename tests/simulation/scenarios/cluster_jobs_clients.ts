/** People who submit runs, pause, resume and cancel them, and whose files change meanwhile. */

import type { Written } from "../../../actors/desk/messages.ts";
import type { SeededRandom } from "../../../runtime/sim/random.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import type { Plan } from "../../../workflows/plan.ts";
import type { SchedulingSpec } from "../../../workflows/spec.ts";
import { groupPlan } from "../../actors/plans.ts";
import type { Door } from "./cluster_jobs_door.ts";
import { AGENTS, GATEWAYS, type Machines } from "./cluster_jobs_machines.ts";
import { pick } from "./remote_mesh.ts";

const CHUNK = 4_096;
const MOST_BYTES = 40_000;

/** Tenants that submit; the second one may be bounded. */
export const TENANTS = ["acme", "beta"];

/** A file that a run is to bring somewhere. */
export interface WantedFile {
  readonly from: string;
  readonly to: string;
  /** What the source has been; any of it is right. */
  readonly versions: Uint8Array[];
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
  readonly #door: Door;
  readonly #random: SeededRandom;
  readonly #wishing: SeededRandom;
  readonly #wishes: Promise<unknown>[] = [];

  constructor(sim: Simulation, machines: Machines, door: Door) {
    this.#sim = sim;
    this.#machines = machines;
    this.#door = door;
    this.#random = sim.random("clients");
    this.#wishing = sim.random("places");
  }

  /** Submits runs until the faults are over. */
  work(): void {
    const random = this.#random;
    const next = (): void => {
      if (this.#sim.isOver) return;
      const run = this.#draw();
      this.#wishes.push(this.#submit(run));
      if (random.chance(0.25)) this.#meddleLater(run);
      if (random.chance(0.1)) this.#changeLater(run);
      if (random.chance(0.1)) this.#cancelAtTheEnd(run);
      this.#sim.world.schedule(500 + random.next() * 6_000, "fault a client submits", next);
    };
    this.#sim.world.schedule(100, "fault a client submits", next);
  }

  /** Resolves when everything that was asked for while faults lasted has an answer. */
  async answered(): Promise<void> {
    await Promise.all(this.#wishes);
  }

  /** What they have paused, they let go on. */
  async resume(): Promise<void> {
    for (const { id: runId, isAccepted, isCancelled } of this.runs) {
      if (!isAccepted || isCancelled) continue;
      await this.#door.write({ type: "intendRun", runId, intent: "run", why: "it is over" });
    }
  }

  #draw(): WantedRun {
    const random = this.#random;
    const id = `r${this.runs.length + 1}`;
    const files = Array.from({ length: random.integer(1, 4) }, (_, n): WantedFile => ({
      from: `/in/${id}-${n}`,
      to: `/out/${id}-${n}`,
      versions: [this.#bytes()],
    }));
    for (const { from, versions } of files) this.#machines.store.put(from, versions[0]!);
    const conflict = pick(random, ["overwrite", "fail"]);
    const plan = groupPlan(
      files.map(({ from, to }, n) => ({
        name: `t${n}`,
        source: { uri: `${this.#machines.isParted ? "far" : "memory"}://${from}` },
        destination: { uri: `memory://${to}`, conflict },
      })),
      { execution: { strategy: "parallel" } },
    );
    const tenant = pick(random, TENANTS);
    const run = {
      id,
      files,
      plan: { ...inSmallChunks(plan, this.#bound()), tenant },
      isAccepted: false,
      isCancelled: false,
    };
    this.runs.push(run);
    return run;
  }

  /** Some go to one agent only: whatever it has lost comes to it again. */
  #bound(): SchedulingSpec | null {
    if (!this.#wishing.chance(0.3) || this.#machines.isParted) return null;
    this.#sim.sometimes("a job is bound to an agent");
    return { ...ANYWHERE, agents: [pick(this.#wishing, AGENTS)] };
  }

  #bytes(): Uint8Array {
    const random = this.#random;
    const size = random.chance(0.3) ? random.integer(0, 500) : random.integer(0, MOST_BYTES);
    return new Uint8Array(size).map(() => random.integer(0, 255));
  }

  async #submit({ id: runId, plan }: WantedRun): Promise<void> {
    const run = this.runs.find((one) => one.id === runId)!;
    const key = this.#door.key();
    const doors = this.#random.chance(0.3) ? GATEWAYS : [pick(this.#random, GATEWAYS)];
    const answers = await Promise.all(
      doors.map((gateway) => this.#door.write({ type: "submit", runId, plan }, key, gateway)),
    );
    const isTaken = answers.every(({ ok }) => ok);
    this.#sim.check("a run is taken once it is asked for", isTaken, JSON.stringify(answers));
    const indexes = new Set(answers.map(indexOf));
    this.#sim.check("one key is one command", indexes.size === 1, JSON.stringify(answers));
    this.#sim.sometimes("one key comes through two gateways", answers.length > 1);
    run.isAccepted = true;
  }

  #meddleLater(run: WantedRun): void {
    const random = this.#random;
    const intent = pick(random, ["pause", "cancel"] as const);
    const resumes = random.chance(0.5);
    this.#sim.world.schedule(random.next() * 8_000, "fault a client meddles", () => {
      if (!run.isAccepted || this.#sim.isOver) return;
      if (intent === "cancel") run.isCancelled = true;
      this.#sim.sometimes("a run is cancelled", intent === "cancel");
      this.#sim.sometimes("a run is paused", intent === "pause");
      this.#wishes.push(this.#intend(run, intent, resumes));
    });
  }

  async #intend(run: WantedRun, intent: "pause" | "cancel", resumes: boolean): Promise<void> {
    const { id: runId } = run;
    await this.#door.write({ type: "intendRun", runId, intent, why: "a client wants it" });
    if (intent === "cancel" || !resumes) return;
    this.#sim.sometimes("a run is resumed");
    await this.#door.write({ type: "intendRun", runId, intent: "run", why: "it may go on" });
  }

  /** The worst moment: while a file is published, and its agent dies as well, perhaps. */
  #cancelAtTheEnd(run: WantedRun): void {
    const kills = this.#random.chance(0.7);
    const look = (): void => {
      if (this.#sim.isOver || run.isCancelled) return;
      const jobs = this.#machines.leader()?.role?.replica.state.jobs.values() ?? [];
      const job = [...jobs].find(({ runId, state }) => runId === run.id && state === "publishing");
      if (!run.isAccepted || job === undefined) {
        return void this.#sim.world.schedule(2, "fault a client waits", look);
      }
      run.isCancelled = true;
      this.#sim.sometimes("a run is cancelled while it publishes");
      if (kills) this.#machines.restart(job.lease!.agent);
      this.#wishes.push(this.#intend(run, "cancel", false));
    };
    look();
  }

  /** Somebody writes a file anew that is being fetched, perhaps. */
  #changeLater(run: WantedRun): void {
    const file = pick(this.#random, run.files);
    const bytes = this.#bytes();
    this.#sim.world.schedule(this.#random.next() * 2_000, "fault a source changes", () => {
      if (this.#sim.isOver) return;
      file.versions.push(bytes);
      this.#machines.store.put(file.from, bytes);
      this.#sim.sometimes("a source changes");
    });
  }
}

function indexOf(written: Written): number | null {
  return written.ok ? written.index : null;
}

const ANYWHERE: SchedulingSpec = {
  ...{ priority: "medium", agents: [], tags: [], avoid: { agents: [], tags: [] }, run: null },
  ...{ near: [], sourceVolume: null, destinationVolume: null },
};

/** The language knows no chunks of a few kilobytes, and patience is short in a simulation. */
function inSmallChunks(plan: Plan, scheduling: SchedulingSpec | null): Plan {
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
    template: {
      ...planned.template,
      pipeline,
      retry,
      ...(scheduling === null ? {} : { scheduling }),
    },
  }));
  return { ...plan, transfers };
}
