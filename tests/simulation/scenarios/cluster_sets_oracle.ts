/** What must hold of sets while they are carried out: grants before names, names once, tallies right. */

import type { News } from "../../../actors/controller/outbox.ts";
import { FINAL_STATES, type Job } from "../../../actors/job/record.ts";
import type { ControllerRole } from "../../../actors/tree.ts";
import type { SeededRandom } from "../../../runtime/sim/random.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import type { Life, Machines } from "./cluster_jobs_machines.ts";
import type { SetClients } from "./cluster_sets_clients.ts";
import { pick } from "./remote_mesh.ts";

/** Rare things that a long run must have seen. */
export const SET_STATES = [
  "a lease of a set is lost",
  "a lost lease of a set has left open grants",
  "a file of a lost lease is recovered or given back",
  "a set is tried again",
  "several files share a report",
  "a writer of a set stands still with its grants",
  "a set has a ledger",
] as const;

/** Longer than it takes to give an agent up. */
const STILL_MS = [9_000, 20_000] as const;

/** See the head of this file. */
export class SetOracle {
  readonly #sim: Simulation;
  readonly #random: SeededRandom;
  readonly #stopRate: number;
  /** Temporary files that some lease was allowed to publish, by path. */
  readonly #granted = new Set<string>();
  readonly #ended = new Map<string, string>();
  #seen = 0;

  constructor(sim: Simulation) {
    this.#sim = sim;
    this.#random = sim.random("set stopper");
    this.#stopRate = pick(this.#random, [0, 0.01, 0.05]);
  }

  follow({ role, name }: Life<ControllerRole>): void {
    role!.replica.follow((news) => {
      for (const one of news) this.#heard(name, one);
    });
  }

  watch({ store }: Machines, clients: SetClients): void {
    this.#sim.invariant("a file of a set is granted, published once, and right", () => {
      for (; this.#seen < store.history.length; this.#seen++) {
        const { operation, path, to } = store.history[this.#seen]!;
        if (operation !== "publish" || to === null) continue;
        if (!this.#granted.has(path)) return `${path} was not granted`;
        const set = clients.sets.find((one) => to.startsWith(one.to));
        const content = set?.files.get(to.slice(set.to.length));
        const stands = store.files.get(to);
        if (content === undefined || stands === undefined) return `${to} is no file of a set`;
        if (store.sha256(content) !== store.sha256(stands.bytes)) return `${to} has other bytes`;
        const first = store.history.findIndex((one) =>
          one.operation === "publish" && one.to === to
        );
        if (first !== this.#seen && store.fence !== "none") return `${to} is published again`;
      }
      return true;
    });
  }

  #heard(name: string, news: News): void {
    if (news.type !== "committed") return;
    for (const effect of news.effects) {
      if (effect.type !== "jobChanged") continue;
      this.#changed(name, effect.job, effect.before);
      if (!news.isReplay) this.#stop(effect.job, effect.before);
    }
  }

  #changed(name: string, job: Job, before: Job | null): void {
    const { set } = job;
    if (set === undefined) return;
    const { sometimes } = this.#sim;
    const mark = sometimes.bind(this.#sim);
    const directory = job.spec.destination.uri.slice("memory://".length);
    for (const { path, grant } of set.open) {
      const folder = path.slice(0, path.lastIndexOf("/") + 1);
      this.#granted.add(`${directory}${folder}${grant.temp}`);
    }
    const isLost = job.stale.length > (before?.stale.length ?? 0);
    mark("a lease of a set is lost", isLost);
    mark("a lost lease of a set has left open grants", isLost && set.open.length > 0);
    mark("a set is tried again", job.state === "retrying");
    mark("a set has a ledger", job.spec.set?.onlyNew !== null);
    const opened = set.open.length - (before?.set?.open.length ?? 0);
    mark("several files share a report", opened > 1);
    const earlier = (before?.set?.open ?? []).filter(({ grant }) =>
      grant.leaseIndex !== job.lease?.index
    );
    const isSettled = earlier.some(({ path }) => !set.open.some((one) => one.path === path));
    mark("a file of a lost lease is recovered or given back", isSettled);
    this.#sim.check(
      "no more files are open than the state may have",
      set.open.length <= 256,
      job.id,
    );
    const grows = set.files >= (before?.set?.files ?? 0);
    this.#sim.check("what was counted stays counted", grows, `${name}: ${job.id}`);
    if (!FINAL_STATES.has(job.state)) return;
    const known = this.#ended.get(job.id) ?? job.state;
    this.#sim.check("all agree on how a set ended", known === job.state, `${name}: ${job.id}`);
    this.#ended.set(job.id, job.state);
  }

  /** In some seeds an agent stands still at the very moment when it may publish. */
  #stop(job: Job, before: Job | null): void {
    const { lease, set } = job;
    if (lease === null || set === undefined || this.#sim.isOver) return;
    if (set.open.length <= (before?.set?.open.length ?? 0)) return;
    if (!this.#random.chance(this.#stopRate / 3)) return;
    const { cluster, world } = this.#sim;
    const { agent } = lease;
    if (!cluster.isAlive(agent)) return;
    this.#sim.sometimes("a writer of a set stands still with its grants");
    cluster.env(agent).stop();
    const [low, high] = STILL_MS;
    const forMs = low + this.#random.next() * (high - low);
    world.schedule(forMs, `fault over still ${agent}`, () => cluster.env(agent).resume());
  }
}
