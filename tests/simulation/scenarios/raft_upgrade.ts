/** A replicated store whose members are upgraded one by one under every fault, and downgraded now and then. */

import type { RaftError } from "../../../runtime/raft/errors.ts";
import type { FirstMember } from "../../../runtime/raft/group.ts";
import { FAULT_KINDS } from "../../../runtime/sim/faults.ts";
import type { SeededRandom } from "../../../runtime/sim/random.ts";
import { scenario } from "../../../runtime/sim/scenario.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { CLIENT_STATES, Clients, type LedgerLife, type LedgerMesh } from "./raft_clients.ts";
import { lead, repair, serve, stop } from "./raft_end.ts";
import { startFaults } from "./raft_faults.ts";
import { DAYS_MS, drawLimits, drawLinks } from "./raft_kv.ts";
import { Ledger, type LedgerCommand, type LedgerMachine } from "./raft_ledger.ts";
import { DISK_STATES, idOf, RAFT_STATES, RaftMesh } from "./raft_mesh.ts";
import { LIST, Recorder } from "./raft_record.ts";
import { pick } from "./remote_mesh.ts";

const NODES = ["a", "b", "c", "d", "e"];
const LATEST = 3;
/** All members have a leader that has heard all of them. */
const RAISE_MS = 30_000;
/** Between two deeds of the operator, and of a client of new commands. */
const GAP_MS = 800;
const WITHIN_MS = [300, 2_000, 8_000];

/** Values that begin so are commands of that version. */
const NEW = /^v(\d) /;

const UPGRADE_STATES = [
  "members run different programs",
  "a version is raised under faults",
  "a later command waits and is done",
  "a later command is refused",
  "a downgraded member goes on, since nothing was raised",
  "an earlier program stops in front of a raise",
  "an earlier program stops in front of a snapshot",
] as const;

function neededBy(command: LedgerCommand): number {
  const value = command.do === "append" ? command.value : "";
  return Number(NEW.exec(value)?.[1] ?? 1);
}

function drawFirst(random: SeededRandom): FirstMember[] {
  const count = pick(random, [1, 3, 3, 3, 5]);
  const hasWitness = count === 3 && random.chance(0.3);
  return NODES.slice(0, count)
    .map((id, index) => ({ id, witness: hasWitness && index === count - 1 }));
}

/** Which machine has which program, and what all of them have applied. */
class Programs {
  readonly #sim: Simulation;
  readonly #random: SeededRandom;
  readonly #mesh: () => LedgerMesh;
  readonly #of = new Map<string, number>();
  /** The version in force at an index, as the first member had it. */
  readonly #inForce = new Map<number, number>();
  #highest = 1;
  #isOver = false;

  constructor(sim: Simulation, names: readonly string[], mesh: () => LedgerMesh) {
    this.#sim = sim;
    this.#random = sim.random("programs");
    this.#mesh = mesh;
    for (const name of names) this.#of.set(name, 1);
  }

  of(machine: string): number {
    return this.#of.get(machine)!;
  }

  /** The ledger as the program of that machine has it. */
  program(inner: LedgerMachine, life: string, machine: string): LedgerMachine {
    const current = this.of(machine);
    return {
      ...inner,
      versions: { current, of: neededBy },
      apply: (state, command, at) => {
        this.#check(life, current, at.index, at.version, neededBy(command));
        return inner.apply(state, command, at);
      },
    };
  }

