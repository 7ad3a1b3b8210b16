/** Who breaks things: one fault after the other, some at the same time, never a majority of controllers. */

import type { SeededRandom } from "../../runtime/sim/random.ts";
import type { ChaosCluster } from "./cluster.ts";
import { pause } from "./door.ts";
import { drawFault, type Fault, isNetworkFault, strike } from "./faults.ts";
import { AGENTS, CONTROLLERS } from "./places.ts";

/** A fault that was done. */
export interface Struck extends Fault {
  readonly startedMs: number;
  /** Who led then, as far as was known. */
  readonly leader: string | null;
  /** When everybody hit was back. */
  endedMs: number | null;
}

/** What can be told to people while it happens. */
export interface NemesisOptions {
  readonly cluster: ChaosCluster;
  readonly random: SeededRandom;
  readonly leader: () => string | null;
  readonly tell: (line: string) => void;
}

const REST_MS = [200, 4_000] as const;
const TOGETHER = 4;
const LOOK_EVERY_MS = 100;

/** See the head of this file. */
export class Nemesis {
  readonly struck: Struck[] = [];
  readonly failures: string[] = [];
  readonly #options: NemesisOptions;
  readonly #open = new Map<Struck, Promise<void>>();

  constructor(options: NemesisOptions) {
    this.#options = options;
  }

  /** Breaks things for so long, then mends all of it. */
  async work(forMs: number): Promise<void> {
    const { random, leader, cluster } = this.#options;
    const endMs = Date.now() + forMs;
    const over = AbortSignal.timeout(Math.max(0, forMs));
    while (Date.now() < endMs) {
      const fault = drawFault(random, leader(), cluster.places.network !== null);
      const lastsMs = Math.min(fault.lastsMs, endMs - Date.now());
      if (this.#allows(fault)) this.#begin({ ...fault, lastsMs }, over);
      await pause(random.integer(...REST_MS), over);
    }
    await Promise.all(this.#open.values());
  }

  /** Does one thing while nothing else is done, for so long at most, or until `isEnough`. */
  async alone(fault: Fault, isEnough: () => boolean): Promise<void> {
    const enough = new AbortController();
    this.#begin(fault, enough.signal);
    const look = setInterval(() => isEnough() && enough.abort(), LOOK_EVERY_MS);
    await Promise.all(this.#open.values());
    clearInterval(look);
  }

  /** More than one controller at a time would be no minority; all agents at once only by their links. */
  #allows(fault: Fault): boolean {
    const open = [...this.#open.keys()];
    const busy = new Set(open.flatMap(({ nodes }) => nodes));
    if (open.length >= TOGETHER || fault.nodes.some((id) => busy.has(id))) return false;
    if (isNetworkFault(fault) && open.some(isNetworkFault)) return false;
    const hit = [...busy, ...fault.nodes];
    if (hit.filter((id) => CONTROLLERS.includes(id)).length > 1) return false;
    return fault.nodes === AGENTS ||
      hit.filter((id) => AGENTS.includes(id)).length <= this.#agentsTogether();
  }

  /** Of four, two that vanish make the cluster wait: seldom, so that jobs are given to others, too. */
  #agentsTogether(): number {
    return this.#options.random.chance(0.25) ? 2 : 1;
  }

  #begin(fault: Fault, over: AbortSignal): void {
    const { leader, tell } = this.#options;
    const struck: Struck = { ...fault, startedMs: Date.now(), leader: leader(), endedMs: null };
    this.struck.push(struck);
    const role = struck.leader !== null && fault.nodes.includes(struck.leader) ? " (leads)" : "";
    const seconds = (fault.lastsMs / 1_000).toFixed(1);
    tell(`${fault.kind} ${fault.nodes.join(", ")}${role} for ${seconds} s`);
    const work = this.#do(struck, over)
      .catch((error) => void this.failures.push(`${fault.kind} ${fault.nodes}: ${error}`))
      .finally(() => this.#open.delete(struck));
    this.#open.set(struck, work);
  }

  async #do(struck: Struck, over: AbortSignal): Promise<void> {
    const heal = await strike(this.#options.cluster, struck);
    try {
      await pause(struck.lastsMs, over);
    } finally {
      await heal();
      struck.endedMs = Date.now();
    }
    const seconds = ((struck.endedMs - struck.startedMs) / 1_000).toFixed(1);
    this.#options.tell(`${struck.nodes.join(", ")} back after ${seconds} s (${struck.kind})`);
  }
}
