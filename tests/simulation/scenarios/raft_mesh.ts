/** Members of one Raft group on simulated machines; whoever loses its disk comes back as somebody new. */

import { type FirstMember, type Group, joinGroup } from "../../../runtime/raft/group.ts";
import type { Env } from "../../../runtime/env/env.ts";
import type { RaftEvent } from "../../../runtime/raft/core/outputs.ts";
import type { RaftStatus } from "../../../runtime/raft/core/status.ts";
import { RaftError } from "../../../runtime/raft/errors.ts";
import type { RaftLimits } from "../../../runtime/raft/limits.ts";
import type { Machine } from "../../../runtime/raft/machine.ts";
import { type LinkedNode, startLinkedNode } from "../../../runtime/remote/linked_node.ts";
import type { RemoteLimits } from "../../../runtime/remote/limits.ts";
import type { SimulatedEnv } from "../../../runtime/sim/env.ts";
import type { SeededRandom } from "../../../runtime/sim/random.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";

const PORT = 4_100;
const TOKEN = "a token of the simulation";
/** From a disk that could not be used to the next try. */
const DISK_PAUSE_MS = 1_000;
/** From a process that was ended on purpose to the next. */
const RESTART_MS = 100;

/** Rare states that a mesh marks, where its scenario has declared them. */
export const RAFT_STATES = [
  "a second life",
  "a later term",
  "a member that led follows",
  "a snapshot is installed",
  "a log is compacted",
  "a group is degraded",
  "a heartbeat is missed",
] as const;

/** What only bad disks show. */
export const DISK_STATES = ["a disk fails", "a disk cannot be opened"] as const;

/** One life of a member. */
export interface RaftLife<State, Command, Result> {
  readonly machine: string;
  /** The member; another one once its disk was given up. */
  readonly id: string;
  /** Different in each life. */
  readonly life: string;
  readonly env: SimulatedEnv;
  readonly node: LinkedNode;
  /** Null until its disk is open. */
  group: Group<State, Command, Result> | null;
}

/** How a mesh is made. */
export interface RaftMeshOptions<State, Command, Result> {
  /** Machines that run a member from the start, and the members of the first configuration. */
  readonly first: readonly FirstMember[];
  /** Machines whose members wait to be added. */
  readonly spare?: readonly string[];
  readonly limits: Partial<RaftLimits>;
  readonly links: Partial<RemoteLimits>;
  readonly clockDrift?: number;
  /** The program of a life on that machine. */
  readonly machine: (
    life: string,
    restored: () => void,
    machine: string,
  ) => Machine<State, Command, Result>;
  /** Whether a member may stop with that error; it is started again. */
  readonly mayStop?: (machine: string, error: RaftError) => boolean;
  /** Whether a member whose disk has failed gets a new one, and so a new id. */
  readonly givesUp?: (id: string, machine: string) => boolean;
  /** What a machine's process sees for its clocks. */
  readonly paced?: (env: Env, machine: string) => Env;
  /** Starts what a life does once its group is there. */
  readonly boot?: (life: RaftLife<State, Command, Result>) => void;
}

interface Seat {
  id: string;
  generation: number;
}

/** See the head of this file. */
export class RaftMesh<State, Command, Result> {
  readonly machines: readonly string[];
  /** How often somebody began to lead. */
  leaderCount = 0;
  lastTerm = 0;
  readonly #sim: Simulation;
  readonly #options: RaftMeshOptions<State, Command, Result>;
  readonly #seats = new Map<string, Seat>();
  readonly #present = new Map<string, RaftLife<State, Command, Result>>();
  readonly #leaders = new Map<number, string>();
  #lives = 0;

