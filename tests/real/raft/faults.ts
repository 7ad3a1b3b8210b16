/** What can happen to a cluster: done to it, and undone. */

import { askOnce } from "./ask_once.ts";
import type { Cluster } from "./cluster.ts";
import { pause } from "./cluster.ts";
import { textOf } from "./connection.ts";
import type { Member } from "./member.ts";

/** Undoes a fault. */
export type Heal = () => Promise<void> | void;

/** A fault; `random(n)` is a whole number below n. */
export interface Fault {
  readonly name: string;
  /** What the cluster must have. */
  readonly needs?: "network" | "syscalls" | "smallDisk";
  /** How long it should last; the members that elect take some 200 ms. */
  readonly lastsMs: number;
  /** A majority still works together, so that clients must be served again before it is healed. */
  readonly leavesMajority: boolean;
  strike(cluster: Cluster, random: (bound: number) => number): Promise<Heal>;
}

const indexOf = (cluster: Cluster, member: Member): number => cluster.members.indexOf(member);

/** The indexes of all members, those of `first` before the others. */
function ordered(cluster: Cluster, ...first: readonly Member[]): number[] {
  const rest = cluster.members.filter((member) => !first.includes(member));
  return [...first, ...rest].map((member) => indexOf(cluster, member));
}

async function aFollower(cluster: Cluster, random: (bound: number) => number): Promise<Member> {
  const leader = await cluster.leader();
  const others = cluster.members.filter((member) => member !== leader && member.isAnswering);
  return others[random(others.length)]!;
}

async function kill(...members: readonly Member[]): Promise<Heal> {
  await Promise.all(members.map((member) => member.kill()));
  return () => members.forEach((member) => member.start());
}

function pauseProcesses(...members: readonly Member[]): Heal {
  for (const member of members) member.pause();
  return () => members.forEach((member) => member.resume());
}

/** Cuts the network into the first `count` of `order` and the rest. */
function split(cluster: Cluster, order: readonly number[], count: number): Heal {
  cluster.network!.partition(order.slice(0, count), order.slice(count));
  return () => cluster.network!.heal();
}

/** Members that fit on the smaller side. */
const minority = (cluster: Cluster): number => (cluster.members.length - 1) >> 1;

/** kill -9 of the leader; it comes back with its folder. */
export const killLeader: Fault = {
  name: "kill-leader",
  lastsMs: 1_000,
  leavesMajority: true,
  strike: async (cluster) => kill(await cluster.leader()),
};

/** kill -9 of somebody else. */
export const killFollower: Fault = {
  name: "kill-follower",
  lastsMs: 1_000,
  leavesMajority: true,
  strike: async (cluster, random) => kill(await aFollower(cluster, random)),
};

/** kill -9 of all at once. */
export const killAll: Fault = {
  name: "kill-all",
  lastsMs: 100,
  leavesMajority: false,
  strike: (cluster) => kill(...cluster.members),
};

/** The leader stops in the middle of something, and goes on later as if nothing had been. */
export const pauseLeader: Fault = {
  name: "pause-leader",
  lastsMs: 1_500,
  leavesMajority: true,
  strike: async (cluster) => pauseProcesses(await cluster.leader()),
};

/** The same to somebody else. */
export const pauseFollower: Fault = {
  name: "pause-follower",
  lastsMs: 1_500,
  leavesMajority: true,
  strike: async (cluster, random) => pauseProcesses(await aFollower(cluster, random)),
};

/** A majority stops: nobody may acknowledge anything. */
export const pauseMajority: Fault = {
  name: "pause-majority",
  lastsMs: 1_000,
  leavesMajority: false,
  strike: (cluster) => {
    const count = cluster.members.length - minority(cluster);
    return Promise.resolve(pauseProcesses(...cluster.members.slice(0, count)));
  },
};

/** The leader and as many as make a minority with it are cut off. */
export const isolateLeader: Fault = {
  name: "isolate-leader",
  needs: "network",
  lastsMs: 2_500,
  leavesMajority: true,
  strike: async (cluster) =>
    split(cluster, ordered(cluster, await cluster.leader()), minority(cluster)),
};

/** Followers are cut off: they campaign, and must not disturb when they are back. */
export const isolateFollower: Fault = {
  name: "isolate-follower",
  needs: "network",
  lastsMs: 2_500,
  leavesMajority: true,
  strike: async (cluster, random) =>
    split(cluster, ordered(cluster, await aFollower(cluster, random)), minority(cluster)),
};

/** Nobody hears the leader; it hears everybody. */
export const muteLeader: Fault = {
  name: "mute-leader",
  needs: "network",
  lastsMs: 2_500,
  leavesMajority: true,
  strike: async (cluster) => {
    const [leader, ...others] = ordered(cluster, await cluster.leader());
    for (const other of others) cluster.network!.cut(leader!, other);
    return () => cluster.network!.heal();
  },
};

/** The leader hears nobody; everybody hears it. */
export const deafLeader: Fault = {
  name: "deaf-leader",
  needs: "network",
  lastsMs: 2_500,
  leavesMajority: true,
  strike: async (cluster) => {
    const [leader, ...others] = ordered(cluster, await cluster.leader());
    for (const other of others) cluster.network!.cut(other, leader!);
    return () => cluster.network!.heal();
  },
};

