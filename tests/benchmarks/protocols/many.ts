/**
 * `bench protocols-many [--large-bytes 1GiB] [--rounds 3] [--disk]`: 20 transfers at once, of files of a quarter
 * of that, through one agent: from SFTP, HTTPS and FTP, to S3, and local copies. What is shown is how much of the
 * machine they use together with their servers, and what memory.
 *
 * CPU is that of all processes of the machine, so nothing else may run on it. The window is what the pipelines'
 * buffers hold, by the agent's own count.
 */

import { ACTOR_LIMITS } from "../../../actors/limits.ts";
import { findProgram } from "../../real/require.ts";
import { startNginx } from "../../servers/nginx.ts";
import { startSshd } from "../../servers/sshd.ts";
import { startSwift, SWIFT_PROGRAMS } from "../../servers/swift.ts";
import { pem } from "../../servers/tls_files.ts";
import { startVsftpd } from "../../servers/vsftpd.ts";
import type { Report } from "../report.ts";
import { madeFile } from "./beside.ts";
import { folderFar } from "./far.ts";
import { accessOf as ftpAccess } from "./ftp.ts";
import { type Peaks, QuorusAgent } from "./quorus_agent.ts";
import { accessOf as s3Access } from "./s3.ts";
import { settingsOf } from "./settings.ts";
import { accessOf as sftpAccess } from "./sftp.ts";

const BENCH = "protocols-many";
const OF_EACH = 4;
const PARTS = 4;
const BUCKET = "many";
const MEBIBYTE = 2 ** 20;
const WORKERS = 2;
/** Of `/proc/stat`: user, nice, system, then idle and waiting, then interrupts. */
const IDLE_FIELDS = [3, 4];
const CPU_FIELDS = 7;
const TICKS_A_SECOND = 100;
const FILE = "f0.bin";

/** A way to copy: the source of all its transfers, and the destination of each. */
interface Way {
  readonly name: string;
  readonly source: string;
  readonly destination: (index: number) => string;
}

