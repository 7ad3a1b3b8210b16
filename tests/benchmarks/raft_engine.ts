/**
 * Core and log in the member's own thread beside the same in a Worker, three processes each, in turn:
 * elections a minute while the event loop of whoever leads stands still again and again, or under full
 * load; writes a second and how long they take. `--rounds=3 --seconds=5`.
 */

import { resolve } from "node:path";
import { freePorts } from "../real/free_ports.ts";
import { figuresOf } from "./raft_figures.ts";
import { cpuMs } from "./raft_load.ts";
import type {
  EngineLoadOutcome,
  EngineMemberOrder,
  EngineMemberPlan,
  EngineMemberStatus,
  Way,
} from "./raft_engine_member.ts";
import { LineProcess } from "./raft_process.ts";
import type { Report } from "./report.ts";

const PROGRAM = resolve(import.meta.dirname ?? ".", "raft_engine_member.ts");
const WAYS: readonly Way[] = ["thread", "worker"];
const IDS = ["a", "b", "c"];

type Member = LineProcess<EngineMemberOrder>;

/** What is done to a group. */
interface Case {
  readonly name: string;
  readonly inFlight: number;
  readonly stallMs: number;
  /** Each member asks, or the leader alone. */
  readonly all: boolean;
}

const CASES: readonly Case[] = [
  { name: "stall_100", inFlight: 4, stallMs: 100, all: true },
  { name: "stall_400", inFlight: 4, stallMs: 400, all: true },
  { name: "writes_1", inFlight: 1, stallMs: 0, all: false },
  { name: "writes_100", inFlight: 100, stallMs: 0, all: false },
  { name: "writes_1000", inFlight: 1_000, stallMs: 0, all: false },
];

/** What came of a case. */
interface Outcome {
  readonly electionsPerMinute: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failedPerSecond: number;
  readonly cores: number;
}

/** See the head of this file. */
export async function bench(report: Report): Promise<void> {
  const rounds = number("rounds", 3);
  const ms = 1_000 * number("seconds", 5);
  const outcomes = new Map<string, Outcome[]>();
  for (let round = 0; round < rounds; round += 1) {
    for (const way of WAYS) {
      await withMembers(way, async (members) => {
        await measure(members, { name: "warm", inFlight: 100, stallMs: 0, all: false }, 2_000);
        for (const each of CASES) {
          const key = `${way}_${each.name}`;
          const known = outcomes.get(key) ?? [];
          outcomes.set(key, [...known, await measure(members, each, ms)]);
        }
      });
    }
  }
  tell(report, outcomes);
}

function tell(report: Report, outcomes: ReadonlyMap<string, readonly Outcome[]>): void {
  const figure = figuresOf(report, "raft-engine");
  for (const { name } of CASES) {
    for (const way of WAYS) {
      const all = outcomes.get(`${way}_${name}`)!;
      const what = `${name}_${way}`;
      figure(`${what}_elections`, "1/min", all.map((one) => one.electionsPerMinute));
      figure(what, "1/s", all.map(({ perSecond }) => perSecond));
      figure(`${what}_p50`, "ms", all.map(({ p50Ms }) => p50Ms));
      figure(`${what}_p99`, "ms", all.map(({ p99Ms }) => p99Ms));
      figure(`${what}_failed`, "1/s", all.map(({ failedPerSecond }) => failedPerSecond));
      figure(`${what}_cpu`, "cores", all.map(({ cores }) => cores));
    }
  }
}

async function measure(
  members: readonly Member[],
  { inFlight, stallMs, all }: Case,
  ms: number,
): Promise<Outcome> {
  const asked = all ? members : [await leaderOf(members)];
  const before = { elections: await elections(members), cpuMs: cpuOf(members) };
  const fromMs = performance.now();
  const order = { do: "load", inFlight, ms, stallMs } as const;
  const runs = await Promise.all(asked.map((member) => member.ask<EngineLoadOutcome>(order)));
  const tookMs = performance.now() - fromMs;
  const worst = (of: (run: EngineLoadOutcome) => number) => Math.max(...runs.map(of));
  return {
    electionsPerMinute: (await elections(members) - before.elections) * 60_000 / tookMs,
    perSecond: runs.reduce((sum, { perSecond }) => sum + perSecond, 0),
    failedPerSecond: runs.reduce((sum, { failedPerSecond }) => sum + failedPerSecond, 0),
    p50Ms: worst(({ p50Ms }) => p50Ms),
    p99Ms: worst(({ p99Ms }) => p99Ms),
    cores: (cpuOf(members) - before.cpuMs) / tookMs,
  };
}

async function withMembers(
  way: Way,
  work: (members: readonly Member[]) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ dir: "/var/tmp", prefix: "quorus-raft-" });
  const free = freePorts(2 * IDS.length);
  const ports = Object.fromEntries(
    IDS.map((id, at) => [id, [free[2 * at]!, free[2 * at + 1]!] as const]),
  );
  const members = IDS.map((id) => {
    const plan: EngineMemberPlan = { id, way, ports, folder: `${folder}/${id}` };
    return new LineProcess<EngineMemberOrder>(PROGRAM, plan);
  });
  try {
    await leaderOf(members);
    await work(members);
  } finally {
    await Promise.all(members.map((member) => member.end()));
    await Deno.remove(folder, { recursive: true });
  }
}

async function leaderOf(members: readonly Member[]): Promise<Member> {
  for (;;) {
    for (const member of members) {
      if ((await member.ask<EngineMemberStatus>({ do: "status" })).leads) return member;
    }
    await new Promise((done) => setTimeout(done, 50));
  }
}

async function elections(members: readonly Member[]): Promise<number> {
  let sum = 0;
  for (const member of members) {
    sum += (await member.ask<EngineMemberStatus>({ do: "status" })).elections;
  }
  return sum;
}

function cpuOf(members: readonly Member[]): number {
  return members.reduce((sum, { processId }) => sum + cpuMs(processId), 0);
}

function number(name: string, otherwise: number): number {
  const text = Deno.args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
  return text === undefined ? otherwise : Number(text);
}
