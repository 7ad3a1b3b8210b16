/**
 * `bench protocols [--only sftp,s3] [--large-bytes 1GiB] [--small-files 5000] [--rounds 3] [--small-rounds 1]
 * [--minutes 15] [--disk] [--json]`: every protocol with a large file and many small ones of 4 KiB, get and put,
 * beside the native client and rclone on the same server in the same run. All files and servers lie in memory
 * (`/dev/shm`), so that no disk is measured, unless `--disk` says otherwise (`/var/tmp`). Nobody waits for the disk.
 * Small files are copied once; the large one in up to three rounds, of which none but the first begins after the
 * given minutes, so that the whole ends in some 25 on two quiet cores. Who fails is left out, and named in the end.
 *
 * `agent` is ours in a process that runs, `command` is `quorus run` with the start of its process, which is a
 * figure of its own too. Progress goes to standard error; so does the table at the end with `--json`.
 */

import process from "node:process";
import { findProgram } from "../../real/require.ts";
import { alternate, type Report } from "../report.ts";
import { azure } from "./azure.ts";
import { beside, type Files, madeFiles, type Outcome } from "./beside.ts";
import { command } from "./command.ts";
import type { Ground } from "./contest.ts";
import { ftp } from "./ftp.ts";
import { http } from "./http.ts";
import { QuorusAgent } from "./quorus_agent.ts";
import { runCommand } from "./quorus.ts";
import { s3 } from "./s3.ts";
import { type BenchSettings, settingsOf } from "./settings.ts";
import { sftp } from "./sftp.ts";
import { smb } from "./smb.ts";
import { tableOf } from "./table.ts";
import { webdav } from "./webdav.ts";

const GROUNDS: readonly Ground[] = [http, sftp, ftp, s3, smb, webdav, azure];

export async function bench(report: Report, args: readonly string[]): Promise<void> {
  const { json, rest } = withoutJson(args);
  const settings = settingsOf(rest);
  const grounds = chosen(settings);
  const folder = await Deno.makeTempDir({ dir: settings.folder, prefix: "quorus-bench-" });
  // Servers run as users of their own.
  await Deno.chmod(folder, 0o755);
  Deno.env.set("TMPDIR", folder);
  const agent = new QuorusAgent();
  try {
    await floors(report, folder);
    const files = await madeFiles(folder, settings);
    const outcomes: Outcome[] = [];
    for (const ground of grounds) {
      const stand = { settings, agent, folder };
      await held(report, ground, stand, files, outcomes).catch((error) => {
        process.stderr.write(`${ground.name}: FAILED: ${error}\n`);
        settings.failures.push(ground.name);
      });
    }
    (json ? process.stderr : process.stdout).write(`\n${tableOf(outcomes)}`);
    const { failures } = settings;
    if (failures.length > 0) throw new Error(`these have failed: ${failures.join(", ")}`);
  } finally {
    await agent.stop();
    await Deno.remove(folder, { recursive: true });
  }
}

function withoutJson(args: readonly string[]): { json: boolean; rest: string[] } {
  return { json: args.includes("--json"), rest: args.filter((arg) => arg !== "--json") };
}

function chosen({ only }: BenchSettings): readonly Ground[] {
  const names = GROUNDS.map(({ name }) => name);
  for (const name of only ?? []) {
    if (!names.includes(name)) {
      throw new Error(`read --only: ${name} is none of ${names.join(", ")}`);
    }
  }
  return GROUNDS.filter(({ name }) => only === null || only.includes(name));
}

async function held(
  report: Report,
  ground: Ground,
  stand: Parameters<Ground["hold"]>[0],
  files: readonly Files[],
  outcomes: Outcome[],
): Promise<void> {
  const { name, programs, hold } = ground;
  const missing = programs.find((program) => findProgram(program) === undefined);
  if (missing !== undefined) {
    report({ bench: name, measure: "all", unit: "ratio", values: null, peer: missing });
    return;
  }
  const startedMs = performance.now();
  const folder = `${stand.folder}/${name}`;
  await Deno.mkdir(folder);
  await hold({ ...stand, folder }, async (contest) => {
    for (const some of files) {
      outcomes.push(...await beside(report, contest, some, stand.settings));
    }
  });
  const seconds = (performance.now() - startedMs) / 1_000;
  report({ bench: name, measure: "whole", unit: "s", values: [seconds] });
}

/** What it costs to start, with one tiny file: it is part of everything that a command has shown. */
async function floors(report: Report, folder: string): Promise<void> {
  const [from, to] = [`${folder}/tiny`, `${folder}/tiny-out`];
  await Deno.writeTextFile(from, "tiny");
  const text = `apiVersion: quorus.dev/v1
kind: Transfer
metadata: { name: tiny }
spec: { source: { path: "${from}" }, destination: { path: "${to}", conflict: overwrite } }
`;
  const seconds = await alternate(3, {
    quorus: () => secondsOf(() => runCommand(text, folder)),
    rclone: () => secondsOf(() => command("rclone", ["copyto", "--ignore-times", from, to])),
  });
  for (const [name, values] of Object.entries(seconds)) {
    report({ bench: "protocols", measure: `start.${name}`, unit: "s", values });
  }
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1_000;
}
