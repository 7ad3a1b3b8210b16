/** Members as processes: started, found, killed, paused, cut off, and cleaned up whatever happens. */

import { freePorts } from "../free_ports.ts";
import { withTmpfs } from "../tmpfs.ts";
import { askOnce } from "./ask_once.ts";
import { Member, type MemberPlan, type MemberStatus } from "./member.ts";
import { Network } from "./network.ts";
import { compileSyscallFaults, SyscallFaults } from "./syscall_faults.ts";

const HTTP_PORT = 8_000;
const LINK_PORT = 4_200;
const POLL_MS = 25;
const READY_WITHIN_MS = 30_000;

/** What a cluster is made of. */
export interface ClusterOptions {
  readonly size: number;
  /** Each member on a host of its own (root). */
  readonly hasNetwork?: boolean;
  /** Members whose syncs and clocks can fail (gcc). */
  readonly hasSyscallFaults?: boolean;
  /** The first member's data is on a disk of its own, of this size (root). */
  readonly firstDiskMiB?: number;
  /** Where data goes; a folder of its own is made there. */
  readonly parentFolder?: string;
  /** For `deno run` of each member. */
  readonly runtimeFlags?: readonly string[];
}

/** See the head of this file. */
export class Cluster {
  readonly members: readonly Member[];
  readonly network: Network | null;
  readonly faults: ReadonlyMap<string, SyscallFaults>;
  readonly folder: string;

  constructor(
    folder: string,
    members: readonly Member[],
    network: Network | null,
    faults: ReadonlyMap<string, SyscallFaults>,
  ) {
    this.folder = folder;
    this.members = members;
    this.network = network;
    this.faults = faults;
  }

  member(id: string): Member {
    return this.members.find((member) => member.id === id)!;
  }

  /** What those say who answer; `among` some of them. */
  async statuses(among: readonly Member[] = this.members): Promise<readonly MemberStatus[]> {
    const asked = among.filter(({ isAnswering }) => isAnswering).map((one) => one.status());
    const answers = await Promise.allSettled(asked);
    return answers.flatMap((one) => one.status === "fulfilled" ? [one.value] : []);
  }

  /** The member that a majority follows, with its term above `aboveTerm`. */
  async leader(
    { among = this.members, withinMs = READY_WITHIN_MS, aboveTerm = 0 } = {},
  ): Promise<Member> {
    const untilMs = performance.now() + withinMs;
    let seen: readonly MemberStatus[] = [];
    while (performance.now() < untilMs) {
      seen = await this.statuses(among);
      const leads = seen.find(({ id, role, term }) =>
        role === "leader" && term > aboveTerm && 2 * followers(seen, id, term) > this.members.length
      );
      if (leads !== undefined) return this.member(leads.id);
      await pause(POLL_MS);
    }
    throw new Error(`no leader within ${withinMs} ms: ${JSON.stringify(seen)}\n${this.logs()}`);
  }

  /** Makes a member the leader. */
  async handOver(to: Member): Promise<void> {
    const path = `/members/${to.id}/lead`;
    const untilMs = performance.now() + READY_WITHIN_MS;
    for (let leader = await this.leader(); leader !== to; leader = await this.leader()) {
      if (performance.now() > untilMs) throw new Error(`${to.id} does not lead\n${this.logs()}`);
      await askOnce(leader.plan.http, { method: "POST", path }, 5_000).catch(() => null);
    }
  }

  /** Waits until all members are there and follow one leader. */
  async complete(withinMs: number = READY_WITHIN_MS): Promise<void> {
    await this.#allSee(withinMs, () => true);
  }

