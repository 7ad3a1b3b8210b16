/**
 * `bench transfer-memory`: 10 GiB through the pipeline, from a generated source to a discarding and
 * to a real sink, each in a process of its own whose resident memory is sampled.
 *
 * "Flat over time" is shown as the median of the last quarter's samples less that of the second
 * quarter's (the first holds the start).
 */

import { median, type Report } from "./report.ts";

const ROUNDS = 5;

interface Measured {
  readonly seconds: number;
  /** Of `/proc/self/status`: the kernel's own high-water mark. */
  readonly peakBytes: number;
  readonly samples: readonly number[];
}

export async function bench(report: Report): Promise<void> {
  for (const sink of ["discard", "file"] as const) {
    const runs: Measured[] = [];
    for (let round = 0; round < ROUNDS; round++) runs.push(await measure(sink));
    const say = (name: string, unit: string, values: number[], aim?: string) =>
      report({
        bench: "transfer-memory",
        measure: `${sink}.${name}`,
        unit,
        values,
        ...(aim === undefined ? {} : { aim }),
      });
    say("peak_rss", "MiB", runs.map((run) => run.peakBytes / 2 ** 20), "<=160");
    say("growth", "MiB", runs.map((run) => growth(run.samples) / 2 ** 20), "<=8");
    say("speed", "MB/s", runs.map((run) => 10 * 2 ** 30 / run.seconds / 1e6));
  }
}

function growth(samples: readonly number[]): number {
  const quarter = Math.floor(samples.length / 4);
  return median(samples.slice(-quarter)) - median(samples.slice(quarter, 2 * quarter));
}

async function measure(sink: "discard" | "file"): Promise<Measured> {
  const child = new URL("./transfer_memory_child.ts", import.meta.url).pathname;
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", child, sink],
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout)) as Measured;
}
