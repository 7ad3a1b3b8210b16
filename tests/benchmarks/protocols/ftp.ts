/**
 * `bench protocols-ftp`: a large file and many small ones from and to a vsftpd of this machine, in clear
 * and by TLS, beside lftp and rclone on the same server in the same run. None of them syncs; ours hashes
 * what passes, and publishes each file.
 */

import { ftpProtocol } from "../../../protocols/ftp/protocol.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import type { Env } from "../../../runtime/env/env.ts";
import { findProgram } from "../../real/require.ts";
import { startVsftpd, type Vsftpd } from "../../servers/vsftpd.ts";
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
  readonly server: Vsftpd;
  readonly tls: "none" | "explicit";
  /** Of this machine. */
  readonly local: string;
  readonly names: readonly string[];
  readonly direction: "get" | "put";
}

export async function bench(report: Report): Promise<void> {
  for (const program of ["vsftpd", "lftp", "rclone"]) {
    if (findProgram(program) !== undefined) continue;
    return report({ bench: "ftp", measure: "all", unit: "ratio", values: null, peer: program });
  }
  const env = realEnv();
  try {
    for (const tls of ["none", "explicit"] as const) await ofServer(report, env, tls);
  } finally {
    env.close();
  }
}

async function ofServer(report: Report, env: Env, tls: Work["tls"]): Promise<void> {
  const server = await startVsftpd({ tls });
  try {
    const large = await filled(server, "large", 1, LARGE_BYTES);
    const small = await filled(server, "small", FILES, SMALL_BYTES);
    for (const direction of ["get", "put"] as const) {
      const work = { env, server, tls, direction };
      await compare(report, "large", "MB/s", LARGE_BYTES / MEGABYTE, { ...work, ...large });
      await compare(report, "small", "files/s", FILES, { ...work, ...small });
    }
  } finally {
    await server.close();
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
    lftp: () => timed(work, () => lftp(work)),
    rclone: () => timed(work, () => rclone(work)),
  });
  const scheme = work.tls === "none" ? "ftp" : "ftps";
  const say = (measure: string, unit: string, values: number[], aim?: string) =>
    report({
      bench: scheme,
      measure: `${size}.${work.direction}.${measure}`,
      unit,
      values,
      ...(aim === undefined ? {} : { aim }),
    });
  for (const [name, values] of Object.entries(seconds)) {
    say(name, unit, values.map((value) => amount / value));
  }
  const ratio = (theirs: number[]) => theirs.map((value, i) => value / seconds.quorus[i]!);
  say("vs_lftp", "ratio", ratio(seconds.lftp));
  say("vs_rclone", "ratio", ratio(seconds.rclone), ">=1.0");
}

/** The same files on both sides. */
async function filled(
  server: Vsftpd,
  name: string,
  count: number,
  bytes: number,
): Promise<Pick<Work, "local" | "names">> {
  const local = `${server.folder}/${name}`;
  const remote = `${server.root}/${name}`;
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
  await Deno.chmod(out, 0o777);
  await command("sync", []);
  const start = performance.now();
  await copy();
  const seconds = (performance.now() - start) / 1_000;
  const found = [...Deno.readDirSync(out)].filter(({ name }) => name.endsWith(".bin")).length;
  if (found !== work.names.length) throw new Error(`${out} has ${found} files`);
  await Deno.remove(out, { recursive: true });
  return seconds;
}

function target({ server, direction }: Work): string {
  return direction === "get" ? `${server.folder}/out` : `${server.root}/out`;
}

/** The folder of the server that is read from or written to. */
function remoteFolder({ local, direction }: Work): string {
  return direction === "get" ? local.slice(local.lastIndexOf("/") + 1) : "out";
}

async function quorus(work: Work): Promise<void> {
  const { env, server } = work;
  const protocol = ftpProtocol();
  try {
    const plan = planText(document(work), 0);
    const options = { sync: false, folder: `${server.folder}/run`, protocols: [protocol] };
    await runPlan(env, plan, options);
  } finally {
    await protocol.close!();
  }
}

function document(work: Work): string {
  const { server, local, names, direction, tls } = work;
  const scheme = tls === "none" ? "ftp" : "ftps";
  const place = `${scheme}://localhost:${server.port}/${remoteFolder(work)}`;
  Deno.writeTextFileSync(`${server.folder}/password`, server.password);
  const how = tls === "none" ? "options: { tls: none }" : `tls: { ca: "${server.folder}/ca.pem" }`;
  const auth = `auth: { type: basic, username: ${server.user}, ` +
    `password: "\${file:${server.folder}/password}" }, ${how}`;
  const far = (name: string) => `{ uri: "${place}/${name}", ${auth} }`;
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

async function lftp(work: Work): Promise<void> {
  const { server, local, direction, tls } = work;
  const { port, user, password, folder } = server;
  const there = `/${remoteFolder(work)}`;
  const mirror = direction === "get" ? `${there} ${target(work)}` : `-R ${local} ${there}`;
  const script = [
    `set ssl:ca-file ${folder}/ca.pem`,
    `set ftp:ssl-force ${tls !== "none"}`,
    `set ftp:ssl-allow ${tls !== "none"}`,
    // With TLS 1.3 vsftpd 3.0.3 takes the end of what it sends for a broken connection.
    "set ssl:priority NORMAL:-VERS-TLS1.3",
    `open -u ${user},"${password}" -p ${port} localhost`,
    `mirror --parallel=${CONCURRENCY} ${mirror}`,
  ].join("; ");
  await command("lftp", ["--norc", "-c", script]);
}

async function rclone(work: Work): Promise<void> {
  const { server, local, direction, tls } = work;
  const there = `s:${remoteFolder(work)}`;
  const ends = direction === "get" ? [there, target(work)] : [local, there];
  const obscured = await command("rclone", ["obscure", server.password]);
  const count = String(CONCURRENCY);
  await command("rclone", [
    ...["--config", `${server.folder}/rclone.conf`, "copy", "--ignore-times", "--no-traverse"],
    // It breaks off its parts of a large file, and takes the answer to that for a failure.
    ...["--multi-thread-streams", "0"],
    ...["--transfers", count, "--checkers", count, ...ends],
  ], {
    RCLONE_CONFIG_S_TYPE: "ftp",
    RCLONE_CONFIG_S_HOST: "localhost",
    RCLONE_CONFIG_S_PORT: String(server.port),
    RCLONE_CONFIG_S_USER: server.user,
    RCLONE_CONFIG_S_PASS: obscured.trim(),
    RCLONE_CONFIG_S_EXPLICIT_TLS: String(tls !== "none"),
    RCLONE_CONFIG_S_DISABLE_TLS13: "true",
    RCLONE_CONFIG_S_NO_CHECK_CERTIFICATE: "true",
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
