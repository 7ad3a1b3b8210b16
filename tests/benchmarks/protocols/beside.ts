/** A large file and many small ones, copied by us and by others, in turns, on the same server. */

import { alternate, type Report } from "../report.ts";

const LARGE_BYTES = 256 * 2 ** 20;
const FILES = 500;
const SMALL_BYTES = 4_096;
const ROUNDS = 3;
const MEGABYTE = 1_000_000;

/** Files at a time, for everybody. */
export const CONCURRENCY = 4;

/** One direction of one set of files: folders as this machine has them. */
export interface Work {
  readonly names: readonly string[];
  readonly direction: "get" | "put";
  /** Where they are read. */
  readonly from: string;
  /** Where they are to be, empty. */
  readonly to: string;
}

/** Who takes part, on a server whose files are below `root` and which `folder` belongs to alone. */
export interface Contest {
  readonly bench: string;
  readonly root: string;
  readonly folder: string;
  /** By name; `quorus` among them. */
  readonly copies: Readonly<Record<string, (work: Work) => Promise<void>>>;
  /** What ours is to be of theirs, by their names. */
  readonly aims: Readonly<Record<string, string>>;
}

/** Measures everybody, and tells it. */
export async function beside(report: Report, contest: Contest): Promise<void> {
  const { root, folder } = contest;
  for (
    const [size, unit, count, bytes] of [
      ["large", "MB/s", 1, LARGE_BYTES],
      ["small", "files/s", FILES, SMALL_BYTES],
    ] as const
  ) {
    const amount = size === "large" ? LARGE_BYTES / MEGABYTE : FILES;
    const names = await filled([`${folder}/${size}`, `${root}/${size}`], count, bytes);
    for (const direction of ["get", "put"] as const) {
      const [near, far] = [`${folder}/${size}`, `${root}/${size}`];
      const work: Work = {
        ...{ names, direction },
        from: direction === "get" ? far : near,
        to: direction === "get" ? `${folder}/out` : `${root}/out`,
      };
      await compare(report, contest, work, `${size}.${direction}`, unit, amount);
    }
  }
}

async function compare(
  report: Report,
  { bench, copies, aims }: Contest,
  work: Work,
  what: string,
  unit: string,
  amount: number,
): Promise<void> {
  const runs = Object.entries(copies).map(([name, copy]) =>
    [name, () => timed(work, () => copy(work))] as const
  );
  const seconds = await alternate(ROUNDS, Object.fromEntries(runs));
  for (const [name, values] of Object.entries(seconds)) {
    report({ bench, measure: `${what}.${name}`, unit, values: values.map((one) => amount / one) });
  }
  for (const [name, aim] of Object.entries(aims)) {
    const values = seconds[name]!.map((one, round) => one / seconds.quorus![round]!);
    report({ bench, measure: `${what}.vs_${name}`, unit: "ratio", values, aim });
  }
}

/** The same files in all of these folders. */
async function filled(
  folders: readonly string[],
  count: number,
  bytes: number,
): Promise<readonly string[]> {
  for (const folder of folders) await Deno.mkdir(folder);
  const content = new Uint8Array(bytes);
  const names = Array.from({ length: count }, (_, index) => `f${index}.bin`);
  for (const name of names) {
    for (let at = 0; at < bytes; at += 65_536) {
      crypto.getRandomValues(content.subarray(at, at + 65_536));
    }
    for (const folder of folders) await Deno.writeFile(`${folder}/${name}`, content);
  }
  return names;
}

/** Seconds until all files are there; what they are copied to is empty before and after. */
async function timed({ to, names }: Work, copy: () => Promise<void>): Promise<number> {
  await Deno.mkdir(to);
  await Deno.chmod(to, 0o777);
  await command("sync", []);
  const start = performance.now();
  await copy();
  const seconds = (performance.now() - start) / 1_000;
  const found = [...Deno.readDirSync(to)].filter(({ name }) => name.endsWith(".bin")).length;
  if (found !== names.length) throw new Error(`${to} has ${found} files`);
  await Deno.remove(to, { recursive: true });
  return seconds;
}

/** Runs a program to its end. */
export async function command(
  program: string,
  args: readonly string[],
  env: Record<string, string> = {},
  input = "",
): Promise<string> {
  const child = new Deno.Command(program, {
    args: [...args],
    env,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  // Who does not read it has ended, and says why.
  await writer.write(new TextEncoder().encode(input)).catch(() => {});
  await writer.close().catch(() => {});
  const { success, stdout, stderr } = await child.output();
  if (success) return new TextDecoder().decode(stdout);
  throw new Error(`${program} failed: ${new TextDecoder().decode(stderr)}`);
}

/** A workflow that copies the files, `far` being how a file of the server is written. */
export function workflowOf(
  { names, direction, from, to }: Work,
  far: (path: string) => string,
): string {
  const near = (path: string) => `{ path: "${path}" }`;
  const [source, destination] = direction === "get" ? [far, near] : [near, far];
  const lines = names.flatMap((name, index) => [
    `    - name: f${index}`,
    `      source: ${source(`${from}/${name}`)}`,
    `      destination: ${destination(`${to}/${name}`)}`,
  ]);
  return [
    "apiVersion: quorus.dev/v1",
    "kind: TransferGroup",
    "metadata: { name: files }",
    "spec:",
    `  execution: { strategy: parallel, maxConcurrency: ${CONCURRENCY} }`,
    "  transfers:",
    ...lines,
  ].join("\n") + "\n";
}
