/** One experiment: a cluster, its work, what is done to it, and what became of all of it. */

import { SeededRandom } from "../../runtime/sim/random.ts";
import type { ChaosOptions } from "./arguments.ts";
import { ChaosCluster } from "./cluster.ts";
import { pause, Tries } from "./door.ts";
import { Feed, isHeld } from "./feed.ts";
import { makeFiles } from "./files.ts";
import { judge, type Violation } from "./judge.ts";
import { Landing } from "./landing.ts";
import { availability, elections, failovers, reassignments, spreadOf } from "./measures.ts";
import { Nemesis } from "./nemesis.ts";
import { AGENTS, CONTROLLERS, placeNodes } from "./places.ts";
import { Probe } from "./probe.ts";
import { type ChaosReport, chaosReport } from "./report.ts";
import { type Restarted, rollingRestart } from "./rolling.ts";
import { startSource } from "./source_server.ts";
import { Workload } from "./workload.ts";

/** How much of the work is submitted before the rolling restart, and how much until its end. */
const SUBMITTED = { before: 0.42, during: 0.58 };
/** What a rolling restart takes, more or less: the pace of its share. */
const RESTART_MS = 30_000;
/** The second half ends with some time in which faults hit nothing but what runs. */
const SUBMIT_SHARE = 0.8;
/** Elections, the hold of a mass loss, retries, and the transfers themselves. */
const SETTLE_MS = 180_000;
/** Until a measured fault has shown what it takes: longer than any of it may take. */
const ALONE_MS = 15_000;
/** Agents that come back hand back what they had, and remove what nobody needs. */
const TIDY_MS = 30_000;
const TIDY_POLL_MS = 500;

/** Runs it; the report, and whether the folder was kept is in it. */
export async function experiment(
  options: ChaosOptions,
  say: (line: string) => void,
): Promise<ChaosReport> {
  const startedMs = Date.now();
  const tell = (line: string) => say(`${clock(Date.now() - startedMs)} ${line}`);
  const folder = await Deno.makeTempDir({ dir: "/var/tmp", prefix: "quorus-chaos-" });
  const { places, withoutPartitions } = placeNodes();
  if (withoutPartitions !== null) tell(`nobody will be cut off: ${withoutPartitions}`);
  let isKept = true;
  try {
    const random = new SeededRandom(options.seed);
    const source = await startSource(`${folder}/source`, places.source);
    const cluster = new ChaosCluster(folder, places);
    try {
      tell(
        `seed ${options.seed}; making ${options.files} files and starting 8 nodes`,
      );
      const files = makeFiles(source.root, options.files, random.stream("files"));
      await cluster.start();
      const parts = { cluster, files, random, origin: source.origin, options, tell };
      const found = { ...await work(parts), startedMs, withoutPartitions };
      await cluster.stop();
      const report = reportOf(options, cluster, files, found);
      isKept = options.keep || !report.ok;
      return isKept ? { ...report, logs: folder } : report;
    } finally {
      await cluster.kill();
      await source.stop();
    }
  } finally {
    places.network?.[Symbol.dispose]();
    if (!isKept) await Deno.remove(folder, { recursive: true });
    else tell(`the folder is kept: ${folder}`);
  }
}

interface Parts {
  readonly cluster: ChaosCluster;
  readonly files: ReturnType<typeof makeFiles>;
  readonly random: SeededRandom;
  readonly origin: string;
  readonly options: ChaosOptions;
  readonly tell: (line: string) => void;
}

async function work({ cluster, files, random, origin, options, tell }: Parts) {
  const tries = new Tries();
  const landing = new Landing(cluster.volume);
  const probe = new Probe(cluster, tries, tell);
  const feed = new Feed(cluster, tries);
  const workload = new Workload(cluster, tries, origin, files, random.stream("workload"));
  const leader = () => probe.leader;
  const nemesis = new Nemesis({ cluster, random: random.stream("nemesis"), leader, tell });
  const halfMs = options.minutes * 30_000;
  const violations: Violation[] = [];
  await feed.start();
  probe.start();
  tell("all nodes are ready; the work begins");
  workload.submit(SUBMITTED.before, halfMs);
  await nemesis.work(halfMs);
  workload.submit(SUBMITTED.during, RESTART_MS);
  let restarts: readonly Restarted[] = [];
  try {
    restarts = await rollingRestart(cluster, tries, leader, tell);
  } catch (error) {
    violations.push({ promise: "faults are survived", what: `rolling restart: ${error}` });
  }
  workload.submit(1, halfMs * SUBMIT_SHARE);
  await measureAlone(nemesis, feed, leader);
  await nemesis.work(halfMs);
  tell("all is healed");
  const healedMs = Date.now();
  const open = await workload.ended(SETTLE_MS, tell);
  const settledMs = open === 0 ? Date.now() - healedMs : null;
  await tidied(landing, new Set(files.map(({ name }) => name)));
  const { runs, jobs } = await workload.results();
  await Promise.all([probe.stop(), feed.stop()]);
  await landing.stop();
  tell("judging");
  const { submitted } = workload;
  violations.push(...await judge({ volume: cluster.volume, submitted, runs, jobs, feed, landing }));
  const retries = { promise: "retries cure requests" as const };
  violations.push(
    ...[...workload.failures, ...refusals(probe)].map((what) => ({ ...retries, what })),
  );
  const survived = { promise: "faults are survived" as const };
  violations.push(...nemesis.failures.map((what) => ({ ...survived, what })));
  return { violations, tries, probe, feed, nemesis, restarts, settledMs, submitted, jobs };
}

