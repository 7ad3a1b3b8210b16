/**
 * Ours without HTTP: the leader's own process proposes and reads through the group's interface. etcd has
 * nothing like it for programs of other languages, so no peer stands beside these figures.
 */

import { resolve } from "node:path";
import { freePorts } from "../real/free_ports.ts";
import { figuresOf } from "./raft_figures.ts";
import { cpuMs } from "./raft_load.ts";
import type { MemberOrder, MemberPlan, MemberSays } from "./raft_member.ts";
import type { RaftBenchOptions } from "./raft_options.ts";
import { LineProcess } from "./raft_process.ts";
import type { Report } from "./report.ts";

const PROGRAM = resolve(import.meta.dirname ?? ".", "raft_member.ts");
const IN_FLIGHT = [1, 100, 1_000];
const IDS = ["a", "b", "c"];

type MemberProcess = LineProcess<MemberOrder>;

/** See the head of this file. */
export async function inProcess(report: Report, options: RaftBenchOptions): Promise<void> {
  const folder = await Deno.makeTempDir({ dir: "/var/tmp", prefix: "quorus-raft-" });
  const ports = freePorts(IDS.length);
  const links = IDS.map((id, index) => ({ id, port: ports[index]! }));
  const members = IDS.map((id) => {
    const plan: MemberPlan = { id, links, folder: `${folder}/${id}` };
    return new LineProcess<MemberOrder>(PROGRAM, plan);
  });
  try {
    await tell(report, options, members);
  } finally {
    await Promise.all(members.map((member) => member.end()));
    await Deno.remove(folder, { recursive: true });
  }
}

async function tell(
  report: Report,
  { rounds, seconds }: RaftBenchOptions,
  members: readonly MemberProcess[],
): Promise<void> {
  for (const kind of ["writes", "reads"] as const) {
    for (const inFlight of IN_FLIGHT) {
      const runs: Required<MemberSays>[] = [];
      const cores: number[] = [];
      while (runs.length < rounds) {
        const leader = await leaderOf(members);
        const [beforeMs, beforeCpuMs] = [performance.now(), cpuOf(members)];
        runs.push(
          await leader.ask<Required<MemberSays>>({
            do: "load",
            kind,
            inFlight,
            ms: seconds * 1_000,
          }),
        );
        cores.push((cpuOf(members) - beforeCpuMs) / (performance.now() - beforeMs));
      }
      const figure = figuresOf(report, "raft");
      const name = `in_process_${kind}_${inFlight}`;
      figure(name, "1/s", runs.map(({ perSecond }) => perSecond));
      figure(`${name}_p50`, "ms", runs.map(({ p50Ms }) => p50Ms));
      figure(`${name}_p99`, "ms", runs.map(({ p99Ms }) => p99Ms));
      figure(`${name}_cpu`, "cores", cores);
      figure(`${name}_failed`, "asked", runs.map(({ failed }) => failed));
    }
  }
}

async function leaderOf(members: readonly MemberProcess[]): Promise<MemberProcess> {
  for (;;) {
    for (const member of members) {
      if ((await member.ask<MemberSays>({ do: "who" })).leads === true) return member;
    }
    await new Promise((done) => setTimeout(done, 50));
  }
}

function cpuOf(members: readonly MemberProcess[]): number {
  return members.reduce((sum, { processId }) => sum + cpuMs(processId), 0);
}
