/** Who looks after a cluster: its controllers, its agents, its tenants, and jobs that nobody can tell of. */

import type { WriteRequest } from "../../../actors/desk/messages.ts";
import type { Job } from "../../../actors/job/record.ts";
import type { ControllerRole } from "../../../actors/tree.ts";
import type { SeededRandom } from "../../../runtime/sim/random.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { type Clients, TENANTS } from "./cluster_jobs_clients.ts";
import type { Door } from "./cluster_jobs_door.ts";
import { AGENTS, CONTROLLERS, type Life, type Machines, SPARE } from "./cluster_jobs_machines.ts";
import { pick } from "./remote_mesh.ts";
import { wantedOf } from "./cluster_jobs_end.ts";

/** What an operator brings about. */
export const OPERATOR_STATES = [
  "a controller is added",
  "a controller is removed",
  "a controller is replaced",
  "a witness is added",
  "a controller is in maintenance",
  "the lead is handed over",
  "an agent is drained",
  "an agent has a window of maintenance",
  "an agent is deregistered",
  "a tenant is bounded",
  "a writer stands still with its grant",
  "an operator decides that it was published",
  "an operator decides that it was not published",
] as const;

/** An operator looks again whether the group is ready for a change, some twenty seconds long. */
const CHANGE_TRIES = 20;
const CHANGE_PAUSE_MS = 1_000;

/** Longer than it takes to give an agent up. */
const STILL_MS = [9_000, 20_000] as const;

/** Stops an agent, in some seeds, at the very moment when it may publish; it wakes up much later. */
export class Stopper {
  readonly #sim: Simulation;
  readonly #random: SeededRandom;
  readonly #rate: number;

  constructor(sim: Simulation) {
    this.#sim = sim;
    this.#random = sim.random("stopper");
    this.#rate = pick(this.#random, [0, 0.05, 0.2]);
  }

  /** Looks at what one controller hears. */
  follow({ role }: Life<ControllerRole>): void {
    role!.replica.follow((news) => {
      for (const one of news) {
        if (one.type !== "committed" || one.isReplay) continue;
        for (const effect of one.effects) if (effect.type === "jobChanged") this.#look(effect.job);
      }
    });
  }

  #look({ state, lease }: Job): void {
    if (state !== "publishing" || lease === null || this.#sim.isOver) return;
    if (!this.#random.chance(this.#rate / 3)) return;
    const { cluster, world } = this.#sim;
    if (!cluster.isAlive(lease.agent)) return;
    this.#sim.sometimes("a writer stands still with its grant");
    const { agent } = lease;
    cluster.env(agent).stop();
    const [low, high] = STILL_MS;
    const forMs = low + this.#random.next() * (high - low);
    world.schedule(forMs, `fault over still ${agent}`, () => cluster.env(agent).resume());
  }
}

/** See the head of this file. */
export class Operator {
  /** Jobs of which a person has said what became of them. */
  readonly decided = new Set<string>();
  readonly #sim: Simulation;
  readonly #machines: Machines;
  readonly #door: Door;
  readonly #random: SeededRandom;
  readonly #deeds: Promise<void>[] = [];
  #isDeciding = false;

  constructor(sim: Simulation, machines: Machines, door: Door) {
    this.#sim = sim;
    this.#machines = machines;
    this.#door = door;
    this.#random = sim.random("operator");
  }

  /** Does what this seed has drawn; and settles, from now on, what is unknown. */
  work(clients: Clients): void {
    const random = this.#random;
    if (random.chance(0.4)) this.#deeds.push(this.#boundTenant());
    if (random.chance(0.4)) this.#later(() => this.#changeControllers());
    if (random.chance(0.3)) this.#later(() => this.#handOver());
    if (random.chance(0.3)) this.#later(() => this.#maintain());
    if (random.chance(0.4)) this.#later(() => this.#drain(pick(random, AGENTS)));
    if (random.chance(0.3)) this.#later(() => this.#deregister(pick(random, AGENTS)));
    const look = (): void => {
      void this.#decide(clients);
      this.#sim.world.schedule(2_000, "an operator looks", look);
    };
    look();
  }

  /** Resolves when everything that was begun is done. */
  async done(): Promise<void> {
    await Promise.all(this.#deeds);
  }

  #later(deed: () => Promise<void>): void {
    const atMs = this.#random.next() * this.#sim.plan.durationMs;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#deeds.push(promise);
    this.#sim.world.schedule(atMs, "fault an operator acts", () => void deed().then(resolve));
  }

