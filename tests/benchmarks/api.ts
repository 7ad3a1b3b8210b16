/**
 * `bench api`: status queries over HTTP for a thousand different jobs. First one controller and its gateway
 * in one process, beside what the same bytes cost when nothing is behind them; then a gateway whose reads
 * go to followers only, all of them separate processes. Clients are 1,000 connections: `wrk` asks as fast
 * as it is answered, which on its own makes each answer wait for 999 others; this process asks at a steady
 * rate. All of them share the machine.
 */

import { BenchChild } from "./bench_child.ts";
import { submitJobs } from "./api_jobs.ts";
import { openLoad } from "./api_load.ts";
import { type BenchCluster, cpuBetween, withBenchCluster } from "./cluster_nodes.ts";
import { figuresOf } from "./raft_figures.ts";
import type { Report } from "./report.ts";
import { type ClosedLoad, closedLoad, hasWrk } from "./wrk.ts";

const ROUNDS = 3;
const SECONDS = 4;
const CONNECTIONS = 1_000;
const RATES = [2_000, 5_000];
const QUERIES = { stale: "?consistency=stale", linearizable: "" };
type Kind = keyof typeof QUERIES;
const KINDS: readonly Kind[] = ["stale", "linearizable"];

/** Where a part is asked, and what asking costs there. */
interface Part {
  readonly bench: string;
  readonly url: string;
  readonly key: string;
  readonly paths: readonly string[];
  /** CPU time so far, in ms, by who used it. */
  cpuMs(): Readonly<Record<string, number>>;
}

/** Measures. */
export async function bench(report: Report): Promise<void> {
  await oneProcess(report);
  await withBenchCluster({ agents: 0 }, (cluster) => followers(cluster, report));
}

async function oneProcess(report: Report): Promise<void> {
  const server = await BenchChild.start<{ url: string; key: string }>("./api_server.ts");
  const { url, key } = server.said;
  const paths = await submitJobs(url, key);
  const part = { bench: "api", url, key, paths, cpuMs: () => ({ server: server.cpuMs }) };
  await measure(part, report);
  await floors(part, report);
  await server.stop();
}

/** A gateway that begins with the followers; it learns of the leader, who then answers too. */
async function followers(cluster: BenchCluster, report: Report): Promise<void> {
  const { id: leader } = await cluster.leader();
  const ids = cluster.controllers.map(({ node }) => node).filter((id) => id !== leader);
  const url = await cluster.startNarrowGateway(ids);
  const { key } = cluster;
  const paths = await submitJobs(url, key);
  const cpuMs = () => {
    const all = cluster.cpuMs();
    const of = (id: string) => cpuBetween(new Map(), all, id);
    return { gateway: of("g2"), followers: of(ids[0]!) + of(ids[1]!), leader: of(leader) };
  };
  await measure({ bench: "api-followers", url, key, paths, cpuMs }, report);
  const figure = figuresOf(report, "api-followers");
  figure("answered_by_followers", "of 20", await answeredBy(url, key, paths, ids));
  // Whoever leads in between is one of them: then the figures are of others than they say.
  const moved = (await cluster.leader()).id === leader ? 0 : 1;
  figure("leader_moved", "count", moved, "<1");
}

