/**
 * Memory and disk of three members under load for a long time, with compaction: they must not grow. The
 * heap of each is bounded: left alone, V8 keeps three to four times of what is alive before it looks, and
 * goes there over half an hour.
 */

import { pause, withCluster } from "../real/raft/cluster.ts";
import { figuresOf } from "./raft_figures.ts";
import { overHttp, run } from "./raft_load.ts";
import type { RaftBenchOptions } from "./raft_options.ts";
import { median, type Report } from "./report.ts";

const KEYS = 10_000;
const IN_FLIGHT = 50;
const SAMPLE_MS = 5_000;
/** Of each half of what is young. */
const YOUNG_MB = 8;
/** What is left out: everything is being compiled, and the first snapshots are to come. */
const WARM_SHARE = 0.2;

interface Sample {
  readonly rssMb: number;
  readonly diskMb: number;
}

/** See the head of this file. */
export async function bounded(
  report: Report,
  { minutes, heapMb }: RaftBenchOptions,
): Promise<void> {
  const flags = `--max-old-space-size=${heapMb},--max-semi-space-size=${YOUNG_MB}`;
  const runtimeFlags = [`--v8-flags=${flags}`];
  await withCluster({ size: 3, runtimeFlags }, async (cluster) => {
    const value = "v".repeat(256);
    const open = async () =>
      overHttp(
        (await cluster.leader()).plan.http,
        (number) => ({ method: "PUT", path: `/kv/key-${number * 7_919 % KEYS}`, body: value }),
      );
    const processIds = cluster.members.map(({ processId }) => processId!);
    const samples: Sample[] = [];
    let isOver = false;
    const sampling = (async () => {
      while (!isOver) {
        await pause(SAMPLE_MS);
        samples.push({
          rssMb: Math.max(...processIds.map(rssMb)),
          diskMb: Math.max(...cluster.members.map(({ plan }) => diskMb(plan.dataFolder))),
        });
      }
    })();
    const perSecond: number[] = [];
    // A minute at a time: the next one goes to whoever leads then.
    for (let minute = 0; minute < minutes; minute += 1) {
      const ms = Math.min(1, minutes - minute) * 60_000;
      const load = { inFlight: IN_FLIGHT, ms, warmUpMs: 1_000, processIds };
      try {
        perSecond.push((await run({ ...load, open: await open() })).perSecond);
      } catch (error) {
        console.error(`the leader has changed: ${error}`);
      }
    }
    isOver = true;
    await sampling;
    tell(report, minutes, perSecond, samples);
  });
}

function tell(
  report: Report,
  minutes: number,
  perSecond: readonly number[],
  samples: readonly Sample[],
): void {
  const figure = figuresOf(report, "raft");
  figure("bounded_minutes", "min", [minutes]);
  figure("bounded_writes", "1/s", perSecond);
  const warm = samples.slice(Math.floor(samples.length * WARM_SHARE));
  const half = warm.length >> 1;
  for (const [name, of] of [["rss", rss], ["disk", disk]] as const) {
    const values = warm.map(of);
    figure(`bounded_${name}`, "MB", values);
    const growth = median(values.slice(half)) / median(values.slice(0, half));
    figure(`bounded_${name}_growth`, "ratio", [growth], "<=1.15");
  }
}

const rss = (sample: Sample): number => sample.rssMb;
const disk = (sample: Sample): number => sample.diskMb;

function rssMb(processId: number): number {
  const text = Deno.readTextFileSync(`/proc/${processId}/status`);
  return Number(/^VmRSS:\s+(\d+)/m.exec(text)?.[1]) * 1_024 / 1e6;
}

/** What the files of a folder take; a file that goes away meanwhile takes nothing. */
function diskMb(folder: string): number {
  const args = ["-sk", folder];
  const { stdout } = new Deno.Command("du", { args, stderr: "null" }).outputSync();
  return Number(new TextDecoder().decode(stdout).split("\t")[0]) * 1_024 / 1e6;
}
