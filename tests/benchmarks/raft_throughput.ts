/** Writes and linearizable reads a second, and how long they take: ours and etcd's in turn. */

import { type Cluster, withCluster } from "../real/raft/cluster.ts";
import { type Etcd, withEtcd } from "../real/raft/etcd.ts";
import { putQuestion, rangeQuestion } from "../real/raft/etcd_client.ts";
import { findProgram } from "../real/require.ts";
import { figuresOf } from "./raft_figures.ts";
import {
  type Load,
  type Measured,
  overGrpc,
  overHttp,
  putCall,
  rangeCall,
  run,
} from "./raft_load.ts";
import type { RaftBenchOptions } from "./raft_options.ts";
import type { Report } from "./report.ts";

const NAME = "raft";
const KEYS = 1_000;
/** Written before anything is read. */
const VALUE = "v".repeat(256);
const IN_FLIGHT = [1, 100, 1_000];
const WARM_UP_MS = 1_000;
/** What the issue wants of us alone. */
const AIMS: Readonly<Record<string, string>> = { writes_1: ">=500", writes_1000: ">=20000" };

type Kind = "writes" | "reads";
type Open = Load["open"];

/** One way of asking one store. */
interface Contestant {
  /** Before each measure; empty for ours. */
  readonly prefix: string;
  open(kind: Kind): Promise<Open>;
  processIds(): readonly number[];
}

const key = (number: number): string => `key-${number % KEYS}`;

/** See the head of this file. */
export async function throughput(report: Report, options: RaftBenchOptions): Promise<void> {
  await withCluster({ size: 3 }, async (cluster) => {
    const compare = (etcd: Etcd | null) => cells(report, options, contestants(cluster, etcd));
    const termBefore = await termOf(cluster);
    if (findProgram("etcd") !== undefined) await withEtcd(compare);
    else {
      report({ bench: NAME, measure: "etcd", unit: "1/s", values: null, peer: "etcd-server" });
      await compare(null);
    }
    const elections = [await termOf(cluster) - termBefore];
    report({ bench: NAME, measure: "elections", unit: "terms", values: elections, aim: "<=0" });
  });
}

function contestants(cluster: Cluster, etcd: Etcd | null): Contestant[] {
  const ours: Contestant = {
    prefix: "",
    open: async (kind) => overHttp((await cluster.leader()).plan.http, ourQuestion[kind], KEYS),
    processIds: () => ids(cluster.members),
  };
  if (etcd === null) return [ours];
  const processIds = () => ids(etcd.members);
  const gateway = async (kind: Kind) =>
    overHttp((await etcd.leader()).http, theirQuestion[kind], KEYS);
  const grpc = async (kind: Kind) => overGrpc((await etcd.leader()).http, theirCalls(kind));
  return [
    ours,
    { prefix: "etcd_", open: gateway, processIds },
    { prefix: "etcd_grpc_", open: grpc, processIds },
  ];
}

async function cells(
  report: Report,
  { rounds, seconds }: RaftBenchOptions,
  all: readonly Contestant[],
): Promise<void> {
  for (const contestant of all) await measure(contestant, "writes", 100, 2);
  for (const kind of ["writes", "reads"] as const) {
    for (const inFlight of IN_FLIGHT) {
      const cell = new Map(all.map(({ prefix }) => [prefix, [] as Measured[]]));
      for (let round = 0; round < rounds; round += 1) {
        for (const contestant of all) {
          cell.get(contestant.prefix)!.push(await measure(contestant, kind, inFlight, seconds));
        }
      }
      tell(report, `${kind}_${inFlight}`, cell);
    }
  }
}

async function measure(
  { open, processIds }: Contestant,
  kind: Kind,
  inFlight: number,
  seconds: number,
): Promise<Measured> {
  const ms = seconds * 1_000;
  const load = { inFlight, ms, warmUpMs: WARM_UP_MS, processIds: processIds() };
  return await run({ ...load, open: await open(kind) });
}

function tell(
  report: Report,
  cell: string,
  measured: ReadonlyMap<string, readonly Measured[]>,
): void {
  const ours = measured.get("")!;
  const figure = figuresOf(report, NAME);
  for (const [prefix, runs] of measured) {
    const name = prefix + cell;
    figure(name, "1/s", runs.map(({ perSecond }) => perSecond), AIMS[name]);
    figure(`${name}_p50`, "ms", runs.map(({ p50Ms }) => p50Ms));
    figure(`${name}_p99`, "ms", runs.map(({ p99Ms }) => p99Ms));
    const failed = runs.map(({ failed }) => failed);
    if (failed.some((count) => count > 0)) figure(`${name}_failed`, "asked", failed);
    figure(`${name}_client_cpu`, "cores", runs.map(({ clientCores }) => clientCores));
    figure(`${name}_server_cpu`, "cores", runs.map(({ serverCores }) => serverCores));
    if (prefix === "") continue;
    const ratios = runs.map(({ perSecond }, round) => ours[round]!.perSecond / perSecond);
    figure(`${cell}_vs_${prefix.slice(0, -1)}`, "ratio", ratios, ">=1.0");
  }
}

const ourQuestion = {
  writes: (number: number) => ({ method: "PUT", path: `/kv/${key(number)}`, body: VALUE }),
  reads: (number: number) => ({
    method: "GET",
    path: `/kv/${key(number)}?consistency=linearizable`,
  }),
};

const theirQuestion = {
  writes: (number: number) => putQuestion(key(number), VALUE),
  reads: (number: number) => rangeQuestion(key(number)),
};

function theirCalls(kind: Kind) {
  const call = kind === "writes" ? (key: string) => putCall(key, VALUE) : rangeCall;
  return Array.from({ length: KEYS }, (_, number) => call(key(number)));
}

async function termOf(cluster: Cluster): Promise<number> {
  return (await (await cluster.leader()).status()).term;
}

function ids(members: readonly { readonly processId: number | null }[]): readonly number[] {
  return members.flatMap(({ processId }) => processId === null ? [] : [processId]);
}
