/** People who submit sets of files, pause and cancel them. */

import type { SeededRandom } from "../../../runtime/sim/random.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { groupPlan } from "../../actors/plans.ts";
import type { Plan } from "../../../workflows/plan.ts";
import { TENANTS } from "./cluster_jobs_clients.ts";
import type { Door } from "./cluster_jobs_door.ts";
import { GATEWAYS, type Machines } from "./cluster_jobs_machines.ts";
import { pick } from "./remote_mesh.ts";

/** A set that was submitted. */
export interface WantedSet {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  /** By their paths below `from`. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Source files are deleted after their receipt. */
  readonly isDeleting: boolean;
  readonly plan: Plan;
  isAccepted: boolean;
  isCancelled: boolean;
}

/** See the head of this file. */
export class SetClients {
  readonly sets: WantedSet[] = [];
  readonly #sim: Simulation;
  readonly #machines: Machines;
  readonly #door: Door;
  readonly #random: SeededRandom;
  readonly #wishes: Promise<unknown>[] = [];

  constructor(sim: Simulation, machines: Machines, door: Door) {
    this.#sim = sim;
    this.#machines = machines;
    this.#door = door;
    this.#random = sim.random("set clients");
  }

  work(): void {
    const random = this.#random;
    const next = (): void => {
      if (this.#sim.isOver) return;
      const set = this.#draw();
      this.#wishes.push(this.#submit(set));
      if (random.chance(0.3)) this.#meddleLater(set);
      this.#sim.world.schedule(2_000 + random.next() * 15_000, "fault a client submits", next);
    };
    this.#sim.world.schedule(100, "fault a client submits", next);
  }

  async answered(): Promise<void> {
    await Promise.all(this.#wishes);
  }

  /** What they have paused, they let go on. */
  async resume(): Promise<void> {
    for (const { id: runId, isAccepted, isCancelled } of this.sets) {
      if (!isAccepted || isCancelled) continue;
      await this.#door.write({ type: "intendRun", runId, intent: "run", why: "it is over" });
    }
  }

  #draw(): WantedSet {
    const random = this.#random;
    const id = `s${this.sets.length + 1}`;
    const [from, to] = [`/in/${id}/`, `/out/${id}/`];
    const files = new Map<string, Uint8Array>();
    for (let n = random.integer(1, 40); n > 0; n--) {
      const path = random.chance(0.4) ? `d${n % 3}/f${n}` : `f${n}`;
      const content = new Uint8Array(random.integer(0, 3_000)).fill(n);
      files.set(path, content);
      this.#machines.store.put(`${from}${path}`, content);
    }
    const isDeleting = random.chance(0.3);
    const onlyNew = !isDeleting && random.chance(0.3) ? { select: { onlyNew: `l-${id}` } } : {};
    const plan = groupPlan([{
      name: "set",
      source: {
        uri: `memory://${from}`,
        ...(isDeleting ? { after: "delete" } : {}),
        ...onlyNew,
      },
      destination: { uri: `memory://${to}` },
      retry: { maxAttempts: 1_000, initialDelay: "100ms", maxDelay: "2s" },
      transfer: { chunkSize: "4KiB", window: "8KiB", concurrentFiles: pick(random, [1, 4, 16]) },
    }]);
    const tenant = pick(random, TENANTS);
    const set = {
      ...{ id, from, to, files, isDeleting },
      plan: { ...plan, tenant },
      isAccepted: false,
      isCancelled: false,
    };
    this.sets.push(set);
    return set;
  }

  async #submit(set: WantedSet): Promise<void> {
    const { id: runId, plan } = set;
    const gateway = pick(this.#random, GATEWAYS);
    const request = { type: "submit", runId, plan } as const;
    const written = await this.#door.write(request, this.#door.key(), gateway);
    this.#sim.check("a set is taken once it is asked for", written.ok, JSON.stringify(written));
    set.isAccepted = true;
  }

  #meddleLater(set: WantedSet): void {
    const random = this.#random;
    const intent = pick(random, ["pause", "cancel"] as const);
    this.#sim.world.schedule(random.next() * 6_000, "fault a client meddles", () => {
      if (!set.isAccepted || this.#sim.isOver) return;
      if (intent === "cancel") set.isCancelled = true;
      this.#sim.sometimes("a set is cancelled", intent === "cancel");
      this.#sim.sometimes("a set is paused", intent === "pause");
      const request = {
        type: "intendRun",
        runId: set.id,
        intent,
        why: "somebody wants it",
      } as const;
      this.#wishes.push(this.#door.write(request));
    });
  }
}
