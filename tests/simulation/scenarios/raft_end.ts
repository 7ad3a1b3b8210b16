/** The end of a run of a Raft group: healed, it leads, agrees and serves, at each of its members. */

import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { WORLD_EPOCH_MS } from "../../../runtime/sim/clock.ts";
import { nothingWaits } from "./quiet.ts";
import { type Clients, type LedgerLife, type LedgerMesh, recordGet } from "./raft_clients.ts";
import type { RaftMesh } from "./raft_mesh.ts";
import { LIST, type Recorder } from "./raft_record.ts";

/** Detector, backoff and handshake of links, several times over. */
const MEET_MS = 120_000;
/** Every member opens its disk, and waits out what a full one had refused. */
const UP_MS = 30_000;
/** From linked members to a leader: some elections, of which some are split. */
const LEAD_MS = 5_000;
const AGREE_MS = 60_000;
/** The longest call of a client, and one of our own. */
const INSIST_MS = 10_000;
/** Three tries of the longest call. */
const ANSWER_MS = 40_000;
/** A call has settled long before. */
const SETTLE_MS = 12_000;
const LAST_KEYS = ["k0", "k1", "k2", "k3", "last", `${LIST}0`, `${LIST}1`];
const LINGER_MS = 5_000;

// deno-lint-ignore no-explicit-any
type AnyMesh = RaftMesh<any, any, any>;

/** Somebody has set the clocks right, and has made room on the disks. */
export function repair({ cluster, world }: Simulation): void {
  for (const name of cluster.nodes) {
    const { machine } = cluster.env(name);
    machine.clocks.drift({ wallPpm: 0, monotonicPpm: 0 });
    machine.clocks.jump(WORLD_EPOCH_MS + world.nowMs - machine.wallMs());
    machine.faults.capacityBytes = Infinity;
  }
}

/** Everybody runs, is linked with everybody else, and follows one leader. */
export async function lead(sim: Simulation, mesh: AnyMesh): Promise<void> {
  await sim.converge("every member runs", UP_MS, () => {
    const down = mesh.machines.filter((name) => mesh.alive(name) === null);
    return down.length === 0 || down.join();
  });
  await sim.converge("all members are linked", MEET_MS, () => apart(mesh));
  await sim.converge("one member leads, and all know it", LEAD_MS, () => leaderless(mesh));
}

function apart(mesh: AnyMesh): true | string {
  for (const { machine, id, node } of mesh.living) {
    for (const other of mesh.machines) {
      if (other === machine) continue;
      const wanted = mesh.idOf(other);
      const view = node.links.peers().find((peer) => peer.node === wanted);
      if (view?.state !== "up") return `${id} to ${wanted}: ${view?.state}`;
    }
  }
  return true;
}

function leaderless(mesh: AnyMesh): true | string {
  const members = mesh.living.filter((life) => isMember(mesh, life.id));
  const seen = members.map(({ id, group }) => {
    const { leader, term, role } = group!.status();
    return `${id} is ${role} of ${leader} in ${term}`;
  });
  const leaders = new Set(members.map(({ group }) => group!.status().leader));
  const agree = leaders.size === 1 && !leaders.has(null) && mesh.leader() !== null;
  return agree || seen.join(", ");
}

/** Whether the latest leader, or whoever knows most, counts it in. */
export function isMember(mesh: AnyMesh, id: string): boolean {
  const { group } = mesh.leader() ??
    mesh.living.toSorted((a, b) => b.group!.status().commit - a.group!.status().commit)[0]!;
  return group!.status().configuration.members.some((member) => member.id === id);
}

/** Clients get their answers; a write and a fresh read at each member, then the same state everywhere. */
export async function serve(
  sim: Simulation,
  mesh: LedgerMesh,
  record: Recorder,
  clients: Clients,
): Promise<void> {
  await sim.converge("clients have their answers", ANSWER_MS, () => clients.isQuiet);
  const members = mesh.machines.filter((name) => isMember(mesh, mesh.idOf(name)));
  for (const machine of members) await write(sim, mesh, record, machine);
  for (const machine of members) {
    if (mesh.alive(machine)?.group?.status().witness !== true) {
      for (const key of LAST_KEYS) await read(sim, mesh, record, machine, key);
    }
  }
  await sim.converge("all members have the same state", AGREE_MS, () => disagreement(mesh));
}

async function write(
  sim: Simulation,
  mesh: LedgerMesh,
  record: Recorder,
  machine: string,
): Promise<void> {
  await insist(sim, mesh, machine, `a healed group takes commands at ${machine}`, async (life) => {
    const value = life.life;
    const open = record.call(`end ${value}`, { op: "put", key: "last", value });
    const command = { do: "put" as const, key: "last", value };
    try {
      const { result } = await mesh.ask(life, (group) => group.propose(command));
      open.ok({ version: result.version });
    } catch (error) {
      open.failed(error);
      throw error;
    }
  });
}

async function read(
  sim: Simulation,
  mesh: LedgerMesh,
  record: Recorder,
  machine: string,
  key: string,
): Promise<void> {
  await insist(
    sim,
    mesh,
    machine,
    `a healed group answers reads at ${machine}`,
    (life) =>
      recordGet(
        record,
        `end ${life.life}`,
        key,
        (select) => mesh.ask(life, (group) => group.read(select)),
      ),
  );
}

/** What clients still ask for may fill the smallest queues for a while, and a late crash may come. */
async function insist(
  sim: Simulation,
  mesh: LedgerMesh,
  machine: string,
  name: string,
  deed: (life: LedgerLife) => Promise<unknown>,
): Promise<void> {
  await sim.converge(name, INSIST_MS, async () => {
    const life = mesh.alive(machine);
    if (life === null) return "its process does not run";
    const ended = Promise.withResolvers<never>();
    const timer = sim.world.schedule(SETTLE_MS, "init waits", () => {
      // Nobody is told only where the process has ended.
      if (life.env.alive) sim.fail("calls settle", life.life);
      ended.reject(new Error("its process has ended"));
    });
    try {
      await Promise.race([deed(life), ended.promise]);
      return true;
    } catch (error) {
      return `${error}`;
    } finally {
      timer.cancel();
    }
  });
}

function disagreement(mesh: LedgerMesh): true | string {
  const members = mesh.living.filter(({ id, group }) =>
    isMember(mesh, id) && !group!.status().witness
  );
  const commit = mesh.status()?.commit;
  const states = members.map(({ id, group }) => {
    const { applied } = group!.status();
    return { id, applied, chain: group!.state.chain };
  });
  const first = states[0]!;
  const same = states.every(({ applied, chain }) => applied === commit && chain === first.chain);
  return same || JSON.stringify({ commit, states });
}

/** Ends every process; nothing may be left to happen. */
export async function stop(sim: Simulation, mesh: AnyMesh): Promise<void> {
  await sim.complete(Promise.all(mesh.living.map(({ node }) => node.stop())));
  await sim.pass(LINGER_MS);
  await nothingWaits(sim);
}