  constructor(sim: Simulation, options: RaftMeshOptions<State, Command, Result>) {
    this.#sim = sim;
    this.#options = options;
    this.machines = [...options.first.map(idOf), ...options.spare ?? []];
    for (const name of this.machines) this.#seats.set(name, { id: name, generation: 1 });
    for (const name of sim.scenario.nodes) {
      const isUsed = this.#seats.has(name);
      sim.cluster.start(name, (env) => isUsed ? this.#boot(env, name) : undefined);
    }
  }

  /** The present life on a machine whose group is open; null where there is none. */
  alive(machine: string): RaftLife<State, Command, Result> | null {
    const life = this.#present.get(machine);
    return life?.env.alive === true && life.group !== null ? life : null;
  }

  /** All whose group is open. */
  get living(): readonly RaftLife<State, Command, Result>[] {
    return this.machines.flatMap((name) => this.alive(name) ?? []);
  }

  /** The present member of a machine. */
  idOf(machine: string): string {
    return this.#seats.get(machine)!.id;
  }

  /** Who leads in the latest term, as it says itself. */
  leader(): RaftLife<State, Command, Result> | null {
    const leading = this.living.filter(({ group }) => group!.status().role === "leader");
    return leading.sort((a, b) => b.group!.status().term - a.group!.status().term)[0] ?? null;
  }

  /** What the latest leader says of itself. */
  status(): RaftStatus | null {
    return this.leader()?.group?.status() ?? null;
  }

  /** Calls a group in a turn of its own process. Never settles once that has ended. */
  ask<T>(
    life: RaftLife<State, Command, Result>,
    deed: (group: Group<State, Command, Result>) => Promise<T>,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      life.env.timers.soon(() => void deed(life.group!).then(resolve, reject));
    });
  }

  /** The member of a machine gets an empty disk and another id; its process starts anew. */
  renew(machine: string): void {
    const seat = this.#seats.get(machine)!;
    seat.generation += 1;
    seat.id = `${machine}-${seat.generation}`;
    this.#again(machine, DISK_PAUSE_MS);
  }

  /** Its process ends, and another one starts. */
  restart(machine: string): void {
    this.#present.get(machine)?.env.crash("process");
    this.#again(machine, RESTART_MS);
  }

  mark(name: string, isReached = true): void {
    if (this.#sim.scenario.sometimes?.includes(name)) this.#sim.sometimes(name, isReached);
  }

  async #boot(env: SimulatedEnv, machine: string): Promise<void> {
    this.#lives += 1;
    this.mark("a second life", this.#lives > this.machines.length);
    const { id } = this.#seats.get(machine)!;
    const life: RaftLife<State, Command, Result> = {
      machine,
      id,
      life: `${id}#${this.#lives}`,
      env,
      node: this.#node(env, machine, id),
      group: null,
    };
    this.#present.set(machine, life);
    try {
      await this.#join(life);
    } catch (error) {
      this.#refused(life, error);
    }
  }

  async #join(life: RaftLife<State, Command, Result>): Promise<void> {
    const { first, limits, clockDrift, machine, boot } = this.#options;
    const isFirst = this.#seats.get(life.machine)!.generation === 1 &&
      first.some((member) => idOf(member) === life.id);
    const restored = () => this.mark("a snapshot is installed", life.group !== null);
    const group = await joinGroup(life.node, machine(life.life, restored, life.machine), {
      name: "group",
      folder: `/data/${life.id}`,
      limits,
      ...(isFirst ? { members: first } : {}),
      ...(clockDrift === undefined ? {} : { clockDrift }),
      onFailed: (error) => this.#failed(life, error),
    });
    life.group = group;
    group.subscribe((event) => this.#happened(life, event));
    boot?.(life);
  }

  #node(env: SimulatedEnv, machine: string, id: string): LinkedNode {
    const others = this.machines.filter((other) => other !== machine);
    const { paced = (own: Env) => own } = this.#options;
    return startLinkedNode(paced(env, machine), {
      id,
      roundTripMessages: this.#sim.seed % 2 === 0,
      onFatal: (error) => this.#sim.fail("nodes go on", `${id}: ${error}`),
      links: {
        listen: [{ hostname: machine, port: PORT }],
        // Who starts later knows who was there before.
        peers: others.map((other) => ({ node: this.idOf(other), url: `ws://${other}:${PORT}` })),
        allowPlain: true,
        token: TOKEN,
        limits: this.#options.links,
      },
    });
  }

  /** The disk gave nothing that a member could start from. */
  #refused({ machine, life, env }: RaftLife<State, Command, Result>, error: unknown): void {
    const isDisk = error instanceof RaftError &&
      ["DiskFailed", "DiskFull"].includes(error.code);
    if (!isDisk) this.#sim.fail("what a member acknowledged is whole", `${life}: ${error}`, error);
    this.mark("a disk cannot be opened");
    env.crash("process");
    this.#again(machine, DISK_PAUSE_MS);
  }

  /** After a failed sync nothing may be assumed: a new life reads what is there, or a new disk comes. */
  #failed({ machine, id, life, env }: RaftLife<State, Command, Result>, error: RaftError): void {
    const isMeant = this.#options.mayStop?.(machine, error) === true;
    const isDisk = error.code === "DiskFailed";
    this.#sim.check("only disks fail", isDisk || isMeant, `${life}: ${error.message}`);
    env.crash("process");
    if (isMeant) return this.#again(machine, DISK_PAUSE_MS);
    this.mark("a disk fails");
    if (this.#options.givesUp?.(id, machine) === true) this.renew(machine);
    else this.#again(machine, DISK_PAUSE_MS);
  }

  #again(machine: string, afterMs: number): void {
    const { world, cluster } = this.#sim;
    world.schedule(afterMs, `init starts ${machine}`, () => cluster.restart(machine));
  }

  #happened(life: RaftLife<State, Command, Result>, event: RaftEvent): void {
    if (event.type === "role") this.#role(life, event.role, event.term);
    if (event.type === "configuration") {
      this.mark("a joint configuration", event.configuration.outgoing !== null);
    }
    if (event.type === "degraded") this.mark("a group is degraded", event.degraded);
    if (event.type === "heartbeatMissed") this.mark("a heartbeat is missed");
    this.mark("a log is compacted", life.group!.status().firstIndex > 1);
  }

  #role({ id, life, group }: RaftLife<State, Command, Result>, role: string, term: number): void {
    const was = this.#leaders.get(term);
    this.mark("a member that led follows", role === "follower" && was === id);
    if (role !== "leader") return;
    this.#sim.check("one leader a term", was === undefined || was === id, `${life} in ${term}`);
    this.#sim.check("a witness never leads", !group!.status().witness, life);
    this.mark("a later term", term > this.lastTerm && this.lastTerm > 0);
    this.mark("a witness decides an election", this.#needsWitness(id, term));
    this.#leaders.set(term, id);
    this.lastTerm = Math.max(this.lastTerm, term);
    this.leaderCount += 1;
  }

  /** Without the witness's vote it would not lead: of the full voters too few have voted for it. */
  #needsWitness(id: string, term: number): boolean {
    const votes = this.living.map(({ group }) => group!.status())
      .filter((status) => status.term === term && status.vote === id);
    const full = votes.filter(({ witness }) => !witness).length;
    return full < votes.length && full * 2 <= this.#options.first.length;
  }
}

/** The id of a first member. */
export function idOf(member: FirstMember): string {
  return typeof member === "string" ? member : member.id;
}

/** Members of a group of the size that a seed draws; small ones are quicker, and so more frequent. */
export function drawMembers(random: SeededRandom, names: readonly string[]): FirstMember[] {
  const shapes = ["full 3", "full 3", "witness 3", "witness 3", "witness 4", "full 5", "full 7"];
  const shape = shapes[random.integer(0, shapes.length - 1)]!;
  const count = Number(shape.split(" ")[1]);
  return names.slice(0, count).map((id, index) =>
    shape.startsWith("witness") && index === count - 1 ? { id, witness: true } : id
  );
}
