/** What nodes believe of each other, against what is: suspected in time, and all up in the end. */

import type { MemberEvent, MemberStatus } from "../../../runtime/cluster/membership.ts";
import type { FaultEvent } from "../../../runtime/sim/faults.ts";
import { scenario } from "../../../runtime/sim/scenario.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { CLUSTER_STATES, type ClusterLife, ClusterMesh } from "./cluster_mesh.ts";
import { LINK_FAULTS, pick, smallLimits } from "./remote_mesh.ts";

const NODES = ["a", "b", "c", "d"];
/** DESIGN section 4: under 5 s to suspect; and the looks of this scenario. */
const SUSPECT_MS = 5_000;
const LOOK_MS = 100;
/** Bytes that left before a crash, on a path that delays them, still arrive. */
const ON_THE_WAY_MS = 3_000;
const CALM_MS = 30_000;
/** `runtime/cluster/DESIGN.md`: a process that stands still for so long is not suspected. */
const PAUSE_MS = 2_000;

/**
 * What a member needs at most to link one that is mended: the pause after a refusal for good and the
 * longest pause between dials (5 s each), a dial and a handshake, and again after a dial of the other.
 */
const DIAL_MS = 25_000;

/** A fault in virtual time of the world. */
interface Window {
  readonly fault: FaultEvent;
  readonly fromMs: number;
  readonly toMs: number;
}

/** When a machine or a path was not as it should be. */
class Troubles {
  readonly #windows: readonly Window[];

  constructor(events: readonly FaultEvent[], beginMs: number) {
    this.#windows = events.map((fault) => {
      const fromMs = beginMs + fault.atMs;
      return { fault, fromMs, toMs: fromMs + ("forMs" in fault ? fault.forMs : 0) };
    });
  }

  /** Until when `observer` may take one who ended at `sinceMs` for alive. */
  deadlineMs(observer: string, observed: string, sinceMs: number): number {
    let deadlineMs = sinceMs + SUSPECT_MS;
    for (const { fault, fromMs, toMs } of this.#windows) {
      if (fromMs > deadlineMs) break;
      const lateMs = toMs + SUSPECT_MS + ON_THE_WAY_MS;
      if (lateMs > deadlineMs && delays(fault, observer, observed)) deadlineMs = lateMs;
    }
    return deadlineMs + 2 * LOOK_MS;
  }
}

/** It stops the observer, or lets signs of the observed arrive late. */
function delays(fault: FaultEvent, observer: string, observed: string): boolean {
  switch (fault.kind) {
    case "stop":
    case "slow":
      return fault.node === observer;
    case "clog":
    case "delay":
    case "cut":
      return fault.directions.some(([from, to]) => from === observed && to === observer);
    default:
      return false;
  }
}

/** Looks at every node's view of every other one. */
class Watchtower {
  troubles = new Troubles([], 0);
  /** What has happened to members; those of dead lives, too. */
  events = 0;
  readonly #sim: Simulation;
  readonly #mesh: ClusterMesh;
  readonly #endedAtMs = new Map<string, number>();

  constructor(sim: Simulation, mesh: ClusterMesh) {
    this.#sim = sim;
    this.#mesh = mesh;
  }

  /** Every event follows from the one before it. */
  follow(life: ClusterLife): void {
    const seen = new Map<string, MemberStatus>();
    for (const { node, status } of life.cluster.members()) seen.set(node, status);
    life.cluster.subscribe(({ kind, member: { node, status, isSelf }, was }: MemberEvent) => {
      this.events += 1;
      const details = `${life.life} of ${node}: ${was} to ${status}, ${kind}`;
      const isTrue = kind === "joined" ? was === null : was === seen.get(node);
      this.#sim.check("events of a member follow each other", isTrue, details);
      this.#sim.check("a node never doubts itself", !isSelf || status === "up", details);
      const isSuspectOfUp = status !== "suspect" || was === "up" || was === "suspect";
      this.#sim.check("only who was up is suspected", isSuspectOfUp, details);
      if (kind === "left") seen.delete(node);
      else seen.set(node, status);
      this.#sim.sometimes("a quarantine", status === "quarantined");
    });
  }