/** The busiest agent dies, then the leader, and nothing else happens: what failing over takes by itself. */
async function measureAlone(
  nemesis: Nemesis,
  feed: Feed,
  leader: () => string | null,
): Promise<void> {
  const held = () => Map.groupBy([...feed.latest().values()].filter(isHeld), ({ agent }) => agent!);
  const busiest = [...held()].sort(([, a], [, b]) => b.length - a.length)[0];
  const agent = busiest?.[0] ?? AGENTS[0]!;
  const kill = { kind: "kill", lastsMs: ALONE_MS } as const;
  await nemesis.alone({ ...kill, nodes: [agent] }, () => !held().has(agent));
  const leads = leader();
  if (leads === null) return;
  await nemesis.alone({ ...kill, nodes: [leads] }, () => leader() !== leads);
}

/** Requests of the probe may run out of time; but nothing else may go wrong with them. */
function refusals({ probed }: Probe): string[] {
  const passing = /^[a-z-]+$/;
  const wrong = probed.flatMap(({ error }) => error === null || passing.test(error) ? [] : [error]);
  return [...new Set(wrong)];
}

/** Waits until only finished files are there, for a while. */
async function tidied(landing: Landing, wanted: ReadonlySet<string>): Promise<void> {
  const endMs = Date.now() + TIDY_MS;
  const isTidy = () =>
    landing.names().every((name) => wanted.has(name) || name === ".quorus-volume");
  while (!isTidy() && Date.now() < endMs) await pause(TIDY_POLL_MS);
}

type Found = Awaited<ReturnType<typeof work>> & {
  readonly startedMs: number;
  readonly withoutPartitions: string | null;
};

function reportOf(
  { seed, minutes }: ChaosOptions,
  cluster: ChaosCluster,
  files: Parts["files"],
  found: Found,
): ChaosReport {
  const { probe: { probed }, nemesis: { struck }, feed, restarts, submitted, jobs } = found;
  const ends = cluster.nodes.flatMap(({ badEnds }) => badEnds)
    .map(({ node, how }) => ({
      promise: "processes end only when told" as const,
      what: `${node}: ${how}`,
    }));
  const violations = [...found.violations, ...ends];
  const times = submitted.flatMap(({ startedMs, acceptedMs }) =>
    acceptedMs === null ? [] : [acceptedMs - startedMs]
  );
  return chaosReport.parse({
    chaos: 1,
    ok: violations.length === 0,
    seed,
    minutes,
    startedMs: found.startedMs,
    tookMs: Date.now() - found.startedMs,
    withoutPartitions: found.withoutPartitions,
    nodes: { controllers: CONTROLLERS.length, agents: AGENTS.length, gateways: 1 },
    transfers: {
      files: files.length,
      bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
      runs: submitted.length,
      attempts: jobs.reduce((sum, { attempts }) => sum + attempts, 0),
      keptBytes: jobs.reduce((sum, { receipt }) => sum + Number(receipt?.["keptBytes"] ?? 0), 0),
      recovered: jobs.filter(({ receipt }) => receipt?.["outcome"] === "recovered").length,
    },
    machine: { cores: navigator.hardwareConcurrency, load: Deno.loadavg()[1]! },
    faults: struck.map(({ kind, nodes, leader, startedMs, endedMs }) => ({
      ...{ kind, nodes, leader, startedMs, endedMs },
    })),
    restarts,
    tries: found.tries.counts,
    availability: availability(probed, struck),
    elections: elections(probed, struck, restarts),
    failoverMs: failovers(probed, struck),
    reassignedMs: reassignments(feed.events, struck),
    submittedMs: spreadOf(times),
    settledMs: found.settledMs,
    events: { jobs: feed.events.length, lost: feed.lost, missed: feed.missed },
    violations,
    logs: null,
    command: `deno task chaos --minutes ${minutes} --seed ${seed} --files ${files.length}`,
  });
}

/** `03:21.4` */
function clock(ms: number): string {
  const minutes = String(Math.floor(ms / 60_000)).padStart(2, "0");
  return `${minutes}:${((ms % 60_000) / 1_000).toFixed(1).padStart(4, "0")}`;
}