  #check(life: string, current: number, index: number, version: number, needed: number): void {
    const where = `${life} (${current}) at ${index}: ${version}, needs ${needed}`;
    this.#sim.check("nothing is applied that a program does not know", version <= current, where);
    this.#sim.check("a later command stands behind its raise", needed <= version, where);
    const known = this.#inForce.get(index) ?? version;
    this.#sim.check("members apply under the same version", known === version, where);
    this.#inForce.set(index, version);
    const isNews = version > this.#highest && !this.#isOver;
    this.#mesh().mark("a version is raised under faults", isNews);
    this.#highest = Math.max(this.#highest, version);
  }

  /** Every member gets another program now and then: mostly a later one. */
  begin(): void {
    this.#sim.world.schedule(this.#random.next() * 2 * GAP_MS, "the operator upgrades", () => {
      if (this.#isOver) return;
      this.#change(pick(this.#random, [...this.#of.keys()]));
      this.begin();
    });
  }

  #change(machine: string): void {
    const before = this.of(machine);
    const isLess = this.#random.chance(0.2);
    const after = Math.max(1, Math.min(LATEST, before + (isLess ? -1 : 1)));
    if (after === before) return;
    const mesh = this.#mesh();
    this.#of.set(machine, after);
    mesh.restart(machine);
    mesh.mark("members run different programs", new Set(this.#of.values()).size > 1);
    const isKnown = isLess && after >= this.#highest;
    mesh.mark("a downgraded member goes on, since nothing was raised", isKnown);
  }

  /** An earlier program has stopped: somebody puts the later one back. */
  mayStop(machine: string, { code, message }: RaftError): boolean {
    if (code !== "MachineVersion") return false;
    const mesh = this.#mesh();
    const isSnapshot = message.startsWith("restore");
    mesh.mark("an earlier program stops in front of a raise", !isSnapshot);
    mesh.mark("an earlier program stops in front of a snapshot", isSnapshot);
    this.#of.set(machine, this.of(machine) + 1);
    return true;
  }

  /** All have the latest program in the end. */
  finish(): void {
    this.#isOver = true;
    for (const [machine, version] of this.#of) {
      if (version === LATEST) continue;
      this.#of.set(machine, LATEST);
      this.#mesh().restart(machine);
    }
  }
}

/** A client of one life that asks for what only later versions know. */
async function askForNew(
  sim: Simulation,
  mesh: LedgerMesh,
  record: Recorder,
  life: LedgerLife,
  current: number,
): Promise<void> {
  const random = sim.random(`new ${life.life}`);
  const group = life.group!;
  for (let number = 1; !sim.isOver; number += 1) {
    await new Promise<void>((resolve) => {
      life.env.timers.after(random.next() * 2 * GAP_MS, resolve);
    });
    if (sim.isOver || current === 1) return;
    const value = `v${random.integer(2, current)} ${life.life} ${number}`;
    const command = { do: "append", key: `${LIST}${random.integer(0, 1)}`, value } as const;
    const isHeld = neededBy(command) > group.status().machine.version;
    const open = record.call(`${life.life}/new`, { op: "append", key: command.key, value });
    try {
      const { result } = await group.propose(command, { withinMs: pick(random, WITHIN_MS) });
      open.ok({ version: result.version });
      mesh.mark("a later command waits and is done", isHeld);
    } catch (error) {
      open.failed(error);
      const { code } = error as RaftError;
      mesh.mark("a later command is refused", code === "VersionHeld");
    }
  }
}

function behind(mesh: LedgerMesh): true | string {
  const versions = mesh.living.map(({ life, group }) => {
    const { machine, witness } = group!.status();
    return { life, version: witness ? LATEST : machine.version };
  });
  return versions.every(({ version }) => version === LATEST) || JSON.stringify(versions);
}

export const raftUpgrade = scenario({
  name: "raft/upgrade",
  describe: "members with programs of several versions apply the same, and go on to the latest",
  durationMs: 12_000,
  nodes: NODES,
  faults: { kinds: FAULT_KINDS, intensity: [0, 0.7] },
  sometimes: [...RAFT_STATES, ...DISK_STATES, ...CLIENT_STATES, ...UPGRADE_STATES],
  run: async (sim) => {
    const random = sim.random("members");
    const first = drawFirst(random);
    const ledger = new Ledger(sim);
    const record = new Recorder(sim);
    const limits = drawLimits(sim);
    const forgetsKeys = limits.sessionIdleMs !== DAYS_MS;
    const clients = new Clients({ sim, record, mesh: () => mesh, gapMs: 400, forgetsKeys });
    const programs = new Programs(sim, first.map(idOf), () => mesh);
    const mesh: LedgerMesh = new RaftMesh(sim, {
      first,
      limits,
      links: drawLinks(sim),
      machine: (life, restored, machine) =>
        programs.program(ledger.machine(life, restored), life, machine),
      mayStop: (machine, error) => programs.mayStop(machine, error),
      boot: (life) => {
        clients.start(life);
        void askForNew(sim, mesh, record, life, programs.of(life.machine));
      },
    });
    const faults = startFaults(sim, mesh.machines);
    programs.begin();
    await sim.pass(sim.plan.durationMs);
    faults.heal();
    repair(sim);
    programs.finish();
    await lead(sim, mesh);
    await sim.converge("the latest version is in force", RAISE_MS, () => behind(mesh));
    await serve(sim, mesh, record, clients);
    record.judge();
    await stop(sim, mesh);
  },
});