  /** Looks every now and then, to the end of the faults. */
  look(): void {
    const { world } = this.#sim;
    for (const { life, env } of this.#mesh.lives) {
      if (!env.alive && !this.#endedAtMs.has(life)) this.#endedAtMs.set(life, world.nowMs);
    }
    for (const observer of this.#mesh.living) this.#lookFrom(observer);
    if (!this.#sim.isOver) world.schedule(LOOK_MS, "fault watchtower looks", () => this.look());
  }

  #lookFrom(observer: ClusterLife): void {
    const { nowMs } = this.#sim.world;
    for (const { name, life, node } of this.#mesh.lives) {
      const endedAtMs = this.#endedAtMs.get(life);
      if (endedAtMs === undefined || name === observer.name) continue;
      const member = observer.cluster.member(name);
      const isTakenFor = member?.incarnation?.startsWith(`${node.links.incarnation}.`) === true;
      const isBelieved = isTakenFor && member?.status === "up";
      this.#sim.sometimes("a crash is seen", isTakenFor && !isBelieved);
      if (!isBelieved) continue;
      const deadlineMs = this.troubles.deadlineMs(observer.name, name, endedAtMs);
      const details = `${observer.life} takes ${life} for alive, ${
        nowMs - endedAtMs
      } ms after its end`;
      this.#sim.check("a crashed node is suspected in time", nowMs <= deadlineMs, details);
    }
  }
}

/** Somebody takes a member out of a node's list now and then, and puts it back. */
function configure(sim: Simulation, { name, env, members }: ClusterLife): void {
  const random = sim.random(`configuration of ${name}`);
  if (!random.chance(0.3)) return;
  const all = members.current();
  const change = (): void => {
    const gone = pick(random, NODES);
    if (gone === name) return;
    members.set(all.filter(({ node }) => node !== gone));
    sim.sometimes("a member leaves");
    env.timers.after(random.next() * 5_000, () => members.set(all));
  };
  env.timers.after(random.next() * 20_000, change);
}

/** Among calm nodes one is gone, cut off, or stands still: the others notice, or do not. */
async function trial(sim: Simulation, mesh: ClusterMesh, tower: Watchtower): Promise<void> {
  const random = sim.random("trial");
  const name = pick(random, NODES);
  const others = mesh.living.filter((life) => life.name !== name);
  const statuses = () => others.map(({ cluster }) => cluster.member(name)?.status);
  await sim.pass(random.next() * 2_000);
  const deed = pick(random, ["power", "cut", "pause"] as const);
  const { network } = sim.world;
  if (deed === "pause") {
    const { events } = tower;
    sim.cluster.env(name).stop();
    await sim.pass(PAUSE_MS);
    sim.cluster.env(name).resume();
    await sim.pass(SUSPECT_MS);
    return sim.check("a pause is no reason to suspect", tower.events === events, statuses());
  }
  if (deed === "power") sim.cluster.crash(name, "power");
  else network.partition([[name], others.map((life) => life.name)]);
  await sim.pass(SUSPECT_MS + LOOK_MS);
  const isSeen = statuses().every((status) => status === "suspect" || status === "unreachable");
  sim.check("who is gone is suspected in time", isSeen, `${deed} of ${name}: ${statuses()}`);
  await sim.pass(random.next() * 2 * CALM_MS);
  if (deed === "power") sim.cluster.restart(name);
  else network.heal();
  await mesh.meet();
}

/** A node comes up with a token that nobody takes, and is refused for good, until somebody mends that. */
async function misconfigure(sim: Simulation, mesh: ClusterMesh): Promise<void> {
  const random = sim.random("misconfigured");
  // Who only dials must dial again by itself: the mended node cannot reach it.
  const name = pick(random, NODES.filter((node) => node !== mesh.dialOnly));
  mesh.misconfigured.add(name);
  sim.cluster.crash(name);
  sim.cluster.restart(name);
  await sim.pass(CALM_MS + random.next() * CALM_MS);
  const others = mesh.living.filter((life) => life.name !== name);
  const isOut = others.every(({ cluster }) => cluster.member(name)?.status !== "up");
  sim.check("who has a wrong token is not up", isOut, name);
  sim.sometimes("who only dials refuses for good", mesh.dialOnly !== null);
  mesh.misconfigured.delete(name);
  sim.cluster.crash(name);
  sim.cluster.restart(name);
  await mesh.meet(DIAL_MS);
}

export const clusterMembership = scenario({
  name: "cluster/membership",
  describe: "who has crashed is suspected within 5 s, and when all is well all are up, as they are",
  durationMs: 60_000,
  nodes: NODES,
  faults: { kinds: LINK_FAULTS, intensity: [0, 0.8] },
  sometimes: [
    ...CLUSTER_STATES,
    "a quarantine",
    "a crash is seen",
    "a member leaves",
    "who only dials refuses for good",
  ],
  run: async (sim) => {
    const tower: { made?: Watchtower } = {};
    const boots: ClusterLife[] = [];
    const mesh = new ClusterMesh(sim, {
      names: NODES,
      links: smallLimits(sim),
      boot: (life) => {
        if (tower.made === undefined) boots.push(life);
        else tower.made.follow(life);
        if (!sim.isOver) configure(sim, life);
      },
    });
    const watchtower = tower.made = new Watchtower(sim, mesh);
    boots.forEach((life) => watchtower.follow(life));
    await mesh.meet();
    watchtower.troubles = new Troubles(sim.plan.events, sim.world.nowMs);
    const passed = sim.faults();
    watchtower.look();
    await passed;
    const waits = mesh.living.flatMap(({ cluster }) => NODES.map((name) => cluster.whenUp(name)));
    await mesh.meet();
    await sim.complete(Promise.all(waits));
    await sim.pass(CALM_MS);
    const { events } = watchtower;
    await sim.pass(CALM_MS);
    sim.check("calm nodes stay as they are", watchtower.events === events, `${events}`);
    sim.check("all are still up", mesh.apart() === true, mesh.apart());
    await trial(sim, mesh, watchtower);
    await misconfigure(sim, mesh);
    await mesh.rest();
    await mesh.stop();
  },
});
