/**
 * `bench protocols-smb`: a large file and many small ones from and to a Samba server of this machine, beside
 * smbclient by hand and rclone on the same server in the same run. All of them write without syncing;
 * ours hashes what passes, and publishes each file.
 */

import { smbProtocol } from "../../../protocols/smb/protocol.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import type { Env } from "../../../runtime/env/env.ts";
import { findProgram } from "../../real/require.ts";
import { type Samba, startSamba } from "../../servers/samba.ts";
import { planText, runPlan } from "../engine.ts";
import { alternate, type Report } from "../report.ts";

const LARGE_BYTES = 256 * 2 ** 20;
const FILES = 500;
const SMALL_BYTES = 4_096;
const CONCURRENCY = 4;
const ROUNDS = 3;
const MEGABYTE = 1_000_000;

/** Files on one side, and what they are copied from and to. */
interface Work {
  readonly env: Env;
  readonly samba: Samba;
  /** Of this machine. */
  readonly local: string;
  readonly names: readonly string[];
  readonly direction: "get" | "put";
}

export async function bench(report: Report): Promise<void> {
  for (const program of ["smbd", "smbclient", "rclone"]) {
    if (findProgram(program) !== undefined) continue;
    return report({
      bench: "protocols-smb",
      measure: "all",
      unit: "ratio",
      values: null,
      peer: program,
    });
  }
  const samba = await startSamba();
  const env = realEnv();
  try {
    const large = await filled(samba, "large", 1, LARGE_BYTES);
    const small = await filled(samba, "small", FILES, SMALL_BYTES);
    for (const direction of ["get", "put"] as const) {
      const work = { env, samba, direction };
      await compare(report, "large", "MB/s", LARGE_BYTES / MEGABYTE, { ...work, ...large });
      await compare(report, "small", "files/s", FILES, { ...work, ...small });
    }
  } finally {
    env.close();
    await samba.close();
  }
}

async function compare(
  report: Report,
  size: string,
  unit: string,
  amount: number,
  work: Work,
): Promise<void> {
  const seconds = await alternate(ROUNDS, {
    quorus: () => timed(work, () => quorus(work)),
    smbclient: () => timed(work, () => smbclient(work)),
    rclone: () => timed(work, () => rclone(work)),
  });
  const say = (measure: string, unit: string, values: number[], aim?: string) =>
    report({
      bench: "protocols-smb",
      measure: `${size}.${work.direction}.${measure}`,
      unit,
      values,
      ...(aim === undefined ? {} : { aim }),
    });
  for (const [name, values] of Object.entries(seconds)) {
    say(name, unit, values.map((value) => amount / value));
  }
  const ratio = (theirs: number[]) => theirs.map((value, i) => value / seconds.quorus[i]!);
  say("vs_smbclient", "ratio", ratio(seconds.smbclient));
  say("vs_rclone", "ratio", ratio(seconds.rclone), ">=1.0");
}

/** The same files on both sides. */
async function filled(
  samba: Samba,
  name: string,
  count: number,
  bytes: number,
): Promise<Pick<Work, "local" | "names">> {
  const local = `${samba.folder}/${name}`;
  const remote = `${samba.root}/${name}`;
  for (const folder of [local, remote]) await Deno.mkdir(folder);
  const content = new Uint8Array(bytes);
  const names = Array.from({ length: count }, (_, index) => `f${index}.bin`);
  for (const file of names) {
    for (let at = 0; at < bytes; at += 65_536) {
      crypto.getRandomValues(content.subarray(at, at + 65_536));
    }
    for (const folder of [local, remote]) await Deno.writeFile(`${folder}/${file}`, content);
  }
  return { local, names };
}

/** Seconds until all files are there; what they are copied to is empty before and after. */
async function timed(work: Work, copy: () => Promise<void>): Promise<number> {
  const out = target(work);
  await Deno.mkdir(out);
  await command("sync", []);
  const start = performance.now();
  await copy();
  const seconds = (performance.now() - start) / 1_000;
  const found = [...Deno.readDirSync(out)].filter(({ name }) => name.endsWith(".bin")).length;
  if (found !== work.names.length) throw new Error(`${out} has ${found} files`);
  await Deno.remove(out, { recursive: true });
  return seconds;
}

function target({ samba, direction }: Work): string {
  return direction === "get" ? `${samba.folder}/out` : `${samba.root}/out`;
}

/** The folder of the share that is read from or written to. */
function remoteFolder({ local, direction }: Work): string {
  return direction === "get" ? local.slice(local.lastIndexOf("/") + 1) : "out";
}

async function quorus(work: Work): Promise<void> {
  const { env, samba } = work;
  const protocol = smbProtocol({ ticketCache: null, folder: samba.folder });
  try {
    const plan = planText(document(work), 0);
    const options = { sync: false, folder: `${samba.folder}/run`, protocols: [protocol] };
    await runPlan(env, plan, options);
  } finally {
    await protocol.close!();
  }
}

function document(work: Work): string {
  const { samba, local, names, direction } = work;
  const share = `smb://127.0.0.1:${samba.port}/share/${remoteFolder(work)}`;
  const auth = `auth: { type: basic, username: ${samba.user}, password: "\${file:${
    passwordFile(work)
  }}" }`;
  const far = (name: string) => `{ uri: "${share}/${name}", ${auth} }`;
  const near = (name: string) =>
    `{ path: "${direction === "get" ? target(work) : local}/${name}" }`;
  const lines = names.flatMap((name, index) => [
    `    - name: f${index}`,
    `      source: ${direction === "get" ? far(name) : near(name)}`,
    `      destination: ${direction === "get" ? near(name) : far(name)}`,
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

function passwordFile({ samba }: Work): string {
  const path = `${samba.folder}/password`;
  Deno.writeTextFileSync(path, samba.password);
  return path;
}

async function smbclient(work: Work): Promise<void> {
  const { samba, local, direction } = work;
  const here = direction === "get" ? target(work) : local;
  const verb = direction === "get" ? "mget" : "mput";
  await command("smbclient", [
    ...["//127.0.0.1/share", "-p", String(samba.port), "-U", samba.user, "-s", "/dev/null"],
    ...["-c", `prompt; lcd ${here}; cd ${remoteFolder(work)}; ${verb} *`],
  ], { PASSWD: samba.password });
}

async function rclone(work: Work): Promise<void> {
  const { samba, local, direction } = work;
  const there = `s:share/${remoteFolder(work)}`;
  const ends = direction === "get" ? [there, target(work)] : [local, there];
  const obscured = await command("rclone", ["obscure", samba.password]);
  const count = String(CONCURRENCY);
  await command("rclone", [
    ...["--config", `${samba.folder}/rclone.conf`, "copy", "--ignore-times", "--no-traverse"],
    ...["--transfers", count, "--checkers", count, ...ends],
  ], {
    RCLONE_CONFIG_S_TYPE: "smb",
    RCLONE_CONFIG_S_HOST: "127.0.0.1",
    RCLONE_CONFIG_S_PORT: String(samba.port),
    RCLONE_CONFIG_S_USER: samba.user,
    RCLONE_CONFIG_S_PASS: obscured.trim(),
  });
}

async function command(
  program: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args: [...args], env })
    .output();
  if (success) return new TextDecoder().decode(stdout);
  throw new Error(`${program} failed: ${new TextDecoder().decode(stderr)}`);
}
