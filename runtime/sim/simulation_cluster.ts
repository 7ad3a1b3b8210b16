/** The machines of a simulation, and the process that each runs. */

import { assert } from "../base/assert.ts";
import { limitValues } from "../base/limits.ts";
import { type CrashKind, type SimulatedEnv, simulatedEnv } from "./env.ts";
import type { FaultCluster } from "./fault_apply.ts";
import type { SimFaults } from "./machine.ts";
import { SIMULATION_LIMITS } from "./simulation_limits.ts";
import type { SimulationWorld } from "./simulation_world.ts";

const LIMITS = limitValues(SIMULATION_LIMITS);

/** What the process of a machine runs, in each of its lives; what it throws ends that life. */
export type Boot = (env: SimulatedEnv, name: string) => unknown;

/** Wraps the Env of a life before its process sees it. */
export type EnvWrapper = (env: SimulatedEnv, name: string) => SimulatedEnv;

interface Member {
  env: SimulatedEnv;
  readonly boot: Boot;
}

/** Machines by name, each with one process. */
export class SimCluster implements FaultCluster {
  readonly #world: SimulationWorld;
  readonly #wrap: EnvWrapper;
  readonly #members = new Map<string, Member>();
  #lives = 0;

  constructor(world: SimulationWorld, wrap: EnvWrapper) {
    this.#world = world;
    this.#wrap = wrap;
  }

  /** Names of all machines, in the order in which they came. */
  get nodes(): readonly string[] {
    return [...this.#members.keys()];
  }

  /** How many lives have begun, over all machines. */
  get lives(): number {
    return this.#lives;
  }

  /** Adds a machine and starts its process. */
  start(name: string, boot: Boot, faults: Partial<SimFaults> = {}): SimulatedEnv {
    assert(!this.#members.has(name), `machine ${name} is added once`);
    const env = simulatedEnv({ seed: this.#world.seed, world: this.#world, name, ...faults });
    const member = { env: this.#wrap(env, name), boot };
    this.#members.set(name, member);
    this.#run(name, member);
    return member.env;
  }

  /** The present life on that machine, or the last one. */
  env(name: string): SimulatedEnv {
    const member = this.#members.get(name);
    assert(member !== undefined, `machine ${name} was started`);
    return member.env;
  }

  /** Whether its process lives. */
  isAlive(name: string): boolean {
    return this.env(name).alive;
  }

  /** Ends the process of a machine, or takes its power; nothing happens where there is none. */
  crash(name: string, kind: CrashKind = "process"): void {
    this.env(name).crash(kind);
  }

  /** Starts the next life; nothing happens where one is under way. */
  restart(name: string): void {
    const member = this.#members.get(name)!;
    if (member.env.alive) return;
    member.env = this.#wrap(member.env.restart(), name);
    this.#run(name, member);
  }

  /** Starts the next life a while after a process has ended by itself. */
  restartSoon(name: string): void {
    this.#world.schedule(LIMITS.restartMs, `init starts ${name}`, () => this.restart(name));
  }

  #run(name: string, { env, boot }: Member): void {
    this.#lives += 1;
    env.run(() => {
      try {
        const booted = boot(env, name);
        if (booted instanceof Promise) booted.catch((error) => this.#failed(env, error));
      } catch (error) {
        this.#failed(env, error);
      }
    });
  }

  #failed(env: SimulatedEnv, error: unknown): void {
    if (!env.alive) return;
    // Rejected in the name of the process: the world blames it.
    env.run(() => void Promise.reject(error));
  }
}
