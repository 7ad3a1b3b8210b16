/**
 * One agent with its long transfers on its own thread and on two Workers, by turns, each in a process of
 * its own with a controller's part as thin as it can be: files per second and bytes per second with the
 * CPU time that they cost, local and synced; and memory under 1,000 transfers from a slow server.
 */

import { figuresOf } from "./raft_figures.ts";
import type { Report } from "./report.ts";
import { SlowServer } from "./slow_server.ts";

const ROUNDS = 3;
const WORKERS = [0, 2];
/** Longer than a buffer, so that Workers carry them out. */
const SLOW = { bytes: 1_179_648, overMs: 500 };

const CHILD = new URL("./workers_child.ts", import.meta.url).pathname;

/** See the head of this file. */
export async function bench(report: Report): Promise<void> {
  const figure = figuresOf(report, "workers");
  const all = new Map<string, number[]>();
  await using server = new SlowServer(SLOW.bytes, SLOW.overMs);
  for (let round = 0; round < ROUNDS; round++) {
    for (const workers of WORKERS) {
      for (const [name, value] of Object.entries(await measured(workers, server.url))) {
        const measure = `${workers}_workers_${name}`;
        all.set(measure, [...all.get(measure) ?? [], value]);
      }
    }
  }
  for (const [name, values] of all) {
    const [measure, unit] = name.split(" ") as [string, string];
    figure(measure, unit, values);
  }
}

async function measured(workers: number, url: string): Promise<Record<string, number>> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", CHILD, String(workers), url],
    stdout: "piped",
    stderr: "inherit",
  });
  const { success, stdout } = await child.output();
  if (!success) throw new Error(`an agent with ${workers} Workers was not measured`);
  return JSON.parse(new TextDecoder().decode(stdout));
}