/** Both kinds of reads: as fast as it goes, and at steady rates. */
async function measure(part: Part, report: Report): Promise<void> {
  const figure = figuresOf(report, part.bench);
  const results: Record<Kind, Measured[]> = { stale: [], linearizable: [] };
  // Whoever is first meets code that is not compiled yet.
  if (hasWrk()) { for (const kind of KINDS) await closed(part, kind); }
  for (let round = 0; hasWrk() && round < ROUNDS; round += 1) {
    for (const kind of KINDS) results[kind].push(await closed(part, kind));
  }
  for (const kind of KINDS) {
    const of = (name: string, unit: string, pick: (one: Measured) => number, aim?: string) =>
      byWrk(report, part.bench, `${kind}_${name}`, unit, results[kind].map(pick), aim);
    of("queries", "1/s", ({ perSecond }) => perSecond, ">=10000");
    of("1000_clients_p50", "ms", ({ p50Ms }) => p50Ms);
    of("1000_clients_p99", "ms", ({ p99Ms }) => p99Ms, "<100");
    of("cpu_client", "us/query", ({ clientCpuUs }) => clientCpuUs);
    for (const who of Object.keys(part.cpuMs())) {
      of(`cpu_${who}`, "us/query", ({ cpuUs }) => cpuUs[who]!);
    }
  }
  for (const kind of KINDS) {
    for (const perSecond of RATES) {
      const paths = pathsOf(part, kind);
      const load = await openLoad({
        ...part,
        paths,
        connections: CONNECTIONS,
        perSecond,
        seconds: SECONDS,
      });
      const name = `${kind}_at_${perSecond}`;
      figure(`${name}_answered`, "1/s", load.perSecond);
      figure(`${name}_p50`, "ms", load.p50Ms);
      figure(`${name}_p99`, "ms", load.p99Ms, "<100");
      figure(`${name}_asked_late_p99`, "ms", load.lateP99Ms);
    }
  }
}

interface Measured extends ClosedLoad {
  readonly cpuUs: Readonly<Record<string, number>>;
}

async function closed(part: Part, kind: Kind): Promise<Measured> {
  const before = part.cpuMs();
  const load = await closedLoad({
    ...part,
    paths: pathsOf(part, kind),
    connections: CONNECTIONS,
    seconds: SECONDS,
  });
  const cpuUs = Object.entries(part.cpuMs()).map(([who, ms]) =>
    [who, (ms - before[who]!) * 1_000 / Math.max(1, load.requests)] as const
  );
  return { ...load, cpuUs: Object.fromEntries(cpuUs) };
}

function pathsOf({ paths }: Part, kind: Kind): readonly string[] {
  return paths.map((path) => path + QUERIES[kind]);
}

/** One of our answers, given by a server that does nothing else. */
async function floors({ url, key, paths }: Part, report: Report): Promise<void> {
  if (!hasWrk()) return;
  const answer = await fetch(url + paths[0], { headers: { authorization: `Bearer ${key}` } });
  const headers = Object.fromEntries(answer.headers);
  for (const name of ["content-length", "date", "vary"]) delete headers[name];
  const text = JSON.stringify({ body: await answer.text(), headers });
  const results: Record<string, ClosedLoad[]> = { "deno_serve": [], hono: [] };
  for (const [kind, loads] of Object.entries(results)) {
    const server = await BenchChild.start<{ url: string }>("./api_floor.ts", kind, text);
    for (let round = 0; round < ROUNDS; round += 1) {
      const options = { key, paths, connections: CONNECTIONS, seconds: SECONDS };
      loads.push(await closedLoad({ url: server.said.url, ...options }));
    }
    await server.stop();
    const rates = loads.map(({ perSecond }) => perSecond);
    byWrk(report, "api", `floor_${kind}`, "1/s", rates);
  }
}

/** How many of twenty queries these have answered. */
async function answeredBy(
  url: string,
  key: string,
  paths: readonly string[],
  ids: readonly string[],
): Promise<number> {
  let answered = 0;
  for (const path of paths.slice(0, 20)) {
    const answer = await fetch(url + path, { headers: { authorization: `Bearer ${key}` } });
    await answer.body?.cancel();
    if (ids.includes(answer.headers.get("quorus-controller") ?? "")) answered += 1;
  }
  return answered;
}

function byWrk(
  report: Report,
  bench: string,
  measure: string,
  unit: string,
  values: readonly number[],
  aim?: string,
): void {
  const rest = aim === undefined ? {} : { aim };
  if (hasWrk()) report({ bench, measure, unit, values, ...rest });
  else report({ bench, measure, unit, values: null, peer: "wrk", ...rest });
}
