/**
 * Ours without HTTP: the leader's own process proposes and reads through the group's interface. etcd has
 * nothing like it for programs of other languages, so no peer stands beside these figures.
 */

import { resolve } from "node:path";
import { freePorts } from "../real/raft/cluster.ts";
import { diesWithUs } from "../real/raft/member.ts";
import { cpuMs } from "./raft_load.ts";
import type { MemberOrder, MemberPlan, MemberSays } from "./raft_member.ts";
import type { RaftBenchOptions } from "./raft_options.ts";
import type { Report } from "./report.ts";

const PROGRAM = resolve(import.meta.dirname ?? ".", "raft_member.ts");
const IN_FLIGHT = [1, 100, 1_000];
const IDS = ["a", "b", "c"];

/** A member's process, told by lines of JSON. */
class MemberProcess {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  #rest = "";

  constructor(plan: MemberPlan) {
    const program = [Deno.execPath(), "run", "-A", PROGRAM, JSON.stringify(plan)];
    const [command, ...args] = [...diesWithUs(), ...program];
    this.#child = new Deno.Command(command!, {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#input = this.#child.stdin.getWriter();
  }

  get processId(): number {
    return this.#child.pid;
  }

  async ask(order: MemberOrder): Promise<MemberSays> {
    await this.#input.write(new TextEncoder().encode(`${JSON.stringify(order)}\n`));
    while (!this.#rest.includes("\n")) {
      const { value, done } = await this.#lines.read();
      if (done) throw new Error("a member of the benchmark ended early");
      this.#rest += value;
    }
    const end = this.#rest.indexOf("\n");
    const line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + 1);
    return JSON.parse(line);
  }

  async end(): Promise<void> {
    await this.#input.close();
    await this.#lines.cancel();
    await this.#child.status;
  }
}

/** See the head of this file. */
export async function inProcess(report: Report, options: RaftBenchOptions): Promise<void> {
  const folder = await Deno.makeTempDir({ dir: "/var/tmp", prefix: "quorus-raft-" });
  const ports = freePorts(IDS.length);
  const links = IDS.map((id, index) => ({ id, port: ports[index]! }));
  const members = IDS.map((id) => new MemberProcess({ id, links, folder: `${folder}/${id}` }));
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
          await leader.ask({ do: "load", kind, inFlight, ms: seconds * 1_000 }) as Required<
            MemberSays
          >,
        );
        cores.push((cpuOf(members) - beforeCpuMs) / (performance.now() - beforeMs));
      }
      const figure = (measure: string, unit: string, values: readonly number[]) =>
        report({
          bench: "raft",
          measure: `in_process_${kind}_${inFlight}${measure}`,
          unit,
          values,
        });
      figure("", "1/s", runs.map(({ perSecond }) => perSecond));
      figure("_p50", "ms", runs.map(({ p50Ms }) => p50Ms));
      figure("_p99", "ms", runs.map(({ p99Ms }) => p99Ms));
      figure("_cpu", "cores", cores);
      figure("_failed", "asked", runs.map(({ failed }) => failed));
    }
  }
}

async function leaderOf(members: readonly MemberProcess[]): Promise<MemberProcess> {
  for (;;) {
    for (const member of members) {
      if ((await member.ask({ do: "who" })).leads === true) return member;
    }
    await new Promise((done) => setTimeout(done, 50));
  }
}

function cpuOf(members: readonly MemberProcess[]): number {
  return members.reduce((sum, { processId }) => sum + cpuMs(processId), 0);
}