  async #boundTenant(): Promise<void> {
    const settings = {
      weight: 1,
      maxConcurrentTransfers: this.#random.integer(1, 3),
      maxQueued: this.#random.integer(1, 4),
      priorityCeiling: "medium",
    } as const;
    await this.#write({ type: "configureTenant", tenant: TENANTS[1]!, settings });
    this.#sim.sometimes("a tenant is bounded");
  }

  /** A new controller joins; then, perhaps, an old one leaves. Or it comes in the place of one. */
  async #changeControllers(): Promise<void> {
    const node = pick(this.#random, CONTROLLERS.slice(0, 3));
    const way = pick(this.#random, ["add", "witness", "replace", "replace"] as const);
    const leaves = this.#random.chance(0.6);
    this.#machines.use(SPARE);
    if (way === "replace") {
      if (!await this.#change({ type: "replaceController", node, by: SPARE })) return;
      this.#machines.retire(node);
      return this.#sim.sometimes("a controller is replaced");
    }
    const witness = way === "witness";
    if (!await this.#change({ type: "addController", node: SPARE, witness })) return;
    if (!await this.#change({ type: "promoteController", node: SPARE })) return;
    this.#sim.sometimes(witness ? "a witness is added" : "a controller is added");
    if (!leaves) return;
    if (!await this.#change({ type: "removeController", node })) return;
    this.#machines.retire(node);
    this.#sim.sometimes("a controller is removed");
  }

  /** A controller is looked after: meanwhile it does not lead. */
  async #maintain(): Promise<void> {
    const node = pick(this.#random, CONTROLLERS.slice(0, 3));
    if (!await this.#change({ type: "setMaintenance", node, on: true })) return;
    this.#sim.sometimes("a controller is in maintenance");
    if (this.#random.chance(0.5)) this.#machines.restart(node);
    await this.#pause(this.#random.next() * 10_000);
    await this.#change({ type: "setMaintenance", node, on: false });
  }

  async #handOver(): Promise<void> {
    if (await this.#write({ type: "transferLeadership", to: null })) {
      this.#sim.sometimes("the lead is handed over");
    }
  }

  /** A window of maintenance, that may be over before somebody says so. */
  async #drain(agentId: string): Promise<void> {
    const why = "the operator wants it";
    const isWindow = this.#random.chance(0.5);
    const forMs = this.#random.next() * 10_000;
    // By the clock of the leader, which may be an hour wrong: somebody ends it in any case.
    const untilMs = isWindow ? this.#machines.store.env.clock.now() + forMs : null;
    if (!await this.#write({ type: "drainAgent", agentId, why, untilMs })) return;
    this.#sim.sometimes("an agent is drained");
    this.#sim.sometimes("an agent has a window of maintenance", isWindow);
    await this.#pause(forMs * 1.5);
    await this.#write({ type: "resumeAgent", agentId, why: "it is over" });
  }

  /** It is told to go while it lives; its next life is welcome again. */
  async #deregister(agentId: string): Promise<void> {
    if (!await this.#write({ type: "deregisterAgent", agentId, why: "it is old" })) return;
    this.#sim.sometimes("an agent is deregistered");
    await this.#pause(this.#random.next() * 10_000);
    this.#machines.restart(agentId);
  }

  /** Looks at what stands there, as a person would. */
  async #decide(clients: Clients): Promise<void> {
    const state = this.#machines.leader()?.role?.replica.state;
    if (this.#isDeciding || state === undefined) return;
    this.#isDeciding = true;
    for (const job of state.jobs.values()) {
      if (job.state !== "unknown") continue;
      const wanted = wantedOf(clients, job.spec.destination.uri);
      const published = this.#machines.store.files.has(wanted.to);
      this.decided.add(job.id);
      await this.#write({ type: "decide", jobId: job.id, published, why: "somebody has looked" });
      this.#sim.sometimes("an operator decides that it was published", published);
      this.#sim.sometimes("an operator decides that it was not published", !published);
    }
    this.#isDeciding = false;
  }

  /** Until the group is ready for it, or says for certain that it is not to be. */
  async #change(request: WriteRequest): Promise<boolean> {
    for (let tries = 0; tries < CHANGE_TRIES; tries++) {
      const written = await this.#door.write(request);
      if (written.ok) return true;
      if (written.code !== "notReady" && written.code !== "changePending") return false;
      await this.#pause(CHANGE_PAUSE_MS);
    }
    return false;
  }

  async #write(request: WriteRequest): Promise<boolean> {
    const written = await this.#door.write(request);
    return written.ok;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) =>
      void this.#sim.world.schedule(ms, "fault an operator waits", resolve)
    );
  }
}
