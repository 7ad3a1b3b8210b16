/**
 * `bench protocols-sftp`: a large file and many small ones from and to an OpenSSH server of this machine,
 * by the library and by the machine's own ssh, beside sftp and rclone on the same server in the same run.
 * None of them syncs; ours hashes what passes, and publishes each file.
 */

import { sftpProtocol } from "../../../protocols/sftp/protocol.ts";
import type { Env } from "../../../runtime/env/env.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import { findProgram } from "../../real/require.ts";
import { type Sshd, startSshd } from "../../servers/sshd.ts";
import { planText, runPlan } from "../engine.ts";
import type { Report } from "../report.ts";
import { beside, command, CONCURRENCY, type Work, workflowOf } from "./beside.ts";

/** How ours reaches the server, and what it is to be of OpenSSH's own client. */
const WAYS = { library: ">=0.8", program: ">=0.95" } as const;
type Way = keyof typeof WAYS;

export async function bench(report: Report): Promise<void> {
  for (const program of ["sshd", "sftp", "rclone"]) {
    if (findProgram(program) !== undefined) continue;
    return report({ bench: "sftp", measure: "all", unit: "ratio", values: null, peer: program });
  }
  const env = realEnv();
  const sshd = await startSshd();
  try {
    for (const way of ["library", "program"] as const) {
      const folder = `${sshd.folder}/${way}`;
      const root = `${sshd.root}/${way}`;
      for (const path of [folder, root]) await Deno.mkdir(path);
      await beside(report, {
        bench: way === "library" ? "sftp" : "sftp-program",
        ...{ root, folder },
        copies: {
          quorus: (work) => quorus(env, sshd, folder, way, work),
          sftp: (work) => sftp(sshd, work),
          rclone: (work) => rclone(sshd, folder, work),
        },
        aims: { sftp: WAYS[way], rclone: ">=1.0" },
      });
    }
  } finally {
    await sshd.close();
    env.close();
  }
}

async function quorus(
  env: Env,
  sshd: Sshd,
  folder: string,
  way: Way,
  work: Work,
): Promise<void> {
  const protocol = sftpProtocol({ knownHosts: sshd.knownHosts, agentSocket: null });
  const { user, port } = sshd;
  const key = `${sshd.folder}/user`;
  const access = way === "library"
    ? `auth: { type: key, username: ${user}, privateKey: "${key}" }`
    : `auth: { type: agent, username: ${user} }, ` +
      `options: { transport: program, identityFile: "${key}" }`;
  const far = (path: string) => `{ uri: "sftp://127.0.0.1:${port}${path}", ${access} }`;
  try {
    const plan = planText(workflowOf(work, far), 0);
    await runPlan(env, plan, { sync: false, folder: `${folder}/run`, protocols: [protocol] });
  } finally {
    await protocol.close!();
  }
}

/** One session: it has no concurrency of its own. */
async function sftp({ folder, knownHosts, user, port }: Sshd, work: Work): Promise<void> {
  const verb = work.direction === "get" ? "get" : "put";
  const batch = work.names.map((name) => `${verb} ${work.from}/${name} ${work.to}/${name}`);
  const args = [
    ...["-q", "-b", "-", "-P", String(port), "-i", `${folder}/user`],
    ...["-o", `UserKnownHostsFile=${knownHosts}`, `${user}@127.0.0.1`],
  ];
  await command("sftp", args, {}, `${batch.join("\n")}\n`);
}

async function rclone(sshd: Sshd, folder: string, work: Work): Promise<void> {
  const count = String(CONCURRENCY);
  const [from, to] = work.direction === "get"
    ? [`s:${work.from}`, work.to]
    : [work.from, `s:${work.to}`];
  await command("rclone", [
    ...["--config", `${folder}/rclone.conf`, "copy", "--ignore-times", "--no-traverse"],
    ...["--transfers", count, "--checkers", count, from, to],
  ], {
    RCLONE_CONFIG_S_TYPE: "sftp",
    RCLONE_CONFIG_S_HOST: "127.0.0.1",
    RCLONE_CONFIG_S_PORT: String(sshd.port),
    RCLONE_CONFIG_S_USER: sshd.user,
    RCLONE_CONFIG_S_KEY_FILE: `${sshd.folder}/user`,
    RCLONE_CONFIG_S_KNOWN_HOSTS_FILE: sshd.knownHosts,
  });
}
