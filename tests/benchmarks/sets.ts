/**
 * `bench sets`: a million names of a paper directory through one set, each run in a process of its own whose
 * resident memory is sampled. `there`: all of them are at their destination already; `left`: none is meant;
 * `copied`: 100,000 files of 1 KiB to a sink that keeps nothing, with grants and receipts in a durable log.
 *
 * "Flat over time" is the median of the last quarter's samples less that of the second quarter's. The heap after a
 * collection stays at 19 MiB over 60,000 copied files (seen once, with gc() each 4 s); the rest is V8's own pace.
 */

import { median, type Report } from "./report.ts";

/** What a child prints. */
export interface Measured {
  readonly files: number;
  readonly seconds: number;
  readonly peakBytes: number;
  readonly samples: readonly number[];
}

const RUNS = [
  { mode: "left", names: 1_000_000 },
  { mode: "there", names: 1_000_000 },
  { mode: "copied", names: 100_000 },
] as const;

export async function bench(report: Report): Promise<void> {
  for (const { mode, names } of RUNS) {
    const run = await measure(mode, names);
    const say = (name: string, unit: string, value: number, aim?: string) =>
      report({
        bench: "sets",
        measure: `${mode}.${name}`,
        unit,
        values: [value],
        ...(aim === undefined ? {} : { aim }),
      });
    say("names", "count", run.files);
    say("peak_rss", "MiB", run.peakBytes / 2 ** 20);
    say("growth", "MiB", growth(run.samples) / 2 ** 20, "<=64");
    say("speed", "files/s", run.files / run.seconds);
  }
}

function growth(samples: readonly number[]): number {
  const quarter = Math.floor(samples.length / 4);
  return median(samples.slice(-quarter)) - median(samples.slice(quarter, 2 * quarter));
}

async function measure(mode: string, names: number): Promise<Measured> {
  const child = new URL("./sets_child.ts", import.meta.url).pathname;
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", child, mode, String(names)],
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout)) as Measured;
}