  /** Waits until all members have applied what is committed, too; nobody may be writing. */
  async settled(withinMs: number = READY_WITHIN_MS): Promise<void> {
    await this.#allSee(withinMs, (seen) => {
      const commit = Math.max(...seen.map(({ commit }) => commit));
      return seen.every(({ applied }) => applied === commit);
    });
  }

  async #allSee(
    withinMs: number,
    isIt: (seen: readonly MemberStatus[]) => boolean,
  ): Promise<void> {
    const untilMs = performance.now() + withinMs;
    let seen: readonly MemberStatus[] = [];
    while (performance.now() < untilMs) {
      seen = await this.statuses();
      const leads = seen.find(({ role }) => role === "leader");
      const isComplete = seen.length === this.members.length && leads !== undefined &&
        seen.every(({ leader, term }) => leader === leads.id && term === leads.term);
      if (isComplete && isIt(seen)) return;
      await pause(POLL_MS);
    }
    throw new Error(`not level within ${withinMs} ms: ${JSON.stringify(seen)}\n${this.logs()}`);
  }

  /** What all members printed lately. */
  logs(): string {
    return this.members.flatMap(({ lines }) => lines.slice(-60)).sort().join("\n");
  }
}

/** Starts a cluster, waits for its leader, and ends every process when `work` has. */
export async function withCluster<T>(
  options: ClusterOptions,
  work: (cluster: Cluster) => Promise<T>,
): Promise<T> {
  const { size, firstDiskMiB, parentFolder = "/var/tmp" } = options;
  const folder = await Deno.makeTempDir({ dir: parentFolder, prefix: "quorus-raft-" });
  const network = options.hasNetwork === true ? new Network(size) : null;
  const run = async (): Promise<T> => {
    const faults = await faultsOf(options, folder);
    const { runtimeFlags = [] } = options;
    const members = plans(size, folder, network, faults)
      .map((plan) => new Member({ ...plan, runtimeFlags }));
    const cluster = new Cluster(folder, members, network, faults);
    try {
      for (const member of members) member.start();
      await cluster.leader();
      return await work(cluster);
    } finally {
      await Promise.all(members.map((member) => member.kill()));
    }
  };
  try {
    for (const id of idsOf(size)) await Deno.mkdir(`${folder}/${id}`);
    if (firstDiskMiB === undefined) return await run();
    return await withTmpfs(`${folder}/${idsOf(size)[0]}`, firstDiskMiB, run);
  } finally {
    network?.[Symbol.dispose]();
    await Deno.remove(folder, { recursive: true });
  }
}

/** So long, and nothing else: the faults of these tests have a length. */
export function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}

/** `a`, `b`, `c` ... */
export function idsOf(size: number): readonly string[] {
  return Array.from("abcdefghi").slice(0, size);
}

function followers(seen: readonly MemberStatus[], leader: string, term: number): number {
  return seen.filter((one) => one.leader === leader && one.term === term).length;
}

async function faultsOf(
  { size, hasSyscallFaults = false }: ClusterOptions,
  folder: string,
): Promise<ReadonlyMap<string, SyscallFaults>> {
  if (!hasSyscallFaults) return new Map();
  const library = await compileSyscallFaults(folder);
  return new Map(idsOf(size).map((id) => [id, new SyscallFaults(library, folder, id)]));
}

function plans(
  size: number,
  folder: string,
  network: Network | null,
  faults: ReadonlyMap<string, SyscallFaults>,
): MemberPlan[] {
  const ids = idsOf(size);
  const ports = network === null ? freePorts(2 * size) : [];
  const hosts = network?.hosts ?? ids.map(() => ({ hostname: "127.0.0.1", prefix: [] }));
  const links = ids.map((id, index) =>
    network === null ? `${id}=${ports[index]}` : `${id}=${hosts[index]!.hostname}:${LINK_PORT}`
  );
  return ids.map((id, index) => {
    const { hostname, prefix } = hosts[index]!;
    const port = ports[size + index] ?? HTTP_PORT;
    const environment = faults.get(id)?.environment ?? {};
    const dataFolder = `${folder}/${id}`;
    return { id, http: { hostname, port }, links, dataFolder, prefix, environment };
  });
}
