/** The end of a run of a Raft group: healed, it leads, agrees and serves, at each of its members. */

import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { WORLD_EPOCH_MS } from "../../../runtime/sim/clock.ts";
import { nothingWaits } from "./quiet.ts";
import { type LedgerLife, type LedgerMesh, recordGet } from "./raft_clients.ts";
import type { RaftMesh } from "./raft_mesh.ts";
import { LIST, type Recorder } from "./raft_record.ts";

/** Detector, backoff and handshake of links, several times over. */
const MEET_MS = 120_000;
/** Every member opens its disk, and waits out what a full one had refused. */
const UP_MS = 30_000;
/** From linked members to a leader: some elections, of which some are split. */
const LEAD_MS = 5_000;
const AGREE_MS = 60_000;
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

/** A write and a fresh read at each member, then the same state everywhere. */
export async function serve(sim: Simulation, mesh: LedgerMesh, record: Recorder): Promise<void> {
  const members = mesh.living.filter(({ id }) => isMember(mesh, id));
  for (const life of members) await sim.complete(write(sim, mesh, record, life));
  for (const life of members) {
    if (!life.group!.status().witness) await sim.complete(readAll(sim, mesh, record, life));
  }
  await sim.converge("all members have the same state", AGREE_MS, () => disagreement(mesh));
}

async function write(
  sim: Simulation,
  mesh: LedgerMesh,
  record: Recorder,
  life: LedgerLife,
): Promise<void> {
  const asked = { op: "put" as const, key: "last", value: life.life };
  const open = record.call(`end ${life.life}`, asked);
  try {
    const command = { do: "put" as const, key: "last", value: life.life };
    const { result } = await mesh.ask(life, (group) => group.propose(command));
    open.ok({ version: result.version });
  } catch (error) {
    sim.fail("a healed group takes commands at each member", `${life.life}: ${error}`);
  }
}

async function readAll(
  sim: Simulation,
  mesh: LedgerMesh,
  record: Recorder,
  life: LedgerLife,
): Promise<void> {
  for (const key of ["k0", "k1", "k2", "k3", "last", `${LIST}0`, `${LIST}1`]) {
    const seen = await recordGet(
      record,
      `end ${life.life}`,
      key,
      (select) => mesh.ask(life, (group) => group.read(select)),
    );
    sim.check("a healed group answers reads at each member", seen !== null, `${life.life} ${key}`);
  }
}

function disagreement(mesh: LedgerMesh): true | string {
  const members = mesh.living.filter(({ id, group }) =>
    isMember(mesh, id) && !group!.status().witness
  );
  const commit = mesh.leader()?.group!.status().commit;
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