/** Servers, and what they can be asked for. */
interface Servers {
  readonly ways: readonly Way[];
  /** Makes destinations empty. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

/** See the file's comment. */
export async function bench(report: Report, args: readonly string[]): Promise<void> {
  const settings = settingsOf(args.filter((arg) => arg !== "--json"));
  const programs = ["sshd", "nginx", "vsftpd", ...SWIFT_PROGRAMS];
  const peer = programs.find((program) => findProgram(program) === undefined);
  if (peer !== undefined) {
    return report({ bench: BENCH, measure: "all", unit: "ratio", values: null, peer });
  }
  const folder = await Deno.makeTempDir({ dir: settings.folder, prefix: "quorus-bench-" });
  await Deno.chmod(folder, 0o755);
  Deno.env.set("TMPDIR", folder);
  const agent = new QuorusAgent();
  try {
    await madeFile(`${folder}/large`, Math.ceil(settings.largeBytes / PARTS));
    await measure(report, agent, folder, settings.rounds);
  } finally {
    await agent.stop();
    await Deno.remove(folder, { recursive: true });
  }
}

async function measure(
  report: Report,
  agent: QuorusAgent,
  folder: string,
  rounds: number,
): Promise<void> {
  const servers = await startServers(folder);
  try {
    const { size } = await Deno.stat(`${folder}/large/${FILE}`);
    const bytes = servers.ways.length * OF_EACH * size;
    const taken: Taken[] = [];
    for (let round = 0; round < rounds; round += 1) {
      await servers.clear();
      taken.push(await once(agent, servers.ways, folder));
    }
    tell(report, taken, bytes);
  } finally {
    await servers.close();
  }
}

interface Taken extends Peaks {
  readonly seconds: number;
  readonly cores: number;
  readonly agentCores: number;
}

async function once(agent: QuorusAgent, ways: readonly Way[], folder: string): Promise<Taken> {
  const [start, machine, own] = [performance.now(), machineSeconds(), agent.cpuMs];
  const peaks = await agent.run(workflowOf(ways), `${folder}/runs`);
  const seconds = (performance.now() - start) / 1_000;
  const cores = (machineSeconds() - machine) / seconds;
  return { ...peaks, seconds, cores, agentCores: (agent.cpuMs - own) / 1_000 / seconds };
}

function tell(report: Report, taken: readonly Taken[], bytes: number): void {
  const say = (measure: string, unit: string, value: (one: Taken) => number, aim?: string) =>
    report({
      ...{ bench: BENCH, measure, unit, values: taken.map(value) },
      ...(aim === undefined ? {} : { aim }),
    });
  const windowMiB = ACTOR_LIMITS.poolBytes.value / MEBIBYTE;
  say("rate", "MB/s", ({ seconds }) => bytes / seconds / 1e6);
  say("cores", "cores", ({ cores }) => cores, ">1.8");
  say("cores.agent", "cores", ({ agentCores }) => agentCores);
  say("window", "MiB", ({ lentBytes }) => lentBytes / MEBIBYTE, `<=${windowMiB}`);
  say("peak_rss", "MiB", ({ rssBytes }) => rssBytes / MEBIBYTE);
}

/** User, system and interrupt time of everything on this machine, in seconds. */
function machineSeconds(): number {
  const line = Deno.readTextFileSync("/proc/stat").split("\n")[0] ?? "";
  const fields = line.trim().split(/\s+/).slice(1, 1 + CPU_FIELDS).map(Number);
  const busy = fields.filter((_, index) => !IDLE_FIELDS.includes(index));
  return busy.reduce((sum, ticks) => sum + ticks, 0) / TICKS_A_SECOND;
}

function workflowOf(ways: readonly Way[]): string {
  const lines = ways.flatMap(({ name, source, destination }) =>
    Array.from({ length: OF_EACH }, (_, index) => [
      `    - name: ${name}-${index}`,
      `      source: ${source}`,
      `      destination: ${destination(index)}`,
    ]).flat()
  );
  return `apiVersion: quorus.dev/v1
kind: TransferGroup
metadata: { name: many }
spec:
  execution: { strategy: parallel, maxConcurrency: ${ways.length * OF_EACH} }
  transfers:
${lines.join("\n")}
`;
}

/** Five kinds of transfers, each with the file where it reads. */
async function startServers(folder: string): Promise<Servers> {
  const [near, out] = [`${folder}/large`, `${folder}/out`];
  const [sshd, nginx] = [await startSshd(), await startNginx(WORKERS)];
  const [vsftpd, swift] = [await startVsftpd(), await startSwift()];
  await swift.makeBucket(BUCKET);
  for (const { root } of [sshd, nginx, vsftpd]) await folderFar(root).fill(near, "in");
  await Deno.writeTextFile(`${folder}/ca.pem`, pem("ca"));
  const origin = nginx.secureOrigin.replace("127.0.0.1", "localhost");
  const at = (uri: string, access: string) => `{ uri: "${uri}", ${access} }`;
  const local = (name: string) => `{ path: "${out}/${name}", conflict: overwrite }`;
  const sftp = (path: string) =>
    at(`sftp://127.0.0.1:${sshd.port}${sshd.root}/${path}`, sftpAccess(sshd, "program"));
  const ftpSays = await ftpAccess(vsftpd, "none");
  const ftp = (path: string) => at(`ftp://localhost:${vsftpd.port}/${path}`, ftpSays);
  const s3Says = await s3Access(swift);
  const s3 = (name: string) => at(`s3://${BUCKET}/${name}`, `${s3Says}, conflict: overwrite`);
  return {
    ways: [
      { name: "sftp", source: sftp(`in/${FILE}`), destination: (n) => local(`sftp-${n}`) },
      {
        name: "https",
        source: at(`${origin}/in/${FILE}`, `tls: { ca: "${folder}/ca.pem" }`),
        destination: (n) => local(`https-${n}`),
      },
      { name: "ftp", source: ftp(`in/${FILE}`), destination: (n) => local(`ftp-${n}`) },
      { name: "s3", source: `{ path: "${near}/${FILE}" }`, destination: (n) => s3(`s3-${n}`) },
      {
        name: "file",
        source: `{ path: "${near}/${FILE}" }`,
        destination: (n) => local(`file-${n}`),
      },
    ],
    clear: async () => {
      await Deno.remove(out, { recursive: true }).catch(() => {});
      await Deno.mkdir(out);
    },
    close: async () => {
      for (const server of [sshd, nginx, vsftpd, swift]) await server.close();
    },
  };
}
