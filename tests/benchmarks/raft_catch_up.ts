/**
 * A new member beside a group with much state: what its catching up costs the leader's clients, and the
 * longest pause of the leader's event loop, by the time that `GET /status` takes.
 */

import { askOnce } from "../real/raft/ask_once.ts";
import { textOf } from "../real/raft/connection.ts";
import { freePorts } from "../real/free_ports.ts";
import { type Cluster, pause, withCluster } from "../real/raft/cluster.ts";
import { Member, type MemberStatus } from "../real/raft/member.ts";
import { figuresOf } from "./raft_figures.ts";
import { type Measured, overHttp, run } from "./raft_load.ts";
import type { RaftBenchOptions } from "./raft_options.ts";
import { PauseWatch } from "./raft_pauses.ts";
import type { Report } from "./report.ts";

const VALUE_BYTES = 1_000;
const FILL_IN_FLIGHT = 200;
const IN_FLIGHT = 50;
const IDLE_MS = 2_000;
const BEFORE_MS = 10_000;
const CATCH_UP_WITHIN_MS = 300_000;
const JOINING = "n";

/** See the head of this file. */
export async function catchUp(report: Report, { stateMb }: RaftBenchOptions): Promise<void> {
  await withCluster({ size: 3 }, async (cluster) => {
    const figure = figuresOf(report, "raft");
    const leader = await cluster.leader();
    const termNow = async () => (await (await cluster.leader()).status()).term;
    const firstTerm = await termNow();
    const watch = await PauseWatch.on(leader.plan.http);
    try {
      await pause(IDLE_MS);
      const idle = watch.longestMs();
      const filled = await fill(leader, stateMb);
      figure("state_filled", "MB/s", filled.perSecond * VALUE_BYTES / 1e6);
      figure("leader_pause_idle", "ms", idle);
      figure("leader_pause_filling", "ms", watch.longestMs(), "<=20");
      await cluster.handOver(leader); // another one leads, perhaps, since it was filled
      watch.longestMs();
      const before = await load(leader, BEFORE_MS, () => false);
      figure("leader_pause_before", "ms", watch.longestMs());
      figure("elections_before", "terms", await termNow() - firstTerm, "<=0");
      await cluster.handOver(leader);
      const term = await termNow();
      const { during, tookMs } = await join(cluster, leader);
      figure("catch_up_pause", "ms", watch.longestMs(), "<=20");
      figure("catch_up_took", "s", tookMs / 1_000);
      figure("writes_before_p99", "ms", before.p99Ms);
      figure("writes_catch_up_p99", "ms", during.p99Ms);
      figure("catch_up_p99_ratio", "ratio", during.p99Ms / before.p99Ms, "<=2");
      figure("catch_up_elections", "terms", await termNow() - term, "<=0");
      await watch.stop();
    } catch (error) {
      await watch.stop().catch(() => {}); // the first error says more
      throw error;
    }
  });
}

/** Puts so much into the store that a snapshot holds at least `stateMb`. */
async function fill(leader: Member, stateMb: number): Promise<Measured> {
  const body = "v".repeat(VALUE_BYTES);
  const count = Math.ceil(stateMb * 1e6 / VALUE_BYTES);
  let asked = 0;
  const open = overHttp(leader.plan.http, (number) => {
    asked = Math.max(asked, number + 1);
    return { method: "PUT", path: `/kv/state-${number % count}`, body };
  });
  // A busy leader may answer late.
  const isOver = () =>
    leader.status().then(({ snapshotIndex }) => snapshotIndex >= count, () => false);
  let isSnapshotThere = false;
  const looking = (async () => {
    while (!isSnapshotThere) {
      await pause(500);
      isSnapshotThere = asked >= count && await isOver();
    }
  })();
  const load = { open, inFlight: FILL_IN_FLIGHT, ms: CATCH_UP_WITHIN_MS, warmUpMs: 0 };
  const measured = await run({ ...load, processIds: [], isOver: () => isSnapshotThere });
  isSnapshotThere = true;
  await looking;
  return measured;
}

function load(leader: Member, ms: number, isOver: () => boolean): Promise<Measured> {
  const body = "v".repeat(256);
  const open = overHttp(
    leader.plan.http,
    (number) => ({ method: "PUT", path: `/kv/load-${number % 1_000}`, body }),
  );
  return run({ open, inFlight: IN_FLIGHT, ms, warmUpMs: 1_000, processIds: [], isOver });
}

/** Adds a member, and puts load on the leader until it has what the others have. */
async function join(
  cluster: Cluster,
  leader: Member,
): Promise<{ during: Measured; tookMs: number }> {
  const [link, port] = freePorts(2) as [number, number];
  const dataFolder = `${cluster.folder}/${JOINING}`;
  await Deno.mkdir(dataFolder);
  const { links } = leader.plan;
  const http = { hostname: "127.0.0.1", port };
  const plan = { id: JOINING, http, links: [...links, `${JOINING}=${link}`], dataFolder };
  const member = new Member({ ...plan, isJoining: true });
  member.start();
  try {
    while (!(await isAnswering(member))) await pause(100);
    let isOver = false;
    const during = load(leader, CATCH_UP_WITHIN_MS, () => isOver);
    const startedMs = performance.now();
    try {
      const question = { method: "POST", path: `/members/${JOINING}` };
      const added = await askOnce(leader.plan.http, question, 30_000);
      if (added.status !== 200) throw new Error(`add a member: ${textOf(added)}`);
      while (!hasCaughtUp(await (await cluster.leader()).status())) await pause(100);
    } finally {
      isOver = true;
    }
    return { during: await during, tookMs: performance.now() - startedMs };
  } finally {
    await member.kill();
  }
}

function hasCaughtUp({ peers }: MemberStatus): boolean {
  const peer = peers.find(({ id }) => id === JOINING);
  return peer?.state === "replicate" && peer.lagEntries < 1_000 && peer.match > 0;
}

async function isAnswering(member: Member): Promise<boolean> {
  return await member.status().then(() => true, () => false);
}