/** One cable is cut, between the leader and one other: a majority can still meet. */
export const cutCable: Fault = {
  name: "cut-cable",
  needs: "network",
  lastsMs: 2_500,
  leavesMajority: true,
  strike: async (cluster) => {
    const [leader, other] = ordered(cluster, await cluster.leader()) as [number, number];
    cluster.network!.partition([leader], [other]);
    return () => cluster.network!.heal();
  },
};

/** Nobody reaches anybody. */
export const cutAll: Fault = {
  name: "cut-all",
  needs: "network",
  lastsMs: 1_500,
  leavesMajority: false,
  strike: (cluster) => {
    cluster.network!.partition(...cluster.members.map((_, index) => [index]));
    return Promise.resolve(() => cluster.network!.heal());
  },
};

/** The leader's wall clock jumps by `ms`; its monotonic one does not. By much: another one must lead. */
export function clockJump(ms: number): Fault {
  return {
    name: `clock-jump${ms > 0 ? "+" : ""}${ms / 1_000}s`,
    needs: "syscalls",
    lastsMs: 2_000,
    leavesMajority: true,
    strike: async (cluster) => {
      const faults = cluster.faults.get((await cluster.leader()).id)!;
      faults.setClockOffset(ms);
      return () => faults.setClockOffset(0);
    },
  };
}

/** Until a member whose disk has failed must have said so. */
const DISK_FAILED_WITHIN_MS = 5_000;

/** The leader's disk no longer syncs: it must give up at once. It comes back with a disk that does. */
export const failingSync: Fault = {
  name: "eio-on-fsync",
  needs: "syscalls",
  lastsMs: 1_500,
  leavesMajority: true,
  strike: async (cluster) => {
    const leader = await cluster.leader();
    const faults = cluster.faults.get(leader.id)!;
    faults.failSyncs();
    return async () => {
      try {
        await hasGivenUp(leader);
      } finally {
        faults.healSyncs();
      }
      await leader.kill();
      leader.start();
    };
  },
};

/** Error where a write is acknowledged by a member whose syncs fail, or where it goes on as a member. */
async function hasGivenUp(member: Member): Promise<void> {
  const untilMs = performance.now() + DISK_FAILED_WITHIN_MS;
  while (member.isRunning) {
    const write = { method: "PUT", path: "/kv/disk-has-failed", body: "" };
    const reply = await askOnce(member.plan.http, write, 1_000).catch(() => null);
    if (reply !== null && reply.status < 400) {
      throw new Error(`${member.id} acknowledges what it cannot have on its disk`);
    }
    if (reply !== null && /"(Stopped|DiskFailed)"/.test(textOf(reply))) return;
    if (performance.now() > untilMs) throw new Error(`${member.id} goes on without a disk`);
    await pause(50);
  }
}

/** More than a member keeps room for ahead: its open file, and the reserve. */
const FLOOD = { writes: 500, bytes: 200 * 1_024, together: 2 };

/** The first member's disk is filled by somebody else, and then the log by clients, until it says so. */
export const fullDisk: Fault = {
  name: "full-disk",
  needs: "smallDisk",
  lastsMs: 2_500,
  leavesMajority: true, // a leader without room lets another one lead
  strike: async (cluster) => {
    const [first] = cluster.members;
    const filler = `${first!.plan.dataFolder}/filler`;
    fill(filler);
    await flood(cluster, first!);
    return () => Deno.removeSync(filler);
  },
};

/** Writes until `member` says that its disk is full; an Error if it never does. */
async function flood(cluster: Cluster, member: Member): Promise<void> {
  const places = cluster.members.map(({ plan }) => plan.http);
  const body = "x".repeat(FLOOD.bytes);
  let [left, isFull] = [FLOOD.writes, false];
  const loop = async (_: unknown, index: number): Promise<void> => {
    while (!isFull && left > 0) {
      left -= 1;
      const write = { method: "PUT", path: `/kv/flood-${index}`, body };
      await askOnce(places[left % places.length]!, write, 2_000).catch(() => null);
      isFull ||= (await member.status().catch(() => null))?.isDiskFull === true;
    }
  };
  await Promise.all(Array.from({ length: FLOOD.together }, loop));
  if (!isFull) throw new Error(`${member.id} does not notice that its disk is full`);
}

/** Writes until the disk has no room. */
function fill(path: string): void {
  using file = Deno.openSync(path, { write: true, create: true });
  for (const size of [2 ** 20, 4_096, 1]) {
    try {
      for (;;) file.writeSync(new Uint8Array(size));
    } catch (error) {
      if (!/ENOSPC|No space left/.test(String(error))) throw error;
    }
  }
}

/** All of them; clocks by an hour, and by less than anybody would notice. */
export const FAULTS: readonly Fault[] = [
  killLeader,
  killFollower,
  killAll,
  pauseLeader,
  pauseFollower,
  pauseMajority,
  isolateLeader,
  isolateFollower,
  muteLeader,
  deafLeader,
  cutCable,
  cutAll,
  clockJump(3_600_000),
  clockJump(-3_600_000),
  clockJump(-2_000),
  failingSync,
  fullDisk,
];
