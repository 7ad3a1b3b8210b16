/** A large file and many small ones, copied by us and by others, in turns, on the same server. */

import process from "node:process";
import { median, type Report } from "../report.ts";
import { command, endedChildrenMs } from "./command.ts";
import type { Aims, Contest, Contestant, Work } from "./contest.ts";
import { countOf } from "./far.ts";
import type { BenchSettings } from "./settings.ts";

const SMALL_BYTES = 4_096;
const MEGABYTE = 1_000_000;
const BLOCK_BYTES = 65_536;
const MEBIBYTE = 2 ** 20;

/** One copy. */
interface Taken {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** What one direction of one set of files has shown. */
export interface Outcome {
  readonly bench: string;
  readonly size: Work["size"];
  readonly direction: Work["direction"];
  readonly unit: "MB/s" | "files/s";
  /** Median of the rounds, by name. */
  readonly rates: Readonly<Record<string, number>>;
  /** Median of what ours is of theirs: by ours, then by theirs. */
  readonly ratios: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly aims: Aims;
}

/** Files that everybody copies, made once. */
export interface Files {
  readonly size: Work["size"];
  readonly folder: string;
  readonly names: readonly string[];
  readonly bytes: number;
}

/** Makes the large file and the small ones below a folder. */
export async function madeFiles(folder: string, settings: BenchSettings): Promise<Files[]> {
  const { largeBytes, smallFiles } = settings;
  return [
    await filled("large", `${folder}/large`, 1, largeBytes),
    await filled("small", `${folder}/small`, smallFiles, SMALL_BYTES),
  ];
}

/** Measures everybody with these files, and tells it. */
export async function beside(
  report: Report,
  contest: Contest,
  files: Files,
  settings: BenchSettings,
): Promise<Outcome[]> {
  const { far, bench } = contest;
  const { size, names, folder } = files;
  const outcomes: Outcome[] = [];
  if (contest.directions.includes("get")) await far.fill(folder, size);
  for (const direction of contest.directions) {
    const work: Work = direction === "get"
      ? { size, direction, names, near: `${folder}-out`, far: size }
      : { size, direction, names, near: folder, far: `${size}-out` };
    const taken = await inTurns(contest, work, files, settings);
    outcomes.push(tell(report, contest, work, files, taken));
  }
  if (contest.directions.includes("get")) await far.remove(size, size);
  process.stderr.write(`${bench} ${size}: done\n`);
  return outcomes;
}

async function inTurns(
  contest: Contest,
  work: Work,
  files: Files,
  settings: BenchSettings,
): Promise<Record<string, Taken[]>> {
  const rounds = work.size === "large" ? settings.rounds : settings.smallRounds;
  const taken: Record<string, Taken[]> = {};
  const failed = new Set<string>();
  for (let round = 0; round < rounds; round += 1) {
    if (round > 0 && performance.now() > settings.roundsUntilMs) break;
    for (const [name, contestant] of Object.entries(contest.contestants)) {
      if (round >= (contestant.rounds ?? rounds) || failed.has(name)) continue;
      const fresh = work.direction === "get"
        ? work
        : { ...work, far: `${work.far}-${name}${round}` };
      const what = `${contest.bench} ${work.size} ${work.direction} ${name}`;
      const one = await timed(contest, fresh, files, contestant).catch((error) => String(error));
      if (typeof one === "string") {
        process.stderr.write(`${what}: FAILED: ${one}\n`);
        failed.add(name);
        settings.failures.push(what);
        await cleared(contest, fresh);
        continue;
      }
      (taken[name] ??= []).push(one);
      const { seconds, cpuSeconds } = one;
      process.stderr.write(`${what}: ${seconds.toFixed(2)} s, CPU ${cpuSeconds.toFixed(2)} s\n`);
    }
  }
  return taken;
}

/** What somebody has left who failed must not be found by the next one. */
async function cleared({ far }: Contest, work: Work): Promise<void> {
  const end = work.direction === "get"
    ? Deno.remove(work.near, { recursive: true })
    : far.remove(work.far, work.size);
  await end.catch(() => {});
}

/** Copies once; where it is copied to is empty before and after. */
async function timed(
  { far }: Contest,
  work: Work,
  files: Files,
  { copy, cpuMs = () => 0 }: Contestant,
): Promise<Taken> {
  const isGet = work.direction === "get";
  if (isGet) await Deno.mkdir(work.near);
  else await far.make(work.far);
  await warmMemory(files);
  const [start, cpuStart] = [performance.now(), cpuMs() + endedChildrenMs()];
  await copy(work);
  const seconds = (performance.now() - start) / 1_000;
  const cpuSeconds = (cpuMs() + endedChildrenMs() - cpuStart) / 1_000;
  const found = isGet ? countOf(work.near) : await far.count(work.far);
  if (found.files !== work.names.length || found.bytes !== files.bytes) {
    throw new Error(`copy ${work.size}: ${JSON.stringify(found)} have come`);
  }
  if (isGet) await Deno.remove(work.near, { recursive: true });
  else await far.remove(work.far, work.size);
  return { seconds, cpuSeconds };
}

/**
 * Writes what the contestant before has left to be written, and has the page cache hold a file of this size.
 * A virtual machine gives free memory back to its host, and to get it again costs up to 4.5 s a GiB: whoever
 * ran after somebody small would pay for it.
 */
async function warmMemory({ folder, bytes }: Files): Promise<void> {
  await command("sync", []);
  const path = `${folder}.warm`;
  const count = Math.ceil(bytes / MEBIBYTE);
  await command("dd", ["if=/dev/zero", `of=${path}`, "bs=1M", `count=${count}`]);
  await Deno.remove(path);
}

function tell(
  report: Report,
  { bench, aims }: Contest,
  { size, direction }: Work,
  files: Files,
  taken: Readonly<Record<string, readonly Taken[]>>,
): Outcome {
  const [unit, amount] = size === "large"
    ? ["MB/s", files.bytes / MEGABYTE] as const
    : ["files/s", files.names.length] as const;
  const say = (
    measure: string,
    unit: string,
    values: readonly number[],
    aim: string | null = null,
  ) =>
    report({
      ...{ bench, measure: `${size}.${direction}.${measure}`, unit, values },
      ...(aim === null ? {} : { aim }),
    });
  const secondsOf = (name: string) => (taken[name] ?? []).map(({ seconds }) => seconds);
  const rates: Record<string, number> = {};
  for (const name of Object.keys(taken)) {
    const values = secondsOf(name).map((seconds) => amount / seconds);
    rates[name] = median(values);
    say(name, unit, values);
    say(`${name}.cpu`, "s", taken[name]!.map(({ cpuSeconds }) => cpuSeconds));
  }
  const wanted = aims(size);
  const ratios: Record<string, Record<string, number>> = {};
  for (const ours of ["agent", "command"]) {
    for (const [name, aim] of Object.entries(wanted)) {
      const theirs = secondsOf(name);
      if (theirs.length === 0) continue;
      const middle = median(theirs);
      const values = secondsOf(ours).map((seconds, round) => (theirs[round] ?? middle) / seconds);
      (ratios[ours] ??= {})[name] = median(values);
      say(`${ours}_vs_${name}`, "ratio", values, aim);
    }
  }
  return { bench, size, direction, unit, rates, ratios, aims: wanted };
}

/** One file of random bytes in a fresh folder. */
export function madeFile(folder: string, bytes: number): Promise<Files> {
  return filled("large", folder, 1, bytes);
}

/** Files of random bytes in a fresh folder. */
async function filled(
  size: Work["size"],
  folder: string,
  count: number,
  bytes: number,
): Promise<Files> {
  await Deno.mkdir(folder);
  await Deno.chmod(folder, 0o755);
  const names = Array.from({ length: count }, (_, index) => `f${index}.bin`);
  const block = new Uint8Array(Math.min(BLOCK_BYTES, bytes));
  for (const name of names) {
    const file = await Deno.open(`${folder}/${name}`, { write: true, create: true });
    for (let at = 0; at < bytes; at += block.length) {
      crypto.getRandomValues(block);
      file.writeSync(block.subarray(0, bytes - at));
    }
    file.close();
  }
  return { size, folder, names, bytes: count * bytes };
}
