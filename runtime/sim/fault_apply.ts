/** Lets the faults of a plan happen, each for its time, and heals everything at the end. */

import type { SimulatedEnv } from "./env.ts";
import type { FaultEvent, FaultPlan } from "./faults.ts";
import { NO_FAULTS, USUAL_TURN_MS } from "./machine.ts";
import type { Direction } from "./network.ts";
import type { World } from "./world.ts";

/** The machines that faults happen to; each runs one process. */
export interface FaultCluster {
  readonly nodes: readonly string[];
  /** The present or, where it has ended, the last life on that machine. */
  env(node: string): SimulatedEnv;
  /** Starts the next life: takes `env(node).restart()` and runs in it what the node runs. */
  restart(node: string): void;
}

/** A plan that is under way. */
export interface FaultsUnderWay {
  /** How many faults have happened so far; those that met a dead node do not count. */
  readonly happened: number;
  /** Ends all of it now: paths healed, processes running, disks good. Idempotent. */
  heal(): void;
}

/** Schedules a plan; at its `durationMs` everything is healed, only clocks stay as wrong as they are. */
export function applyFaults(world: World, cluster: FaultCluster, plan: FaultPlan): FaultsUnderWay {
  const driver = new FaultDriver(world, cluster);
  for (const event of plan.events) {
    world.schedule(event.atMs, `fault ${JSON.stringify(event)}`, () => driver.begin(event));
  }
  world.schedule(plan.durationMs, "faults end", () => driver.heal());
  return driver;
}

class FaultDriver implements FaultsUnderWay {
  readonly #world: World;
  readonly #cluster: FaultCluster;
  /** How many faults hold each thing down; the last one to end lets it go. */
  readonly #holds = new Map<string, number>();
  #happened = 0;
  #isHealed = false;

  constructor(world: World, cluster: FaultCluster) {
    this.#world = world;
    this.#cluster = cluster;
  }

  get happened(): number {
    return this.#happened;
  }

  begin(event: FaultEvent): void {
    if (this.#isHealed) return;
    const { network } = this.#world;
    this.#happened += 1;
    switch (event.kind) {
      case "cut":
        network.cut(event.directions);
        return this.#eachFor(event, "cut", (direction) => network.heal([direction]));
      case "clog":
        return network.clog(event.directions, event.forMs);
      case "delay":
        for (const direction of event.directions) network.shape(event, direction);
        return this.#eachFor(event, "delay", (direction) => network.unshape(direction));
      case "reset":
        return network.reset(...event.between);
      default:
        return this.#beginAt(event);
    }
  }

  heal(): void {
    if (this.#isHealed) return;
    this.#isHealed = true;
    this.#world.network.unshape();
    this.#world.network.heal();
    for (const node of this.#cluster.nodes) {
      this.#mend(node);
      const { machine } = this.#cluster.env(node);
      machine.turnMs = USUAL_TURN_MS;
      this.#revive(node);
      this.#cluster.env(node).resume();
    }
  }

  /** A fault of one node. */
  #beginAt(event: Extract<FaultEvent, { readonly node: string }>): void {
    const { node } = event;
    const env = this.#cluster.env(node);
    const { machine } = env;
    switch (event.kind) {
      case "crash":
        if (!env.alive) this.#happened -= 1;
        env.crash(event.crash);
        return this.#for(event.forMs, `down ${node}`, () => this.#revive(node));
      case "stop":
        if (!env.alive) this.#happened -= 1;
        env.stop();
        // Not `env`: the life that stands still by then may be a later one.
        return this.#for(event.forMs, `stop ${node}`, () => this.#cluster.env(node).resume());
      case "slow":
        machine.turnMs = event.turnMs;
        return this.#for(event.forMs, `slow ${node}`, () => machine.turnMs = USUAL_TURN_MS);
      case "jump":
        return machine.clocks.jump(event.byMs);
      case "drift":
        return machine.clocks.drift(event);
      case "disk":
        Object.assign(machine.faults, event.rates);
        return this.#for(event.forMs, `disk ${node}`, () => this.#mend(node));
    }
  }

  #revive(node: string): void {
    if (!this.#cluster.env(node).alive) this.#cluster.restart(node);
  }

  #mend(node: string): void {
    const { readErrorRate, writeErrorRate, syncErrorRate, crashWriteErrorRate } = NO_FAULTS;
    const good = { readErrorRate, writeErrorRate, syncErrorRate, crashWriteErrorRate };
    Object.assign(this.#cluster.env(node).machine.faults, good);
  }

  #eachFor(
    { directions, forMs }: { readonly directions: readonly Direction[]; readonly forMs: number },
    what: string,
    end: (direction: Direction) => void,
  ): void {
    for (const direction of directions) {
      this.#for(forMs, `${what} ${direction.join(">")}`, () => end(direction));
    }
  }

  #for(forMs: number, held: string, end: () => void): void {
    this.#holds.set(held, (this.#holds.get(held) ?? 0) + 1);
    this.#world.schedule(forMs, `fault over ${held}`, () => {
      const left = this.#holds.get(held)! - 1;
      this.#holds.set(held, left);
      if (left === 0 && !this.#isHealed) end();
    });
  }
}
