/** Who looks after a group: brings new members in for lost disks, and in `raft/churn` never leaves it alone. */

import type { RaftStatus } from "../../../runtime/raft/core/status.ts";
import { RaftError } from "../../../runtime/raft/errors.ts";
import type { SeededRandom } from "../../../runtime/sim/random.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import type { LedgerGroup, LedgerLife, LedgerMesh } from "./raft_clients.ts";
import { pick } from "./remote_mesh.ts";

/** Rare states of a group whose members change. */
export const CHURN_STATES = [
  "a joint configuration",
  "a member is added",
  "a learner is promoted",
  "a member is removed",
  "a member takes another's place",
  "a leader is removed",
  "the lead is handed over",
  "a change is refused",
  "a change's outcome is unknown",
  "a snapshot is asked for",
] as const;

const WITHIN_MS = 2_000;
/** Pause between two looks at a lost disk. */
const LOOK_MS = 500;

/**
 * Gives a member whose disk has failed a new one under a new id, and sees to it that it takes the old
 * one's place; one at a time, so that the others are always a quorum.
 */
export class Replacer {
  readonly #sim: Simulation;
  readonly #mesh: () => LedgerMesh;
  readonly #random: SeededRandom;
  /** The lost member, and its machine. */
  #lost: { readonly id: string; readonly machine: string } | null = null;

  constructor(sim: Simulation, mesh: () => LedgerMesh) {
    this.#sim = sim;
    this.#mesh = mesh;
    this.#random = sim.random("replacer");
  }

  get isDone(): boolean {
    return this.#lost === null;
  }

  /** Whether the disk of `id` is given up; its machine starts with an empty one then. */
  givesUp(id: string, machine: string): boolean {
    if (this.#lost !== null || !this.#random.chance(0.7)) return false;
    const status = this.#mesh().status();
    const voters = status?.configuration.members.filter(({ role }) => role === "voter") ?? [];
    // Of two full voters both are needed to commit, its own replacement too.
    if (voters.filter(({ witness }) => !witness).length < 3) return false;
    this.#lost = { id, machine };
    this.#later();
    return true;
  }

  #later(): void {
    this.#sim.world.schedule(LOOK_MS, "init replaces a disk", () => this.#look());
  }

  #look(): void {
    const status = this.#mesh().status();
    if (this.#lost === null || (status !== null && this.#isReplaced(status))) {
      this.#mesh().mark("a lost disk is replaced");
      this.#lost = null;
      return;
    }
    this.#later();
    const living = this.#mesh().living;
    if (living.length === 0) return;
    const caller = pick(this.#random, living);
    const { id, machine } = this.#lost;
    const next = this.#mesh().idOf(machine);
    const { members } = caller.group!.status().configuration;
    const old = members.find((member) => member.id === id);
    const isAdded = members.some((member) => member.id === next);
    const deed = (group: LedgerGroup) =>
      isAdded
        ? group.replace(id, next, { withinMs: WITHIN_MS })
        : group.addLearner({ id: next, witness: old?.witness ?? false }, { withinMs: WITHIN_MS });
    this.#mesh().ask(caller, deed).catch(expected);
  }

  #isReplaced({ configuration, configurationIndex, commit }: RaftStatus): boolean {
    const { members, outgoing } = configuration;
    return outgoing === null && configurationIndex <= commit &&
      !members.some(({ id }) => id === this.#lost!.id);
  }
}

/** Adds, promotes, replaces, removes, prefers, hands over and takes snapshots, at random. */
export class Operator {
  readonly #sim: Simulation;
  readonly #mesh: LedgerMesh;
  readonly #random: SeededRandom;
  /** Ids that somebody wants to remove: nobody adds them again. */
  readonly #leaving = new Set<string>();

  constructor(sim: Simulation, mesh: LedgerMesh) {
    this.#sim = sim;
    this.#mesh = mesh;
    this.#random = sim.random("operator");
    this.#next();
  }

  #next(): void {
    this.#sim.world.schedule(this.#random.next() * 800, "init operates", () => {
      if (this.#sim.isOver) return;
      this.#next();
      const living = this.#mesh.living;
      if (living.length > 0) void this.#one(pick(this.#random, living));
    });
  }

  #one(caller: LedgerLife): Promise<void> {
    const dice = this.#random.next();
    const ids = this.#mesh.machines.map((machine) => this.#mesh.idOf(machine));
    const known = caller.group!.status().configuration.members;
    const id = pick(this.#random, ids);
    const learners = known.filter(({ role }) => role === "learner").map((member) => member.id);
    const learner = learners.length > 0 ? pick(this.#random, learners) : id;
    const within = { withinMs: WITHIN_MS };
    if (dice < 0.25) return this.#add(caller, id);
    if (dice < 0.45) {
      return this.#ask(caller, "a learner is promoted", (g) => g.promote(learner, within));
    }
    if (dice < 0.55) return this.#remove(caller, id, null);
    if (dice < 0.68) return this.#remove(caller, id, learner);
    if (dice < 0.78) {
      const priority = this.#random.integer(1, 3);
      return this.#ask(caller, null, (g) => g.setPriority(id, priority, within));
    }
    if (dice < 0.9) {
      return this.#ask(caller, "the lead is handed over", (g) => g.transfer(id, within));
    }
    return this.#ask(caller, "a snapshot is asked for", (g) => g.snapshot());
  }

  #add(caller: LedgerLife, id: string): Promise<void> {
    if (this.#leaving.has(id)) return Promise.resolve();
    const witness = this.#random.chance(0.15);
    const member = { id, witness, priority: this.#random.integer(1, 3) };
    const deed = (group: LedgerGroup) => group.addLearner(member, { withinMs: WITHIN_MS });
    return this.#ask(caller, "a member is added", deed);
  }

  /** Who has left comes back, if ever, as somebody else with an empty disk. */
  async #remove(caller: LedgerLife, id: string, by: string | null): Promise<void> {
    const wasLeaving = this.#leaving.has(id);
    this.#leaving.add(id);
    const isLeader = this.#mesh.leader()?.id === id;
    const name = by === null ? "a member is removed" : "a member takes another's place";
    const within = { withinMs: WITHIN_MS };
    await this.#ask(caller, name, async (group) => {
      try {
        await (by === null ? group.remove(id, within) : group.replace(id, by, within));
      } catch (error) {
        // It stays, unless another one has asked for it too, or nobody knows.
        if (!wasLeaving && (error as RaftError).definite) this.#leaving.delete(id);
        throw error;
      }
      this.#mesh.mark("a leader is removed", isLeader);
      this.#renew(id);
    });
  }

  #renew(id: string): void {
    const machine = this.#mesh.machines.find((name) => this.#mesh.idOf(name) === id);
    if (machine === undefined) return;
    const { cluster, world } = this.#sim;
    world.schedule(this.#random.next() * 2_000, `init renews ${machine}`, () => {
      if (this.#mesh.idOf(machine) !== id) return;
      cluster.crash(machine);
      this.#mesh.renew(machine);
    });
  }

  async #ask(
    caller: LedgerLife,
    name: string | null,
    deed: (group: LedgerGroup) => Promise<unknown>,
  ): Promise<void> {
    try {
      await this.#mesh.ask(caller, deed);
      if (name !== null) this.#mesh.mark(name);
    } catch (error) {
      expected(error);
      this.#mesh.mark("a change is refused", (error as RaftError).definite);
      this.#mesh.mark("a change's outcome is unknown", !(error as RaftError).definite);
    }
  }
}

function expected(error: unknown): void {
  if (!(error instanceof RaftError)) throw error;
}
