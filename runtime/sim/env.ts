/**
 * A simulated Env: the same ports on virtual time, in memory, from one seed.
 *
 * ```ts
 * import { simulatedEnv } from "@quorus/quorus/testing";
 *
 * const env = simulatedEnv({ seed: 7 });
 * await env.world.complete(env.disk.makeDirectory("/lost"));
 * env.crash("power"); // nobody had synced the directory that names it
 * const next = env.restart();
 * await next.world.complete(next.disk.stat("/lost")); // null, or there: unsynced names may survive
 * ```
 */

import { assert } from "../base/assert.ts";
import type { Env, Hashing } from "../env/env.ts";
import { InlineLane } from "../env/inline_lane.ts";
import { crc32, hmacSha256, sha256 } from "../env/sha256.ts";
import { simClock, simTimers } from "./clock.ts";
import { simDisk } from "./disk.ts";
import { Incarnation } from "./incarnation.ts";
import { simKv } from "./kv.ts";
import { type SimFaults, SimMachine } from "./machine.ts";
import { simNet } from "./net.ts";
import { simSockets, simWorkers } from "./sockets.ts";
import { World } from "./world.ts";

/** How a simulated process dies: alone (the page cache stays) or with the machine's power. */
export type CrashKind = "process" | "power";

/** The Env of one life of a process on a simulated machine. */
export interface SimulatedEnv extends Env {
  readonly world: World;
  readonly machine: SimMachine;
  /** Ends this life: its pending calls never settle, its timers never fire. */
  crash(kind: CrashKind): void;
  /** The Env of the next life, on the same machine. */
  restart(): SimulatedEnv;
}

/** The seed, the faults of the machine, and the world it stands in (its own unless given). */
export interface SimulatedEnvOptions extends Partial<SimFaults> {
  readonly seed: number;
  readonly world?: World;
  /** The machine's name in the trace. */
  readonly name?: string;
}

const HASHING: Hashing = {
  sha256,
  crc32,
  hmacSha256,
  lane: () => new InlineLane(),
};

function life(machine: SimMachine, number: number): SimulatedEnv {
  const { world } = machine;
  const incarnation = new Incarnation(world, `${machine.name}#${number}`);
  return {
    world,
    machine,
    clock: simClock(incarnation),
    timers: simTimers(incarnation),
    random: world.random.stream(`${incarnation.name}/random`),
    disk: simDisk(machine, incarnation),
    kv: simKv(incarnation, machine.kvFiles),
    hash: HASHING,
    net: simNet(incarnation),
    sockets: simSockets(incarnation),
    workers: simWorkers(incarnation),
    log: { write: (level, message, facts = {}) => machine.record(level, message, facts) },
    crash: (kind) => {
      if (!incarnation.alive) return;
      world.note(`${incarnation.name} crash ${kind}`);
      incarnation.end();
      if (kind === "power") machine.losePower();
    },
    restart: () => {
      assert(!incarnation.alive, "a life ends before the next begins");
      return life(machine, number + 1);
    },
  };
}

/** A simulated machine in a world of its own (or the given one), and its first process. */
export function simulatedEnv(options: SimulatedEnvOptions): SimulatedEnv {
  const { seed, world = new World(seed), name = "node", ...faults } = options;
  return life(new SimMachine(world, name, faults), 1);
}
