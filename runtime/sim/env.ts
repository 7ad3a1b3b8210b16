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

import { assert, AssertionError } from "../base/assert.ts";
import { messageOf } from "../base/errors.ts";
import type { Env, Hashing } from "../env/env.ts";
import type { Socket } from "../env/sockets.ts";
import { InlineLane } from "../env/inline_lane.ts";
import { inlineCodecs } from "../env/inline_codecs.ts";
import { crc32, hmacSha256, sha256 } from "../env/sha256.ts";
import { simClock, simTimers } from "./clock.ts";
import { simDisk } from "./disk.ts";
import { simHost } from "./host.ts";
import { type CrashKind, Incarnation } from "./incarnation.ts";
import { simKv } from "./kv.ts";
import { type SimFaults, SimMachine } from "./machine.ts";
import { simNet } from "./net.ts";
import { simSockets } from "./sockets.ts";
import { simWorkers, type WorkerMaker } from "./workers.ts";
import { World } from "./world.ts";

export type { CrashKind } from "./incarnation.ts";

/** The Env of one life of a process on a simulated machine. */
export interface SimulatedEnv extends Env {
  readonly world: World;
  readonly machine: SimMachine;
  /** False once this life has ended. */
  readonly alive: boolean;
  /** Ends this life: its pending calls never settle, its timers never fire. */
  crash(kind: CrashKind): void;
  /** Stops the process where it stands (SIGSTOP): its kernel goes on, its code does not. */
  stop(): void;
  /** Lets it go on (SIGCONT). */
  resume(): void;
  /** Runs `fn` as this process: what it leaves unhandled, now or later, ends this life. */
  run<T>(fn: () => T): T;
  /** The Env of the next life, on the same machine; it has power again. */
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

/** Who a life is: its name, and for a Worker the connection to who started it. */
interface Identity {
  readonly name: string;
  readonly bornMs: number;
  readonly parent: Socket | null;
  /** What a Worker was called by its starter. */
  readonly label: string | null;
}

/** The next life of the process of a machine. */
function life(machine: SimMachine, number: number): SimulatedEnv {
  const incarnation = born(machine, `${machine.name}#${number}`);
  // The first one's clock is the machine's, so that virtual times read well.
  const bornMs = number === 1 ? 0 : machine.clocks.monotonicMs();
  const identity = { name: incarnation.name, label: null, bornMs, parent: null };
  return simulated(machine, incarnation, identity, () => life(machine, number + 1));
}

function born(machine: SimMachine, name: string): Incarnation {
  const incarnation = new Incarnation(machine.world, name, machine, (reason) => {
    machine.record("error", "nobody handled an error: the process ends", {
      reason: messageOf(reason),
    });
    end(machine, incarnation, "process");
  });
  machine.boot(incarnation);
  return incarnation;
}

function end(machine: SimMachine, incarnation: Incarnation, kind: CrashKind): void {
  if (!incarnation.alive) return;
  machine.world.note(`${incarnation.name} crash ${kind}`);
  if (kind === "power") machine.losePower();
  else incarnation.end(kind);
}

function simulated(
  machine: SimMachine,
  incarnation: Incarnation,
  identity: Identity,
  next: () => SimulatedEnv,
): SimulatedEnv {
  const { world } = machine;
  return {
    ...ports(machine, incarnation, identity),
    world,
    machine,
    get alive() {
      return incarnation.alive;
    },
    crash: (kind) => end(machine, incarnation, kind),
    stop: () => {
      world.note(`${identity.name} stop`);
      incarnation.stop();
    },
    resume: () => {
      world.note(`${identity.name} resume`);
      incarnation.resume();
    },
    run: (fn) => world.as(incarnation, fn),
    restart: () => {
      assert(!incarnation.alive, "a life ends before the next begins");
      return next();
    },
  };
}

function ports(machine: SimMachine, incarnation: Incarnation, identity: Identity): Env {
  const { world, clocks } = machine;
  return {
    clock: simClock(clocks, identity.bornMs),
    timers: simTimers(clocks, incarnation),
    random: world.random.stream(`${identity.name}/random`),
    disk: simDisk(machine, incarnation),
    kv: simKv(incarnation, machine.kvFiles),
    hash: HASHING,
    codecs: inlineCodecs,
    net: simNet(incarnation, world.hosts),
    sockets: simSockets({
      network: world.network,
      incarnation,
      machine: machine.name,
      wallMs: () => machine.wallMs(),
    }),
    workers: simWorkers(
      incarnation,
      workersOf(machine, incarnation),
      identity.parent,
      identity.label,
    ),
    host: simHost(machine),
    log: { write: (level, message, facts = {}) => machine.record(level, message, facts) },
  };
}

/** Workers of a process: lives on the same machine, numbered so that none has another's streams. */
function workersOf(machine: SimMachine, incarnation: Incarnation): WorkerMaker {
  let count = 0;
  return (specifier, label) => {
    const main = machine.world.workerMain(specifier);
    if (main === undefined) return null;
    count += 1;
    const thread = born(machine, `${incarnation.name}/${label}.${count}`);
    const bornMs = machine.clocks.monotonicMs();
    const never = (): never => {
      throw new AssertionError(`${thread.name} is a Worker: start a new one`);
    };
    return {
      life: thread,
      main: (parent) =>
        main(simulated(machine, thread, { name: thread.name, label, bornMs, parent }, never)),
    };
  };
}

/** A simulated machine in a world of its own (or the given one), and its first process. */
export function simulatedEnv(options: SimulatedEnvOptions): SimulatedEnv {
  const { seed, world = new World(seed), name = "node", ...faults } = options;
  return life(new SimMachine(world, name, faults), 1);
}
