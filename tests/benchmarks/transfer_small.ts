/**
 * `bench transfer-small`: 10,000 files of 4 KiB from a local nginx in one group, beside rclone with
 * the same concurrency on the same server in the same run.
 *
 * Parsing and planning the 10,000 entries is shown apart. Unsynced against rclone alone; synced (each
 * file and its directory) against rclone followed by `sync`.
 */

import { realEnv } from "../../runtime/env/real.ts";
import type { Env } from "../../runtime/env/env.ts";
import type { Plan } from "../../workflows/plan.ts";
import { planText, runPlan } from "./engine.ts";
import { command, type Nginx, onEachPlace } from "./nginx.ts";
import { alternate, type Report } from "./report.ts";

const FILES = 10_000;
const BYTES = 4_096;
const CONCURRENCY = 16;
const ROUNDS = 5;
export async function bench(report: Report): Promise<void> {
  const env = realEnv();
  const missing = (peer: string) =>
    report({ bench: "transfer-small", measure: "all", unit: "ratio", values: null, peer });
  try {
    await onEachPlace(
      ["rclone"],
      missing,
      smallFiles,
      (place, folder, nginx) => onPlace(report, place, env, nginx, folder),
    );
  } finally {
    env.close();
  }
}

async function onPlace(
  report: Report,
  place: string,
  env: Env,
  nginx: Nginx,
  folder: string,
): Promise<void> {
  const text = document(nginx.http, `${folder}/out`);
  const parse: number[] = [];
  let plan: Plan | null = null;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    plan = planText(text, 0);
    parse.push((performance.now() - start) / 1_000);
  }
  const planned = plan as Plan;
  const seconds = await alternate(ROUNDS, {
    quorus_unsynced: () => timed(folder, () => quorus(env, planned, folder, false)),
    rclone: () => timed(folder, () => rclone(nginx, folder)),
    quorus_synced: () => timed(folder, () => quorus(env, planned, folder, true)),
    rclone_sync: () =>
      timed(folder, async () => {
        await rclone(nginx, folder);
        await command("sync");
      }),
  });
  const say = (measure: string, unit: string, values: number[], aim?: string) =>
    report({
      bench: "transfer-small",
      measure: `${place}.${measure}`,
      unit,
      values,
      ...(aim === undefined ? {} : { aim }),
    });
  say("parse_and_plan", "s", parse);
  for (const [name, values] of Object.entries(seconds)) {
    say(name, "files/s", values.map((value) => FILES / value));
  }
  const ratio = (theirs: number[], ours: number[]) => theirs.map((s, i) => s / (ours[i] as number));
  say("unsynced_vs_rclone", "ratio", ratio(seconds.rclone, seconds.quorus_unsynced), ">=1.0");
  say("synced_vs_rclone_sync", "ratio", ratio(seconds.rclone_sync, seconds.quorus_synced), ">=0.8");
}

async function quorus(env: Env, plan: Plan, folder: string, sync: boolean): Promise<void> {
  await runPlan(env, plan, { sync, folder: `${folder}/run` });
}

async function rclone(nginx: Nginx, folder: string): Promise<void> {
  const list = `${folder}/list`;
  const names = Array.from({ length: FILES }, (_, i) => `f${i}.bin`).join("\n");
  await Deno.writeTextFile(list, names);
  await command(
    "rclone",
    ...["copy", "--ignore-times", "--no-traverse", "--files-from-raw", list],
    ...["--transfers", String(CONCURRENCY), "--checkers", String(CONCURRENCY)],
    ...[`:http,url='${nginx.http}':`, `${folder}/out`],
  );
}

/** Seconds that `work` takes to make all files; the folder is emptied before and after. */
async function timed(folder: string, work: () => Promise<void>): Promise<number> {
  const out = `${folder}/out`;
  await Deno.mkdir(out);
  // What the contestant before has left to be written must not slow this one down.
  await command("sync");
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1_000;
  let files = 0;
  for await (const entry of Deno.readDir(out)) if (entry.name.endsWith(".bin")) files += 1;
  if (files !== FILES) throw new Error(`${out} has ${files} files`);
  await Deno.remove(out, { recursive: true });
  return seconds;
}

function document(origin: string, out: string): string {
  const lines = [
    "apiVersion: quorus.dev/v1",
    "kind: TransferGroup",
    "metadata: { name: small }",
    "spec:",
    `  execution: { strategy: parallel, maxConcurrency: ${CONCURRENCY} }`,
    "  transfers:",
  ];
  for (let i = 0; i < FILES; i++) {
    lines.push(`    - name: f${i}`);
    lines.push(`      source: { uri: "${origin}/f${i}.bin" }`);
    lines.push(`      destination: { path: "${out}/f${i}.bin" }`);
  }
  return lines.join("\n") + "\n";
}

async function smallFiles(folder: string): Promise<void> {
  const content = new Uint8Array(BYTES);
  for (let i = 0; i < FILES; i++) {
    crypto.getRandomValues(content);
    await Deno.writeFile(`${folder}/f${i}.bin`, content);
  }
}
